// UTF-8 and Unicode properties for the tokenizer, on top of ICU.
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::tokenizer {

struct CodePoint {
    char32_t value = 0;
    uint32_t bytes = 0;  // length of its UTF-8 form
};

// Requires: `text` is valid UTF-8 and a character starts at `at`.
CodePoint CodePointAt(std::string_view text, size_t at);

// Requires: `text` is valid UTF-8 and a character ends at `at`. Where it starts.
size_t PreviousStart(std::string_view text, size_t at);

void AppendUtf8(char32_t value, std::string& out);

bool IsValidUtf8(std::string_view bytes);

// Appends `bytes`, each maximal part that cannot belong to a character as one U+FFFD
// (the substitution that Unicode recommends).
void AppendRepaired(std::string_view bytes, std::string& out);

// Length of `bytes` without a character that has begun at their end and may still be
// completed by further bytes.
size_t WithoutIncompleteEnd(std::string_view bytes);

// What a code point is, as bits: bit n for general category n of ICU's
// UCharCategory, and those below. A code point has exactly one category bit, one of
// kWhiteSpace and kNotWhiteSpace, one of kWord and kNotWord.
using ClassMask = uint64_t;
inline constexpr ClassMask kWhiteSpace = ClassMask{1} << 32;  // White_Space
inline constexpr ClassMask kNotWhiteSpace = ClassMask{1} << 33;
inline constexpr ClassMask kWord = ClassMask{1} << 34;  // \w of UTS 18
inline constexpr ClassMask kNotWord = ClassMask{1} << 35;
ClassMask ClassOf(char32_t value);

// Bits of a general category ("L", "Lu", "N", ...); 0 for an unknown name.
ClassMask CategoryMask(std::string_view name);
inline constexpr ClassMask kAllCategories = (ClassMask{1} << 30) - 1;

}  // namespace lathe::tokenizer
