// Strings of a JSON schema. Free functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "compute/constraint/expression.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::constraint {

// What stands between the quotes of a string that is valid under the keywords minLength,
// maxLength, pattern (an array) and format of a flat schema.
Result<Expression> StringContent(const Json& schema, const std::string& path);

// A regular expression that matches only texts of `format` (perhaps not all of them); empty if
// the format is not known.
std::string_view FormatPattern(std::string_view format);
// The formats that are known: "date, time, ...".
std::string FormatNames();

}  // namespace lathe::constraint
