// Sets of code points that patterns and grammars name. Free functions, thread-safe.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compute/constraint/expression.h"
#include "core/base/result.h"

namespace lathe::constraint {

// The sets of \d, \w and \s as RE2 knows them (ASCII). Empty for another letter.
std::vector<CodePointRange> PerlClass(char letter);
// [:alpha:] and so on, by their names; empty for an unknown one.
std::vector<CodePointRange> PosixClass(std::string_view name);
// Of a general category ("L", "Lu"); empty for an unknown name. Looks at every code point.
std::vector<CodePointRange> UnicodeClass(std::string_view name);

// Adds the other case of ASCII letters.
void AddOtherCase(std::vector<CodePointRange>& ranges);

// The code point at `at`, which moves past it; empty where the text is not UTF-8.
std::optional<char32_t> TakeCodePoint(std::string_view text, size_t& at);

// One character of a class, or a range a-z of them, which may be the wrong way round.
// `take` reads a character of `text` at `at` and moves past it.
template <class Take>
Result<CodePointRange> TakeRange(std::string_view text, size_t& at, Take take) {
    LATHE_TRY(char32_t first, take());
    std::string_view rest = text.substr(at);
    if (rest.size() < 2 || rest[0] != '-' || rest[1] == ']') return CodePointRange{first, first};
    ++at;
    LATHE_TRY(char32_t last, take());
    return CodePointRange{first, last};
}

// 1 to `digits_max` hexadecimal digits (exactly so many with `exact`); empty if there are none
// or the value is no code point.
std::optional<char32_t> TakeHex(std::string_view text, size_t& at, size_t digits_max, bool exact);

// A decimal number up to `max`; empty if there is none, max + 1 if it is larger.
std::optional<uint32_t> TakeNumber(std::string_view text, size_t& at, uint32_t max);

}  // namespace lathe::constraint
