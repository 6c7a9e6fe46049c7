#include "compute/chat/text.h"

#include <algorithm>
#include <cstring>

#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

std::u32string SortedSet(std::string_view characters) {
    std::u32string set;
    for (size_t i = 0; i < characters.size();) set.push_back(NextCodePoint(characters, i));
    std::ranges::sort(set);
    return set;
}

std::string Reversed(std::string_view text) {
    return std::string(text.rbegin(), text.rend());
}

std::string_view SkipSpace(std::string_view text) {
    return Strip(text, std::nullopt, Side::kLeft);
}

// The end of the leading run without white space.
size_t WordEnd(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
        size_t start = i;
        if (IsSpace(NextCodePoint(text, i))) return start;
    }
    return text.size();
}

size_t WordStartFromRight(std::string_view text) {
    for (size_t i = text.size(); i > 0;) {
        size_t end = i;
        if (IsSpace(PreviousCodePoint(text, i))) return end;
    }
    return 0;
}

class Pieces {
public:
    explicit Pieces(Budget& budget) : budget_(budget) {}
    void Add(std::string_view piece) {
        budget_.Step();
        if (pieces_.size() == pieces_.capacity())
            budget_.RequireRoom(pieces_.size() * 2 + 8, sizeof piece);
        pieces_.push_back(piece);
    }
    bool full(int64_t splits_max) const {
        return splits_max >= 0 && std::cmp_greater_equal(pieces_.size(), splits_max);
    }
    std::vector<std::string_view>& get() { return pieces_; }

private:
    Budget& budget_;
    std::vector<std::string_view> pieces_;
};

}  // namespace

size_t Find(std::string_view text, std::string_view part, size_t from) {
    if (from > text.size()) return std::string_view::npos;
    if (part.empty()) return from;
    const void* at = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
    if (!at) return std::string_view::npos;
    return static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

size_t FindLast(std::string_view text, std::string_view part) {
    constexpr size_t kShort = 16;  // where looking at every place is cheap enough
    if (part.size() <= kShort) return text.rfind(part);
    size_t at = Find(Reversed(text), Reversed(part));
    return at == std::string_view::npos ? at : text.size() - at - part.size();
}

std::string_view Strip(std::string_view text, std::optional<std::string_view> characters,
                       Side side) {
    std::u32string set = characters ? SortedSet(*characters) : std::u32string();
    auto drop = [&](char32_t c) {
        return characters ? std::ranges::binary_search(set, c) : IsSpace(c);
    };
    size_t begin = 0, end = text.size();
    if (side != Side::kRight)
        for (size_t i = 0; i < end && drop(NextCodePoint(text, i));) begin = i;
    if (side != Side::kLeft)
        for (size_t i = end; i > begin && drop(PreviousCodePoint(text, i));) end = i;
    return text.substr(begin, end - begin);
}

std::vector<std::string_view> Split(Budget& budget, std::string_view text,
                                    std::optional<std::string_view> separator, int64_t splits_max) {
    budget.Work(text.size());
    Pieces pieces(budget);
    if (!separator) {
        text = SkipSpace(text);
        while (!text.empty()) {
            if (pieces.full(splits_max)) {
                pieces.Add(text);
                break;
            }
            size_t end = WordEnd(text);
            pieces.Add(text.substr(0, end));
            text = SkipSpace(text.substr(end));
        }
        return std::move(pieces.get());
    }
    size_t at;
    while (!pieces.full(splits_max) && (at = Find(text, *separator)) != std::string_view::npos) {
        pieces.Add(text.substr(0, at));
        text.remove_prefix(at + separator->size());
    }
    pieces.Add(text);
    return std::move(pieces.get());
}

std::vector<std::string_view> SplitFromRight(Budget& budget, std::string_view text,
                                             std::optional<std::string_view> separator,
                                             int64_t splits_max) {
    budget.Work(text.size());
    Pieces pieces(budget);
    if (!separator) {
        text = Strip(text, std::nullopt, Side::kRight);
        while (!text.empty()) {
            if (pieces.full(splits_max)) {
                pieces.Add(text);
                break;
            }
            size_t start = WordStartFromRight(text);
            pieces.Add(text.substr(start));
            text = Strip(text.substr(0, start), std::nullopt, Side::kRight);
        }
    } else {
        // Searched back to front, so that a long separator costs no more than a short one.
        const std::string reversed = Reversed(text), part = Reversed(*separator);
        size_t at;
        while (!pieces.full(splits_max) &&
               (at = Find(reversed, part, reversed.size() - text.size())) !=
                   std::string_view::npos) {
            size_t end = reversed.size() - at;
            pieces.Add(text.substr(end));
            text = text.substr(0, end - part.size());
        }
        pieces.Add(text);
    }
    std::ranges::reverse(pieces.get());
    return std::move(pieces.get());
}

std::vector<std::string_view> SplitLines(Budget& budget, std::string_view text, LineEnds ends) {
    budget.Work(text.size());
    Pieces pieces(budget);
    size_t line = 0;
    for (size_t i = 0; i < text.size();) {
        size_t at = i;
        char32_t c = NextCodePoint(text, i);
        if (!IsLineBreak(c)) continue;
        if (c == '\r' && i < text.size() && text[i] == '\n') ++i;
        pieces.Add(text.substr(line, (ends == LineEnds::kKeep ? i : at) - line));
        line = i;
    }
    if (line < text.size()) pieces.Add(text.substr(line));
    return std::move(pieces.get());
}

std::string Replace(Budget& budget, std::string_view text, std::string_view from,
                    std::string_view to, int64_t count_max) {
    budget.Work(text.size());
    TextBuilder out(budget);
    auto more = [left = count_max]() mutable { return left < 0 || left-- > 0; };
    if (from.empty()) {  // between all characters, and at both ends
        size_t at = 0;
        while (more()) {
            out.Append(to);
            if (at == text.size()) return out.Release();
            size_t start = at;
            NextCodePoint(text, at);
            out.Append(text.substr(start, at - start));
        }
        out.Append(text.substr(at));
        return out.Release();
    }
    size_t at;
    while ((at = Find(text, from)) != std::string_view::npos && more()) {
        out.Append(text.substr(0, at));
        out.Append(to);
        text.remove_prefix(at + from.size());
    }
    out.Append(text);
    return out.Release();
}

size_t CountOf(std::string_view text, std::string_view part) {
    if (part.empty()) return CountCodePoints(text) + 1;
    size_t count = 0;
    for (size_t at = Find(text, part); at != std::string_view::npos;
         at = Find(text, part, at + part.size()))
        ++count;
    return count;
}

std::string ExpandTabs(Budget& budget, std::string_view text, int64_t tab_width) {
    budget.Work(text.size() * 8);
    TextBuilder out(budget);
    size_t column = 0;
    for (size_t i = 0; i < text.size();) {
        size_t start = i;
        char32_t c = NextCodePoint(text, i);
        if (c == '\t') {
            if (tab_width <= 0) continue;
            size_t spaces =
                static_cast<size_t>(tab_width) - column % static_cast<size_t>(tab_width);
            out.Repeat(" ", spaces);
            column += spaces;
            continue;
        }
        column = c == '\n' || c == '\r' ? 0 : column + 1;
        out.Append(text.substr(start, i - start));
    }
    return out.Release();
}

std::string Pad(Budget& budget, std::string_view text, size_t length, int64_t width,
                std::string_view fill, Align align) {
    size_t missing = 0;
    if (width > 0 && static_cast<size_t>(width) > length)
        missing = static_cast<size_t>(width) - length;
    size_t left = 0;
    if (align == Align::kRight) left = missing;
    // Python gives the odd one to the left only if the width is odd too.
    if (align == Align::kCenter) left = missing / 2 + (missing & static_cast<size_t>(width) & 1);
    TextBuilder out(budget);
    out.Repeat(fill, left);
    out.Append(text);
    out.Repeat(fill, missing - left);
    return out.Release();
}

std::string EscapeHtml(Budget& budget, std::string_view text) {
    budget.Work(text.size() * 8);
    TextBuilder out(budget);
    for (char c : text) {
        switch (c) {
            case '&':
                out.Append("&amp;");
                break;
            case '<':
                out.Append("&lt;");
                break;
            case '>':
                out.Append("&gt;");
                break;
            case '\'':
                out.Append("&#39;");
                break;
            case '"':
                out.Append("&#34;");
                break;
            default:
                out.Append(c);
        }
    }
    return out.Release();
}

std::string EncodeUrl(Budget& budget, std::string_view text, std::string_view safe) {
    budget.Work(text.size() * 8);
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    TextBuilder out(budget);
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     std::string_view("_.-~").contains(c) || safe.contains(c);
        if (plain) {
            out.Append(c);
        } else {
            out.Append('%');
            out.Append(kHex[byte >> 4]);
            out.Append(kHex[byte & 15]);
        }
    }
    return out.Release();
}

std::string TitleWords(std::string_view text) {
    auto separates = [](char32_t c) {
        return IsSpace(c) || (c < 0x80 && std::string_view("-({[<").contains(static_cast<char>(c)));
    };
    std::string result;
    for (size_t i = 0; i < text.size();) {
        size_t start = i;
        char32_t c = NextCodePoint(text, i);
        if (separates(c)) {
            result += text.substr(start, i - start);
            continue;
        }
        size_t end = i;
        while (end < text.size()) {
            size_t next = end;
            if (separates(NextCodePoint(text, next))) break;
            end = next;
        }
        result += Upper(text.substr(start, i - start));
        result += Lower(text.substr(i, end - i));
        i = end;
    }
    return result;
}

size_t CountWords(std::string_view text) {
    size_t words = 0;
    bool inside = false;
    for (size_t i = 0; i < text.size();) {
        bool word = IsWordChar(NextCodePoint(text, i));
        words += word && !inside;
        inside = word;
    }
    return words;
}

}  // namespace lathe::chat
