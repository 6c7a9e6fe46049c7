#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "core/base/result.h"

namespace lathe::registry {

// Unpacks one member of a ZIP archive (a Python wheel is one), stored or deflated, and
// hands its bytes to `write` as they come. ZIP64 and encryption are refused.
//
// Errors (kDataLoss) for what is no such archive, for a member whose size or CRC is not
// what the archive says, and beyond `bytes_max`; kNotFound if there is no such member;
// else what `write` returns.
Status ExtractZipMember(std::span<const std::byte> archive, std::string_view member,
                        uint64_t bytes_max,
                        const std::function<Status(std::span<const char>)>& write);

}  // namespace lathe::registry
