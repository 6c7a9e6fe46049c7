// The pieces of JSON as expressions. Free functions, thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "compute/constraint/expression.h"
#include "core/json/json.h"

namespace lathe::constraint {

// Numbers without bounds have at most so many digits, so that integers can be read back
// exactly as doubles, and so that no model can write digits for ever.
inline constexpr uint32_t kIntegerDigitsMax = 15;
inline constexpr uint32_t kFractionDigitsMax = 16;
inline constexpr uint32_t kExponentDigitsMax = 2;

// White space at one place: nothing, a blank, or a line break with up to so many blanks.
inline constexpr uint32_t kIndentMax = 20;

// Rules that all places of one grammar share, so that their masks are shared, too.
struct JsonParts {
    JsonParts();

    Expression space;   // where white space may be
    Expression comma;   // with space after it
    Expression colon;   // with perhaps a blank after it
    Expression string;  // any, with its quotes
    Expression integer;
    Expression number;
    Expression boolean;
    Expression object;  // any
    Expression array;
    Expression value;  // any
};

// One of these code points as it stands inside a JSON string: escaped where it must be.
Expression JsonCharacter(std::span<const CodePointRange> ranges);
// Any character, also in an escaped form that it does not need.
Expression AnyJsonCharacter();
// `content` between quotes.
Expression JsonQuoted(Expression content);

// A value as it is written: strings with the escapes they need only, no white space
// but where JsonParts allows it.
Expression JsonLiteral(const Json& value, const JsonParts& parts);

}  // namespace lathe::constraint
