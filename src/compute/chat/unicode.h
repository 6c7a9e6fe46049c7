#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lathe::chat {

// Characters as Python's str sees them: code points of valid UTF-8. All functions are
// thread-safe; those that take a text require it to be valid UTF-8.

// The text with every invalid sequence replaced by U+FFFD.
std::string ValidUtf8(std::string_view bytes);
// The offset of the first invalid byte, or npos.
size_t FirstInvalidUtf8(std::string_view bytes);

size_t CountCodePoints(std::string_view text);
// The code point at `position`, which moves past it. Requires: position < size.
char32_t NextCodePoint(std::string_view text, size_t& position);
// The code point that ends before `position`, which moves before it.
char32_t PreviousCodePoint(std::string_view text, size_t& position);
void AppendCodePoint(std::string& text, char32_t c);
// The byte offset of the code point with this index; the size for indices past the end.
size_t OffsetOf(std::string_view text, size_t index);

// Decimal digits of every script as 0 to 9.
std::string WithAsciiDigits(std::string_view text);

bool IsSpace(char32_t c);      // str.isspace
bool IsLineBreak(char32_t c);  // where str.splitlines breaks
bool IsPrintable(char32_t c);  // what repr() leaves as it is
bool IsWordChar(char32_t c);   // \w
bool IsNameStart(char32_t c);
bool IsNamePart(char32_t c);

std::string Upper(std::string_view text);
std::string Lower(std::string_view text);
std::string CaseFold(std::string_view text);
std::string SwapCase(std::string_view text);
std::string Title(std::string_view text);       // str.title: a word starts after what has no case
std::string Capitalize(std::string_view text);  // first to title case, the others to lower

enum class TextClass {
    kSpace,
    kAlpha,
    kAlnum,
    kDecimal,
    kDigit,
    kNumeric,
    kLower,
    kUpper,
    kTitle,
    kPrintable,
    kIdentifier,
    kAscii,
};
// str.isspace(), str.isalpha() and so on.
bool IsAll(TextClass wanted, std::string_view text);

}  // namespace lathe::chat
