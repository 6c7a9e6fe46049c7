// JSON values (nlohmann, keys in the order of the text) and a parser with limits
// for bytes that come from outside.
//
// Thread-safe: free functions only.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe {

using Json = nlohmann::ordered_json;

struct JsonLimits {
    size_t depth_max = 128;
    size_t bytes_max = size_t{1} << 30;
};

// Errors (kInvalidArgument) name the byte offset and what was expected there, the
// exceeded limit, or the invalid UTF-8.
Result<Json> ParseJson(std::string_view text, const JsonLimits& limits = {});

// Compact text; bytes that are not UTF-8 become U+FFFD, so it never fails.
std::string DumpJson(const Json& value, int indent = -1);

}  // namespace lathe
