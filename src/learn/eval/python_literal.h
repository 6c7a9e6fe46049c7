#pragma once

#include <optional>
#include <string_view>

#include "core/json/json.h"

namespace lathe::eval {

// What Python's ast.literal_eval reads of a text, as JSON: texts, numbers, True, False,
// None, lists, tuples (as lists) and dicts with text keys. Nothing if it is anything else,
// has an integer beyond 64 bits, or nests deeper than 64.
std::optional<Json> ParsePythonLiteral(std::string_view text);

// str(value), as the reference harness writes targets.
std::string PythonStr(const Json& value);

}  // namespace lathe::eval
