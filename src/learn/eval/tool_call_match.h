#pragma once

#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// Whether a text calls the tools that were expected, in the form of the Berkeley Function
// Calling Leaderboard: `expected` is a list of {"name": {"parameter": [accepted values]}}, in
// any order; "" among the accepted values means that the parameter may be missing. An empty
// list: no tool fits, and none may be called.
//
// A call is a JSON object with `name` (or `function`) and `arguments` (or `parameters`): alone,
// several, or in a list, with whatever text around. Numbers are equal by value, texts without
// regard to case, white space and the signs ,./-_*^ as the leaderboard's checker has it.
//
// Errors (kInvalidArgument): `expected` has another form. Thread-safe.
Result<bool> CallsTools(std::string_view text, const Json& expected);

}  // namespace lathe::eval
