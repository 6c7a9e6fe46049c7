#include "learn/metrics/text.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>

namespace lathe::metrics {
namespace {

// The character that starts at `offset`, which moves behind it.
char32_t Next(std::string_view utf8, size_t& offset) {
    auto position = static_cast<int32_t>(offset);
    UChar32 character = 0;
    U8_NEXT_OR_FFFD(utf8.data(), position, static_cast<int32_t>(utf8.size()), character);
    offset = static_cast<size_t>(position);
    return static_cast<char32_t>(character);
}

}  // namespace

std::u32string CodePoints(std::string_view utf8) {
    std::u32string out;
    out.reserve(utf8.size());
    for (size_t offset = 0; offset < utf8.size();) out += Next(utf8, offset);
    return out;
}

std::string Utf8(std::u32string_view code_points) {
    std::string out;
    icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(code_points.data()),
                                  static_cast<int32_t>(code_points.size()))
        .toUTF8String(out);
    return out;
}

bool IsSpace(char32_t character) {
    if (character < 0x80)
        return character == ' ' || (character >= 0x09 && character <= 0x0d) ||
               (character >= 0x1c && character <= 0x1f);
    return character == 0x85 || character == 0xa0 || character == 0x1680 ||
           (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
           character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

bool IsWordCharacter(char32_t character) {
    constexpr uint32_t kAlphanumeric = U_GC_L_MASK | U_GC_N_MASK;
    return character == '_' || (U_GET_GC_MASK(static_cast<UChar32>(character)) & kAlphanumeric);
}

bool IsAsciiPunctuation(char32_t character) {
    return (character >= '!' && character <= '/') || (character >= ':' && character <= '@') ||
           (character >= '[' && character <= '`') || (character >= '{' && character <= '~');
}

bool IsPunctuationOrSymbol(char32_t character) {
    return U_GET_GC_MASK(static_cast<UChar32>(character)) & (U_GC_P_MASK | U_GC_S_MASK);
}

bool IsIdeograph(char32_t character) {
    return u_hasBinaryProperty(static_cast<UChar32>(character), UCHAR_IDEOGRAPHIC);
}

std::string Lowercase(std::string_view utf8) {
    std::string out;
    icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())))
        .toLower(icu::Locale::getRoot())
        .toUTF8String(out);
    return out;
}

std::string_view StripRight(std::string_view utf8) {
    size_t end = 0;
    for (size_t offset = 0; offset < utf8.size();)
        if (!IsSpace(Next(utf8, offset))) end = offset;
    return utf8.substr(0, end);
}

std::string_view Strip(std::string_view utf8) {
    size_t begin = 0;
    while (begin < utf8.size()) {
        size_t next = begin;
        if (!IsSpace(Next(utf8, next))) break;
        begin = next;
    }
    return StripRight(utf8.substr(begin));
}

std::vector<std::string_view> SplitWords(std::string_view utf8) {
    std::vector<std::string_view> words;
    size_t begin = 0;
    for (size_t offset = 0; offset < utf8.size();) {
        size_t at = offset;
        if (!IsSpace(Next(utf8, offset))) continue;
        if (at > begin) words.push_back(utf8.substr(begin, at - begin));
        begin = offset;
    }
    if (begin < utf8.size()) words.push_back(utf8.substr(begin));
    return words;
}

}  // namespace lathe::metrics
