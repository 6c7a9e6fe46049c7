// Text as Python's str sees it. The field's reference metrics are Python programs, and
// their numbers depend on what lower(), split() and strip() mean there.
//
// Thread-safe: free functions only. Bytes that are not UTF-8 count as U+FFFD.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::metrics {

std::u32string CodePoints(std::string_view utf8);
std::string Utf8(std::u32string_view code_points);

// str.isspace() of one character; also what \s matches.
bool IsSpace(char32_t character);
// str.isalnum() or '_'; also what \w matches.
bool IsWordCharacter(char32_t character);
// One of string.punctuation: the 32 ASCII characters that are neither letter, digit nor space.
bool IsAsciiPunctuation(char32_t character);
// Any character of Unicode's general categories P and S.
bool IsPunctuationOrSymbol(char32_t character);
// A Han ideograph: written without spaces, so that each stands for a word.
bool IsIdeograph(char32_t character);

// str.lower(): full case mapping without a locale.
std::string Lowercase(std::string_view utf8);
std::string_view StripRight(std::string_view utf8);
std::string_view Strip(std::string_view utf8);
// str.split(): the words between runs of white space, none of them empty.
std::vector<std::string_view> SplitWords(std::string_view utf8);

}  // namespace lathe::metrics
