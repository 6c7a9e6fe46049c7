// The part of an address after '?', as forms write it. Free functions, thread-safe.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::api {

using Query = std::map<std::string, std::string, std::less<>>;

// "a=1&b=x%20y" -> {a: "1", b: "x y"}; '+' is a space. Errors (kInvalidArgument) name the
// parameter: one that is not among `known`, that comes twice, or with a broken escape or a NUL.
Result<Query> ParseQuery(std::string_view text, std::span<const std::string_view> known);

// A whole number, or `fallback` if the parameter is not there. Error: it is none, or above `max`.
Result<size_t> CountOr(const Query& query, std::string_view name, size_t fallback, size_t max);

// "" if it is not there.
std::string TextOr(const Query& query, std::string_view name);

}  // namespace lathe::api
