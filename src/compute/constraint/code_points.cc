#include "compute/constraint/code_points.h"

#include <algorithm>

#include "compute/tokenizer/utf8.h"

namespace lathe::constraint {
namespace {

struct NamedClass {
    std::string_view name;
    std::vector<CodePointRange> ranges;
};

int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::vector<CodePointRange> PerlClass(char letter) {
    switch (letter) {
        case 'd':
            return {{'0', '9'}};
        case 'w':
            return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
        case 's':
            return {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
        default:
            return {};
    }
}

std::vector<CodePointRange> PosixClass(std::string_view name) {
    const NamedClass classes[] = {
        {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
        {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
        {"ascii", {{0, 0x7F}}},
        {"blank", {{'\t', '\t'}, {' ', ' '}}},
        {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
        {"digit", {{'0', '9'}}},
        {"graph", {{'!', '~'}}},
        {"lower", {{'a', 'z'}}},
        {"print", {{' ', '~'}}},
        {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
        {"space", {{'\t', '\r'}, {' ', ' '}}},
        {"upper", {{'A', 'Z'}}},
        {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
        {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    };
    for (const NamedClass& one : classes)
        if (one.name == name) return one.ranges;
    return {};
}

std::vector<CodePointRange> UnicodeClass(std::string_view name) {
    std::vector<CodePointRange> ranges;
    tokenizer::ClassMask mask = tokenizer::CategoryMask(name);
    if (mask == 0) return ranges;
    for (char32_t c = 0; c <= kCodePointMax; ++c) {
        if ((tokenizer::ClassOf(c) & mask) == 0) continue;
        if (!ranges.empty() && ranges.back().last + 1 == c)
            ranges.back().last = c;
        else
            ranges.push_back({c, c});
    }
    return ranges;
}

void AddOtherCase(std::vector<CodePointRange>& ranges) {
    size_t count = ranges.size();
    for (size_t i = 0; i < count; ++i) {
        for (auto [first, last, shift] :
             {std::tuple<char32_t, char32_t, int>{'a', 'z', 'A' - 'a'}, {'A', 'Z', 'a' - 'A'}}) {
            CodePointRange common = {std::max(ranges[i].first, first),
                                     std::min(ranges[i].last, last)};
            if (common.first > common.last) continue;
            auto moved = [&](char32_t c) {
                return static_cast<char32_t>(static_cast<int>(c) + shift);
            };
            ranges.push_back({moved(common.first), moved(common.last)});
        }
    }
}

std::optional<char32_t> TakeCodePoint(std::string_view text, size_t& at) {
    if (at >= text.size()) return std::nullopt;
    // A character has at most four bytes.
    for (size_t length = 1; length <= std::min<size_t>(4, text.size() - at); ++length) {
        if (!tokenizer::IsValidUtf8(text.substr(at, length))) continue;
        char32_t value = tokenizer::CodePointAt(text, at).value;
        at += length;
        return value;
    }
    return std::nullopt;
}

std::optional<char32_t> TakeHex(std::string_view text, size_t& at, size_t digits_max, bool exact) {
    char32_t value = 0;
    size_t digits = 0;
    while (digits < digits_max && at < text.size() && HexDigit(text[at]) >= 0) {
        value = value * 16 + static_cast<char32_t>(HexDigit(text[at++]));
        ++digits;
    }
    if (digits == 0 || (exact && digits < digits_max) || value > kCodePointMax) return std::nullopt;
    return value;
}

std::optional<uint32_t> TakeNumber(std::string_view text, size_t& at, uint32_t max) {
    size_t begin = at;
    uint64_t value = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
        value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(text[at] - '0'),
                                   uint64_t{max} + 1);
    if (at == begin) return std::nullopt;
    return static_cast<uint32_t>(value);
}

}  // namespace lathe::constraint
