#pragma once

#include <string_view>

#include "compute/constraint/expression.h"
#include "core/base/result.h"

namespace lathe::constraint {

struct RegexOptions {
    // The pattern may match anywhere in the text unless ^ and $ say otherwise, as the
    // `pattern` of a JSON schema; else it matches the text as a whole.
    bool search = false;
    // The text stands inside a JSON string: characters are written with their escapes.
    bool in_json_string = false;
};

// RE2's syntax: literals, classes, groups (also named), alternatives, repetitions (greedy or
// not is the same here), the flags i and s, \p{L} for general categories. Anchors only
// at the ends of the pattern or of its outermost alternatives. Errors name the offset, and what
// is not supported: look-around, back-references, word boundaries.
Result<Expression> ParseRegex(std::string_view pattern, const RegexOptions& options = {});

}  // namespace lathe::constraint
