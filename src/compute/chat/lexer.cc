#include "compute/chat/lexer.h"

#include <algorithm>
#include <optional>

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

constexpr bool IsDigit(char c) {
    return c >= '0' && c <= '9';
}

// One kind of line break, and without the last one unless it is kept.
std::string NormalizeNewlines(std::string_view source, bool keeps_last) {
    std::string text;
    text.reserve(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            text.push_back(source[i]);
            continue;
        }
        text.push_back('\n');
        if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
    if (!keeps_last && text.ends_with('\n')) text.pop_back();
    return text;
}

int HexValue(char c) {
    if (IsDigit(c)) return c - '0';
    char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The content of a string literal, unescaped as Python's "unicode-escape" codec does.
class Unescaper {
public:
    Unescaper(std::string_view text, int line) : text_(text), line_(line) {}

    std::string Run() {
        while (at_ < text_.size()) {
            if (text_[at_] != '\\') {
                out_.push_back(text_[at_++]);
                continue;
            }
            ++at_;
            if (at_ < text_.size())
                Escape();
            else
                out_.push_back('\\');
        }
        return std::move(out_);
    }

private:
    void Escape() {
        static constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
        char c = text_[at_];
        if (size_t known = kFrom.find(c); known != std::string_view::npos) {
            out_.push_back(kTo[known]);
            ++at_;
        } else if (c == '\n') {
            ++at_;
        } else if (c >= '0' && c <= '7') {
            char32_t value = 0;
            for (int i = 0; i < 3 && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '7';
                 ++i)
                value = value * 8 + static_cast<char32_t>(text_[at_++] - '0');
            AppendCodePoint(out_, value);
        } else if (c == 'x' || c == 'u' || c == 'U') {
            ++at_;
            CodePoint(c == 'x' ? 2 : c == 'u' ? 4 : 8);
        } else if (c == 'N') {
            FailAt(line_, "\\N{{...}} in a string is not supported; write the character itself");
        } else if (static_cast<unsigned char>(c) >= 0x80) {
            // jinja2 writes such a character as an escape first, and so it shows.
            char32_t point = NextCodePoint(text_, at_);
            int width = point < 0x100 ? 2 : point < 0x10000 ? 4 : 8;
            out_ += fmt::format("\\{}{:0{}x}",
                                width == 2   ? 'x'
                                : width == 4 ? 'u'
                                             : 'U',
                                static_cast<uint32_t>(point), width);
        } else {
            out_.push_back('\\');
        }
    }

    char32_t Hex(size_t digits) {
        uint64_t value = 0;
        for (size_t i = 0; i < digits; ++i) {
            int digit = at_ + i < text_.size() ? HexValue(text_[at_ + i]) : -1;
            if (digit < 0) FailAt(line_, "a string has a truncated \\x, \\u or \\U escape");
            value = value * 16 + static_cast<uint64_t>(digit);
        }
        at_ += digits;
        if (value > 0x10ffff) FailAt(line_, "a string has an escape beyond U+10FFFF");
        return static_cast<char32_t>(value);
    }

    void CodePoint(size_t digits) {
        char32_t c = Hex(digits);
        if (c >= 0xd800 && c < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
            at_ += 2;
            char32_t low = Hex(4);
            if (low < 0xdc00 || low > 0xdfff) FailAt(line_, "a string has half a surrogate pair");
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        } else if (c >= 0xd800 && c <= 0xdfff) {
            FailAt(line_, "a string has half a surrogate pair");
        }
        AppendCodePoint(out_, c);
    }

    std::string_view text_;
    int line_;
    size_t at_ = 0;
    std::string out_;
};

class Lexer {
public:
    Lexer(Budget& budget, std::string_view source, bool trims_blocks)
        : budget_(budget), source_(source), trims_blocks_(trims_blocks) {}

    std::vector<Token> Run() {
        while (at_ < source_.size()) Root();
        Add(Token::Type::kEnd, "");
        return std::move(tokens_);
    }

private:
    // Text up to the next tag, and the tag.
    void Root() {
        size_t tag = at_;
        do {
            tag = source_.find('{', tag);
            if (tag == std::string_view::npos || tag + 1 >= source_.size()) {
                AddData(source_.substr(at_));
                at_ = source_.size();
                return;
            }
        } while (!std::string_view("{%#").contains(source_[tag + 1]) && ++tag);
        char kind = source_[tag + 1];
        std::string_view text = source_.substr(at_, tag - at_);
        char sign = SignAt(tag + 2);
        AddText(text, sign, kind == '{' ? Keep::kIndentation : Keep::kNothing);
        at_ = tag + 2 + (sign != '\0');
        if (kind == '#') {
            Comment();
        } else if (kind == '{') {
            Add(Token::Type::kVariableBegin, "{{");
            Tag(Token::Type::kVariableEnd, "}}");
        } else if (auto end = RawBegin()) {
            Advance(*end);
            Raw();
        } else {
            Add(Token::Type::kBlockBegin, "{%");
            Tag(Token::Type::kBlockEnd, "%}");
        }
    }

    char SignAt(size_t position) const {
        if (position >= source_.size()) return '\0';
        char c = source_[position];
        return c == '-' || c == '+' ? c : '\0';
    }

    enum class Keep : uint8_t { kNothing, kIndentation };

    // The text before a tag, less what the tag takes of it.
    void AddText(std::string_view text, char sign, Keep keep) {
        std::string_view kept = text;
        if (sign == '-') {
            kept = Strip(text, std::nullopt, Side::kRight);
        } else if (trims_blocks_ && sign != '+' && keep == Keep::kNothing) {
            size_t line_start = text.rfind('\n') + 1;  // npos + 1 == 0
            bool starts_line = line_start > 0 || line_starting_;
            if (starts_line && Strip(text.substr(line_start), std::nullopt).empty())
                kept = text.substr(0, line_start);
        }
        AddData(kept);
        line_ += static_cast<int>(std::ranges::count(text.substr(kept.size()), '\n'));
    }

    void AddData(std::string_view text) {
        if (!text.empty()) Add(Token::Type::kData, std::string(text));
        line_ += static_cast<int>(std::ranges::count(text, '\n'));
    }

    void Comment() {
        size_t end = source_.find("#}", at_);
        if (end == std::string_view::npos) FailAt(line_, "missing end of comment tag '#}}'");
        char sign = end > at_ ? SignAt(end - 1) : '\0';
        Advance(TagEnd(end + 2, sign));
    }

    // Where the tag that closes before `position` really ends.
    size_t TagEnd(size_t position, char sign) const {
        if (sign == '-') return SpaceEnd(position);
        bool newline =
            trims_blocks_ && sign == '\0' && position < source_.size() && source_[position] == '\n';
        return position + newline;
    }

    size_t SpaceEnd(size_t position) const {
        std::string_view rest = source_.substr(position);
        return source_.size() - Strip(rest, std::nullopt, Side::kLeft).size();
    }

    // Behind "{%": where a raw tag that starts here ends.
    std::optional<size_t> RawBegin() const {
        size_t i = SpaceEnd(at_);
        if (!source_.substr(i).starts_with("raw")) return std::nullopt;
        i = SpaceEnd(i + 3);
        if (source_.substr(i).starts_with("-%}")) return SpaceEnd(i + 3);
        if (source_.substr(i).starts_with("%}")) return i + 2;
        return std::nullopt;
    }

    void Raw() {
        for (size_t tag = source_.find("{%", at_); tag != std::string_view::npos;
             tag = source_.find("{%", tag + 2)) {
            char sign = SignAt(tag + 2);
            size_t i = SpaceEnd(tag + 2 + (sign != '\0'));
            if (!source_.substr(i).starts_with("endraw")) continue;
            i = SpaceEnd(i + 6);
            char end_sign = SignAt(i);
            i += end_sign != '\0';
            if (!source_.substr(i).starts_with("%}")) continue;
            AddText(source_.substr(at_, tag - at_), sign, Keep::kNothing);
            at_ = tag;
            Advance(TagEnd(i + 2, end_sign));
            return;
        }
        FailAt(line_, "missing end of raw block, {{% endraw %}}");
    }

    // The tokens of a tag up to its end.
    void Tag(Token::Type end_type, std::string_view end) {
        while (at_ < source_.size()) {
            if (brackets_.empty() && TryTagEnd(end_type, end)) return;
            Lex();
        }
    }

    bool TryTagEnd(Token::Type end_type, std::string_view end) {
        char sign = SignAt(at_);
        if (sign == '+' && end_type == Token::Type::kVariableEnd) return false;
        size_t close = at_ + (sign != '\0');
        if (!source_.substr(close).starts_with(end)) return false;
        Add(end_type, std::string(end));
        bool trims = sign == '-' || end_type == Token::Type::kBlockEnd;
        Advance(trims ? TagEnd(close + 2, sign) : close + 2);
        return true;
    }

    void Lex() {
        size_t start = at_;
        size_t next = at_;
        char c = source_[at_];
        char32_t point = NextCodePoint(source_, next);
        if (IsSpace(point)) {
            Advance(next);
        } else if (IsDigit(c)) {
            Number();
        } else if (IsNamePart(point)) {
            while (next < source_.size()) {
                size_t after = next;
                if (!IsNamePart(NextCodePoint(source_, after))) break;
                next = after;
            }
            if (!IsNameStart(point)) FailAt(line_, "invalid character in identifier");
            Add(Token::Type::kName, std::string(source_.substr(start, next - start)));
            at_ = next;
        } else if (c == '\'' || c == '"') {
            String(c);
        } else {
            Operator(source_.substr(start, next - start));
        }
    }

    // digits(_digits)*: the end of the run.
    size_t DigitsEnd(size_t i, bool (*digit)(char)) const {
        while (i < source_.size()) {
            size_t next = i + (source_[i] == '_');
            if (next >= source_.size() || !digit(source_[next])) break;
            i = next + 1;
        }
        return i;
    }

    void Number() {
        size_t end = DigitsEnd(at_, IsDigit);
        bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
        if (!after_dot) {
            size_t float_end = end;
            if (end + 1 < source_.size() && source_[end] == '.' && IsDigit(source_[end + 1]))
                float_end = DigitsEnd(end + 1, IsDigit);
            float_end = ExponentEnd(float_end);
            if (float_end != end) return AddNumber(Token::Type::kFloat, float_end);
        }
        if (source_[at_] == '0') {
            end = DigitsEnd(at_, [](char c) { return c == '0'; });
            char base =
                at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
            size_t based = at_ + 2;
            if (base == 'x') based = DigitsEnd(based, [](char c) { return HexValue(c) >= 0; });
            if (base == 'o') based = DigitsEnd(based, [](char c) { return c >= '0' && c <= '7'; });
            if (base == 'b') based = DigitsEnd(based, [](char c) { return c == '0' || c == '1'; });
            if (based > at_ + 2) end = based;
        }
        AddNumber(Token::Type::kInteger, end);
    }

    size_t ExponentEnd(size_t i) const {
        if (i >= source_.size() || (source_[i] | 0x20) != 'e') return i;
        size_t digits = i + 1 + (SignAt(i + 1) != '\0');
        if (digits >= source_.size() || !IsDigit(source_[digits])) return i;
        return DigitsEnd(digits, IsDigit);
    }

    void AddNumber(Token::Type type, size_t end) {
        std::string digits(source_.substr(at_, end - at_));
        std::erase(digits, '_');
        Add(type, std::move(digits));
        at_ = end;
    }

    void String(char quote) {
        size_t end = at_ + 1;
        while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
        if (end >= source_.size()) FailAt(line_, "a string is not closed: missing {}", quote);
        std::string_view content = source_.substr(at_ + 1, end - at_ - 1);
        Add(Token::Type::kString, Unescaper(content, line_).Run());
        Advance(end + 1);
    }

    void Operator(std::string_view character) {
        static constexpr std::string_view kDouble[] = {"//", "**", "==", "!=", ">=", "<="};
        std::string_view sign = character;
        for (std::string_view candidate : kDouble)
            if (source_.substr(at_).starts_with(candidate)) sign = candidate;
        if (sign.size() != 2 && (character.size() != 1 ||
                                 !std::string_view("+-/*%~[](){}><=.:|,;").contains(character[0])))
            FailAt(line_, "unexpected character '{}'", character);
        Balance(sign[0]);
        Add(Token::Type::kOperator, std::string(sign));
        at_ += sign.size();
    }

    void Balance(char c) {
        static constexpr std::string_view kOpen = "([{", kClose = ")]}";
        if (size_t i = kOpen.find(c); i != std::string_view::npos) brackets_.push_back(kClose[i]);
        if (!kClose.contains(c)) return;
        if (brackets_.empty()) FailAt(line_, "unexpected '{}'", c);
        if (brackets_.back() != c)
            FailAt(line_, "unexpected '{}', expected '{}'", c, brackets_.back());
        brackets_.pop_back();
    }

    void Add(Token::Type type, std::string text) {
        budget_.Step();
        tokens_.push_back({type, line_, std::move(text)});
    }

    void Advance(size_t to) {
        std::string_view passed = source_.substr(at_, to - at_);
        line_ += static_cast<int>(std::ranges::count(passed, '\n'));
        line_starting_ = passed.ends_with('\n');
        at_ = to;
    }

    Budget& budget_;
    std::string_view source_;
    const bool trims_blocks_;
    size_t at_ = 0;
    int line_ = 1;
    bool line_starting_ = true;
    std::string brackets_;  // the closing ones that are due
    std::vector<Token> tokens_;
};

}  // namespace

std::string Describe(const Token& token) {
    switch (token.type) {
        case Token::Type::kData:
            return "template text";
        case Token::Type::kBlockBegin:
            return "'{%'";
        case Token::Type::kBlockEnd:
            return "'%}'";
        case Token::Type::kVariableBegin:
            return "'{{'";
        case Token::Type::kVariableEnd:
            return "'}}'";
        case Token::Type::kEnd:
            return "the end of the template";
        case Token::Type::kString:
            return "a string";
        default:
            return "'" + token.text + "'";
    }
}

std::vector<Token> Tokenize(Budget& budget, std::string_view source, const TemplateStyle& style) {
    std::string normalized = NormalizeNewlines(source, style.keeps_trailing_newline);
    return Lexer(budget, normalized, style.trims_blocks).Run();
}

}  // namespace lathe::chat
