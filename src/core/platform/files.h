// Reading and writing small files, atomically, and the directories Lathe keeps.
// Thread-safe: free functions only, unless said otherwise.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::platform {

// An Error for errno: kNotFound, kPermissionDenied, kAlreadyExists,
// kResourceExhausted (disk full, quota, descriptors) or kInternal, with
// "<what> <path>: <strerror>", and for a full disk how much is free.
Error ErrnoError(int error_number, std::string_view what, const std::filesystem::path& path);

// The whole file. Errors: as above; kInvalidArgument if it is longer than `bytes_max`.
Result<std::string> ReadFile(const std::filesystem::path& path, uint64_t bytes_max = 1u << 30);

// Writes to a temporary file beside `path`, syncs it and renames it, so that
// `path` is either the old or the new content whatever happens meanwhile.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

// $LATHE_HOME, else $XDG_CACHE_HOME/lathe, else $HOME/.cache/lathe. Not created.
// Error (kFailedPrecondition) if none of the three variables is set.
Result<std::filesystem::path> LatheHome();

}  // namespace lathe::platform
