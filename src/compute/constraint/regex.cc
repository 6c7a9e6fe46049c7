#include "compute/constraint/regex.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compute/constraint/code_points.h"
#include "compute/constraint/grammar.h"
#include "compute/constraint/json_parts.h"

namespace lathe::constraint {
namespace {

constexpr size_t kPatternBytesMax = size_t{1} << 16;
constexpr size_t kDepthMax = 100;
constexpr uint32_t kRepeatMax = 1000;  // RE2's

constexpr CodePointRange kAll = {0, kCodePointMax};

class RegexParser {
public:
    RegexParser(std::string_view text, const RegexOptions& options)
        : text_(text), options_(options) {}

    Result<Expression> Parse() {
        std::vector<Expression> ways;
        do {
            LATHE_TRY(Expression way, ParseOutermost());
            ways.push_back(std::move(way));
        } while (Take("|"));
        if (at_ < text_.size()) return Bad("there is a ) without its (");
        return Either(std::move(ways));
    }

private:
    using Ranges = std::vector<CodePointRange>;

    std::unexpected<Error> Bad(std::string_view what) const {
        return InvalidArgument("at offset {} of the pattern: {}", at_, what);
    }
    bool Take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }
    bool AtEnd() const { return at_ >= text_.size() || text_[at_] == '|' || text_[at_] == ')'; }

    // An alternative that may be anchored.
    Result<Expression> ParseOutermost() {
        LATHE_RETURN_IF_ERROR(ParseLeadingFlags());
        bool from_start = false;
        while (Take("^") || Take("\\A")) from_start = true;
        LATHE_TRY(Expression body, ParseAlternative());
        bool to_end = false;
        while (Take("$") || Take("\\z")) to_end = true;
        if (!AtEnd()) return Bad("anchors are supported only at the ends of the pattern");
        if (!options_.search) return body;
        Expression anything = Repeat(Characters({kAll}), 0);
        return Sequence(
            {from_start ? Expression() : anything, body, to_end ? Expression() : anything});
    }

    Result<Expression> ParseEither() {
        std::vector<Expression> ways;
        do {
            LATHE_TRY(Expression way, ParseAlternative());
            if (at_ < text_.size() && text_[at_] == '$')
                return Bad("anchors are supported only at the ends of the pattern");
            ways.push_back(std::move(way));
        } while (Take("|"));
        return Either(std::move(ways));
    }

    Result<Expression> ParseAlternative() {
        std::vector<Expression> parts;
        while (!AtEnd() && text_[at_] != '$' && !text_.substr(at_).starts_with("\\z")) {
            LATHE_TRY(Expression part, ParsePiece());
            parts.push_back(std::move(part));
        }
        return Sequence(std::move(parts));
    }

    Result<Expression> ParsePiece() {
        LATHE_TRY(Expression part, ParseAtom());
        for (size_t count = 0; at_ < text_.size(); ++count) {
            uint32_t min = 0;
            std::optional<uint32_t> max;
            if (Take("+")) {
                min = 1;
            } else if (Take("?")) {
                max = 1;
            } else if (!Take("*")) {
                LATHE_TRY(bool counted, ParseCounts(min, max));
                if (!counted) break;
            }
            if (count > 0) return Bad("a repetition is repeated; put it into a group");
            (void)Take("?");  // as few as possible: the same texts
            part = Repeat(std::move(part), min, max);
        }
        return part;
    }

    // {m}, {m,} or {m,n}. Anything else in braces stands for itself, as in RE2.
    Result<bool> ParseCounts(uint32_t& min, std::optional<uint32_t>& max) {
        if (text_[at_] != '{') return false;
        size_t at = at_ + 1;
        auto low = TakeNumber(text_, at, kRepeatMax);
        if (!low) return false;
        std::optional<uint32_t> high = low;
        bool open = false;
        if (at < text_.size() && text_[at] == ',') {
            ++at;
            high = TakeNumber(text_, at, kRepeatMax);
            open = !high;
        }
        if (at >= text_.size() || text_[at] != '}') return false;
        if (*low > kRepeatMax || (high && *high > kRepeatMax))
            return Bad("a repetition count is larger than 1000");
        if (!open && *low > *high) return Bad("a repetition has its larger count first");
        at_ = at + 1;
        min = *low;
        max = open ? std::nullopt : high;
        return true;
    }

    Result<Expression> ParseAtom() {
        switch (text_[at_]) {
            case '(':
                return ParseGroup();
            case '[':
                return ParseClass();
            case '.':
                ++at_;
                return Characters(dot_all_ ? Ranges{kAll} : Complement(Ranges{{'\n', '\n'}}));
            case '*':
            case '+':
            case '?':
                return Bad("there is nothing to repeat");
            case '^':
                return Bad("anchors are supported only at the ends of the pattern");
            case '\\':
                return ParseEscape();
            default:
                break;
        }
        auto c = TakeCodePoint(text_, at_);
        if (!c) return Bad("it is not valid UTF-8");
        return One(*c);
    }

    Result<Expression> ParseGroup() {
        if (depth_ == kDepthMax) return Bad("groups are nested too deeply");
        ++at_;
        bool ignore_case = ignore_case_;
        bool dot_all = dot_all_;
        if (Take("?")) {
            if (Take("=") || Take("!") || Take("<=") || Take("<!"))
                return Bad("look-around is not supported");
            if (Take("P<") || Take("<")) {
                size_t end = text_.find('>', at_);
                if (end == std::string_view::npos) return Bad("a group's name has no end");
                at_ = end + 1;
            } else {
                LATHE_RETURN_IF_ERROR(ParseFlags());
                if (Take(")")) return Expression();  // they hold until the group around ends
                if (!Take(":")) return Bad("this kind of group is not supported");
            }
        }
        ++depth_;
        LATHE_TRY(Expression body, ParseEither());
        --depth_;
        if (!Take(")")) return Bad("a group has no )");
        ignore_case_ = ignore_case;
        dot_all_ = dot_all;
        return body;
    }

    Status ParseLeadingFlags() {
        while (text_.substr(at_).starts_with("(?")) {
            size_t begin = std::exchange(at_, at_ + 2);
            bool ignore_case = ignore_case_;
            bool dot_all = dot_all_;
            if (ParseFlags() && Take(")")) continue;
            at_ = begin;  // a group
            ignore_case_ = ignore_case;
            dot_all_ = dot_all;
            break;
        }
        return {};
    }

    Status ParseFlags() {
        for (bool on = true; at_ < text_.size(); ++at_) {
            switch (text_[at_]) {
                case '-':
                    on = false;
                    break;
                case 'i':
                    ignore_case_ = on;
                    break;
                case 's':
                    dot_all_ = on;
                    break;
                case 'U':  // as few as possible: the same texts
                    break;
                case ':':
                case ')':
                    return {};
                default:
                    return Bad("of the flags only i, s and U are supported");
            }
        }
        return Bad("a group has no )");
    }

    // The escape at at_ as a set: \d, \W, \pL, \p{Lu} ... Empty for another escape.
    Result<std::optional<Ranges>> TakeClassEscape() {
        std::string_view rest = text_.substr(at_);
        std::optional<Ranges> none;
        if (rest.size() < 2) return none;
        char letter = rest[1];
        Ranges perl = PerlClass(static_cast<char>(letter | 0x20));
        bool is_upper = letter >= 'A' && letter <= 'Z';
        if (!perl.empty() && ((letter >= 'a' && letter <= 'z') || is_upper)) {
            at_ += 2;
            return is_upper ? Complement(perl) : perl;
        }
        if (letter != 'p' && letter != 'P') return none;
        size_t end = rest.size() > 2 && rest[2] == '{' ? rest.find('}') : 3;
        if (end == std::string_view::npos || rest.size() < 3) return Bad("\\p has no name");
        std::string_view name = end == 3 ? rest.substr(2, 1) : rest.substr(3, end - 3);
        bool negated = letter == 'P';
        if (name.starts_with('^')) {
            name.remove_prefix(1);
            negated = !negated;
        }
        auto [place, added] = categories_.try_emplace(std::string(name));
        if (added) place->second = UnicodeClass(name);
        if (place->second.empty())
            return Bad("\\p knows only general categories such as L, Lu or Nd");
        at_ += end == 3 ? 3 : end + 1;
        return negated ? Complement(place->second) : place->second;
    }

    // The escape at at_ as one code point.
    Result<char32_t> TakeCharacterEscape() {
        size_t begin = at_++;
        if (at_ >= text_.size()) return Bad("there is nothing after \\");
        char letter = text_[at_++];
        constexpr std::pair<char, char> kControls[] = {{'a', '\a'}, {'f', '\f'}, {'n', '\n'},
                                                       {'r', '\r'}, {'t', '\t'}, {'v', '\v'}};
        for (auto [name, c] : kControls)
            if (name == letter) return static_cast<char32_t>(c);
        std::optional<char32_t> value;
        if (letter == 'x' || letter == 'u') {
            bool braces = Take("{");
            value = TakeHex(text_, at_, braces ? 8 : letter == 'x' ? 2 : 4, !braces);
            if (!value || (braces && !Take("}"))) return Bad("a code point in hex is not valid");
            return *value;
        }
        if (letter == '0') return char32_t{0};
        if ((letter >= '1' && letter <= '9') || letter == 'k')
            return Bad("back-references are not supported");
        if (letter == 'b' || letter == 'B') return Bad("word boundaries are not supported");
        if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) {
            at_ = begin;
            return Bad("this escape is not supported");
        }
        --at_;
        value = TakeCodePoint(text_, at_);
        if (!value) return Bad("it is not valid UTF-8");
        return *value;
    }

    Result<Expression> ParseEscape() {
        if (Take("\\Q")) {
            size_t end = std::min(text_.find("\\E", at_), text_.size());
            std::vector<Expression> parts;
            while (at_ < end) {
                auto c = TakeCodePoint(text_, at_);
                if (!c) return Bad("it is not valid UTF-8");
                LATHE_TRY(Expression part, One(*c));
                parts.push_back(std::move(part));
            }
            (void)Take("\\E");
            return Sequence(std::move(parts));
        }
        LATHE_TRY(auto ranges, TakeClassEscape());
        if (ranges) return Characters(std::move(*ranges));
        LATHE_TRY(char32_t c, TakeCharacterEscape());
        return One(c);
    }

    Result<Expression> ParseClass() {
        ++at_;
        bool negated = Take("^");
        Ranges ranges;
        for (bool first = true; first || at_ >= text_.size() || text_[at_] != ']'; first = false) {
            if (at_ >= text_.size()) return Bad("a class has no ]");
            LATHE_RETURN_IF_ERROR(ParseClassMember(ranges));
        }
        ++at_;
        if (ignore_case_) AddOtherCase(ranges);
        return Characters(negated ? Complement(ranges) : std::move(ranges));
    }

    Status ParseClassMember(Ranges& ranges) {
        if (text_.substr(at_).starts_with("[:")) {
            size_t end = text_.find(":]", at_ + 2);
            if (end == std::string_view::npos) return Bad("[: has no :]");
            std::string_view name = text_.substr(at_ + 2, end - at_ - 2);
            bool negated = name.starts_with('^');
            Ranges named = PosixClass(name.substr(negated));
            if (named.empty()) return Bad("there is no class of this name");
            if (negated) named = Complement(named);
            ranges.insert(ranges.end(), named.begin(), named.end());
            at_ = end + 2;
            return {};
        }
        if (text_[at_] == '\\') {
            LATHE_TRY(auto named, TakeClassEscape());
            if (named) {
                ranges.insert(ranges.end(), named->begin(), named->end());
                return {};
            }
        }
        LATHE_TRY(CodePointRange range,
                  TakeRange(text_, at_, [this] { return TakeClassCharacter(); }));
        if (range.last < range.first) return Bad("a range in a class has its larger end first");
        ranges.push_back(range);
        return {};
    }

    Result<char32_t> TakeClassCharacter() {
        if (text_.substr(at_).starts_with("\\b")) {  // a backspace, inside a class
            at_ += 2;
            return char32_t{'\b'};
        }
        if (text_[at_] == '\\') return TakeCharacterEscape();
        auto c = TakeCodePoint(text_, at_);
        if (!c) return Bad("it is not valid UTF-8");
        return *c;
    }

    Result<Expression> One(char32_t c) {
        Ranges ranges = {{c, c}};
        if (ignore_case_ && c >= 0x80)
            return Bad("with the flag i only ASCII letters are supported");
        if (ignore_case_) AddOtherCase(ranges);
        return Characters(std::move(ranges));
    }

    Expression Characters(Ranges ranges) const {
        return options_.in_json_string ? JsonCharacter(ranges) : CharClass(std::move(ranges));
    }

    std::string_view text_;
    RegexOptions options_;
    size_t at_ = 0;
    size_t depth_ = 0;
    bool ignore_case_ = false;
    bool dot_all_ = false;
    std::map<std::string, Ranges, std::less<>> categories_;
};

}  // namespace

Result<Expression> ParseRegex(std::string_view pattern, const RegexOptions& options) {
    if (pattern.size() > kPatternBytesMax)
        return InvalidArgument("the pattern has {} bytes; at most {} are allowed", pattern.size(),
                               kPatternBytesMax);
    return RegexParser(pattern, options).Parse();
}

Result<Expression> Regex(std::string_view pattern) {
    return ParseRegex(pattern);
}

}  // namespace lathe::constraint
