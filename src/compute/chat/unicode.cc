#include "compute/chat/unicode.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>

namespace lathe::chat {
namespace {

UChar32 Char(char32_t c) {
    return static_cast<UChar32>(c);
}

constexpr bool IsContinuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

bool IsAsciiText(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

enum class CaseChange { kUpper, kLower, kTitleWhole, kFold };

std::string ChangeCase(CaseChange change, std::string_view text) {
    std::string result;
    icu::StringByteSink<std::string> sink(&result, static_cast<int32_t>(text.size()));
    icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
    UErrorCode status = U_ZERO_ERROR;
    switch (change) {
        case CaseChange::kUpper:
            icu::CaseMap::utf8ToUpper("", 0, piece, sink, nullptr, status);
            break;
        case CaseChange::kLower:
            icu::CaseMap::utf8ToLower("", 0, piece, sink, nullptr, status);
            break;
        case CaseChange::kTitleWhole:
            icu::CaseMap::utf8ToTitle("",
                                      U_TITLECASE_WHOLE_STRING | U_TITLECASE_NO_BREAK_ADJUSTMENT,
                                      nullptr, piece, sink, nullptr, status);
            break;
        case CaseChange::kFold:
            icu::CaseMap::utf8Fold(0, piece, sink, nullptr, status);
            break;
    }
    return U_SUCCESS(status) ? result : std::string(text);
}

bool IsCased(char32_t c) {
    return u_hasBinaryProperty(Char(c), UCHAR_CASED);
}
bool IsUpperChar(char32_t c) {
    return u_hasBinaryProperty(Char(c), UCHAR_UPPERCASE);
}
bool IsLowerChar(char32_t c) {
    return u_hasBinaryProperty(Char(c), UCHAR_LOWERCASE);
}
bool IsTitleChar(char32_t c) {
    return u_charType(Char(c)) == U_TITLECASE_LETTER;
}

// Whether the sigma at `start`, which ends at `end`, ends a word.
bool IsFinalSigma(std::string_view text, size_t start, size_t end) {
    auto ignorable = [](char32_t c) { return u_hasBinaryProperty(Char(c), UCHAR_CASE_IGNORABLE); };
    char32_t before = ' ', after = ' ';
    while (start > 0 && ignorable(before = PreviousCodePoint(text, start))) before = ' ';
    if (!IsCased(before)) return false;
    while (end < text.size() && ignorable(after = NextCodePoint(text, end))) after = ' ';
    return !IsCased(after);
}

// The lower case of the character from `start` to `end`, which for a sigma depends on
// where it stands.
std::string LowerAt(std::string_view text, size_t start, size_t end) {
    std::string_view one = text.substr(start, end - start);
    if (one == "\u03a3") return IsFinalSigma(text, start, end) ? "\u03c2" : "\u03c3";
    return Lower(one);
}

int NumericType(char32_t c) {
    return u_getIntPropertyValue(Char(c), UCHAR_NUMERIC_TYPE);
}
bool IsDecimalChar(char32_t c) {
    return u_charType(Char(c)) == U_DECIMAL_DIGIT_NUMBER;
}
bool IsDigitChar(char32_t c) {
    int type = NumericType(c);
    return type == U_NT_DECIMAL || type == U_NT_DIGIT;
}
bool IsAlphaChar(char32_t c) {
    return (U_GET_GC_MASK(Char(c)) & U_GC_L_MASK) != 0;
}
bool IsAlnumChar(char32_t c) {
    return IsAlphaChar(c) || NumericType(c) != U_NT_NONE;
}

template <typename Test>
bool AllOf(std::string_view text, Test test) {
    for (size_t i = 0; i < text.size();)
        if (!test(NextCodePoint(text, i))) return false;
    return true;
}

// islower and isupper: one cased character at least, none of the wrong case.
bool HasOnlyCase(std::string_view text, bool (*right)(char32_t), bool (*wrong)(char32_t)) {
    bool found = false;
    for (size_t i = 0; i < text.size();) {
        char32_t c = NextCodePoint(text, i);
        if (wrong(c) || IsTitleChar(c)) return false;
        found = found || right(c);
    }
    return found;
}

bool IsTitleText(std::string_view text) {
    bool after_cased = false, found = false;
    for (size_t i = 0; i < text.size();) {
        char32_t c = NextCodePoint(text, i);
        if (IsUpperChar(c) || IsTitleChar(c)) {
            if (after_cased) return false;
            after_cased = found = true;
        } else if (IsLowerChar(c)) {
            if (!after_cased) return false;
            found = true;
        } else {
            after_cased = false;
        }
    }
    return found;
}

bool IsIdentifier(std::string_view text) {
    size_t i = 0;
    if (text.empty() || !IsNameStart(NextCodePoint(text, i))) return false;
    return AllOf(text.substr(i), IsNamePart);
}

}  // namespace

size_t FirstInvalidUtf8(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size();) {
        size_t start = i;
        UChar32 c;
        U8_NEXT(bytes.data(), i, bytes.size(), c);
        if (c < 0) return start;
    }
    return std::string_view::npos;
}

std::string ValidUtf8(std::string_view bytes) {
    if (FirstInvalidUtf8(bytes) == std::string_view::npos) return std::string(bytes);
    std::string text;
    for (size_t i = 0; i < bytes.size();) {
        UChar32 c;
        U8_NEXT(bytes.data(), i, bytes.size(), c);
        AppendCodePoint(text, c < 0 ? U'\uFFFD' : static_cast<char32_t>(c));
    }
    return text;
}

size_t CountCodePoints(std::string_view text) {
    size_t count = 0;
    for (char c : text) count += !IsContinuation(c);
    return count;
}

char32_t NextCodePoint(std::string_view text, size_t& position) {
    UChar32 c;
    U8_NEXT(text.data(), position, text.size(), c);
    return c < 0 ? U'\uFFFD' : static_cast<char32_t>(c);
}

char32_t PreviousCodePoint(std::string_view text, size_t& position) {
    UChar32 c;
    auto offset = static_cast<int32_t>(position);
    U8_PREV(text.data(), 0, offset, c);
    position = static_cast<size_t>(offset);
    return c < 0 ? U'\uFFFD' : static_cast<char32_t>(c);
}

void AppendCodePoint(std::string& text, char32_t c) {
    char bytes[U8_MAX_LENGTH];
    int32_t size = 0;
    U8_APPEND_UNSAFE(bytes, size, c);
    text.append(bytes, static_cast<size_t>(size));
}

size_t OffsetOf(std::string_view text, size_t index) {
    size_t offset = 0;
    for (; offset < text.size(); ++offset)
        if (!IsContinuation(text[offset]) && index-- == 0) break;
    return offset;
}

std::string WithAsciiDigits(std::string_view text) {
    if (IsAsciiText(text)) return std::string(text);
    std::string result;
    for (size_t i = 0; i < text.size();) {
        char32_t c = NextCodePoint(text, i);
        int32_t digit = IsDecimalChar(c) ? u_charDigitValue(Char(c)) : -1;
        AppendCodePoint(result, digit >= 0 ? U'0' + static_cast<char32_t>(digit) : c);
    }
    return result;
}

bool IsSpace(char32_t c) {
    if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 28 && c <= 32);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool IsLineBreak(char32_t c) {
    return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool IsPrintable(char32_t c) {
    if (c == ' ') return true;
    return (U_GET_GC_MASK(Char(c)) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}

bool IsWordChar(char32_t c) {
    return c == '_' || IsAlnumChar(c);
}

bool IsNameStart(char32_t c) {
    return c == '_' || u_hasBinaryProperty(Char(c), UCHAR_XID_START);
}

bool IsNamePart(char32_t c) {
    return u_hasBinaryProperty(Char(c), UCHAR_XID_CONTINUE);
}

std::string Upper(std::string_view text) {
    return ChangeCase(CaseChange::kUpper, text);
}

std::string Lower(std::string_view text) {
    return ChangeCase(CaseChange::kLower, text);
}

std::string CaseFold(std::string_view text) {
    return ChangeCase(CaseChange::kFold, text);
}

std::string SwapCase(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size();) {
        size_t start = i;
        char32_t c = NextCodePoint(text, i);
        std::string_view one = text.substr(start, i - start);
        if (IsUpperChar(c))
            result += LowerAt(text, start, i);
        else if (IsLowerChar(c))
            result += Upper(one);
        else
            result += one;
    }
    return result;
}

std::string Title(std::string_view text) {
    std::string result;
    bool after_cased = false;
    for (size_t i = 0; i < text.size();) {
        size_t start = i;
        bool cased = IsCased(NextCodePoint(text, i));
        if (after_cased)
            result += LowerAt(text, start, i);
        else
            result += ChangeCase(CaseChange::kTitleWhole, text.substr(start, i - start));
        after_cased = cased;
    }
    return result;
}

std::string Capitalize(std::string_view text) {
    std::string result;
    size_t first = 0;
    if (!text.empty()) NextCodePoint(text, first);
    result = ChangeCase(CaseChange::kTitleWhole, text.substr(0, first));
    if (!text.contains("\u03a3")) return result + Lower(text.substr(first));
    for (size_t i = first; i < text.size();) {  // a sigma looks back at the first letter too
        size_t start = i;
        NextCodePoint(text, i);
        result += LowerAt(text, start, i);
    }
    return result;
}

bool IsAll(TextClass wanted, std::string_view text) {
    if (wanted == TextClass::kAscii) return IsAsciiText(text);
    if (wanted == TextClass::kPrintable) return AllOf(text, IsPrintable);
    if (text.empty()) return false;
    switch (wanted) {
        case TextClass::kSpace:
            return AllOf(text, IsSpace);
        case TextClass::kAlpha:
            return AllOf(text, IsAlphaChar);
        case TextClass::kAlnum:
            return AllOf(text, IsAlnumChar);
        case TextClass::kDecimal:
            return AllOf(text, IsDecimalChar);
        case TextClass::kDigit:
            return AllOf(text, IsDigitChar);
        case TextClass::kNumeric:
            return AllOf(text, [](char32_t c) { return NumericType(c) != U_NT_NONE; });
        case TextClass::kLower:
            return HasOnlyCase(text, IsLowerChar, IsUpperChar);
        case TextClass::kUpper:
            return HasOnlyCase(text, IsUpperChar, IsLowerChar);
        case TextClass::kTitle:
            return IsTitleText(text);
        case TextClass::kIdentifier:
            return IsIdentifier(text);
        case TextClass::kPrintable:
        case TextClass::kAscii:
            break;
    }
    return false;
}

}  // namespace lathe::chat
