#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.h"

namespace lathe::eval {

inline constexpr size_t kImageBytesMax = 20u << 20;

// An image as chat servers take it in `image_url`: a reference of a document as it stands if
// it is an http or data URL, else as a data URL of the file (relative to `folder`) or of the
// bytes in Base64. PNG, JPEG, GIF and WebP, told by their first bytes. Errors name the file.
// Thread-safe.
Result<std::string> ImageUrl(const std::string& reference, const std::filesystem::path& folder);

}  // namespace lathe::eval
