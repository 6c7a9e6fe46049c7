// llama.cpp's grammar format:
//
//   root  ::= item ("," item)*     # a comment
//   item  ::= [a-z0-9]{1,8} | "\x41"
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compute/constraint/code_points.h"
#include "compute/constraint/grammar.h"

namespace lathe::constraint {
namespace {

constexpr size_t kTextBytesMax = size_t{1} << 18;
constexpr size_t kRulesMax = 4096;
constexpr size_t kDepthMax = 100;
constexpr uint32_t kRepeatMax = 2000;

bool IsNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

class GbnfParser {
public:
    explicit GbnfParser(std::string_view text) : text_(text) {}

    Result<Expression> Parse() {
        SkipSpace(/*newlines=*/true);
        while (at_ < text_.size()) {
            LATHE_RETURN_IF_ERROR(ParseRule());
            SkipSpace(true);
        }
        auto root = names_.find("root");
        if (root == names_.end() || !root->second.defined)
            return InvalidArgument("the grammar has no rule \"root\"");
        for (const auto& [name, rule] : names_)
            if (!rule.defined)
                return InvalidArgument("line {} of the grammar: there is no rule \"{}\"", rule.line,
                                       name);
        Expression start = rules_.Use(root->second.id);
        return rules_.Close(std::move(start));
    }

private:
    struct NamedRule {
        RuleSet::Id id = 0;
        bool defined = false;
        size_t line = 0;  // of its first use
    };

    size_t Line() const {
        return 1 + static_cast<size_t>(std::ranges::count(text_.substr(0, at_), '\n'));
    }
    std::unexpected<Error> Bad(std::string_view what) const {
        return InvalidArgument("line {} of the grammar: {}", Line(), what);
    }
    char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool Take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    void SkipSpace(bool newlines) {
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '#') {
                at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
            } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
                ++at_;
            } else {
                break;
            }
        }
    }

    std::string_view TakeName() {
        size_t begin = at_;
        while (at_ < text_.size() && IsNameCharacter(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }

    NamedRule& Named(std::string_view name) {
        auto found = names_.find(name);
        if (found == names_.end())
            found = names_
                        .emplace(std::string(name),
                                 NamedRule{rules_.Declare(std::string(name)), false, Line()})
                        .first;
        return found->second;
    }

    Status ParseRule() {
        std::string_view name = TakeName();
        if (name.empty()) return Bad("a rule's name was expected");
        SkipSpace(false);
        if (!Take("::=")) return Bad("::= was expected after a rule's name");
        SkipSpace(true);
        if (Named(name).defined) return Bad("this rule is defined twice");
        LATHE_TRY(Expression body, ParseEither(/*in_group=*/false));
        if (at_ < text_.size() && Peek() != '\n' && Peek() != '\r')
            return Bad("the end of the line was expected");
        NamedRule& rule = Named(name);
        rule.defined = true;
        rules_.Define(rule.id, std::move(body));
        return {};
    }

    Result<Expression> ParseEither(bool in_group) {
        if (depth_ == kDepthMax) return Bad("groups are nested too deeply");
        ++depth_;
        std::vector<Expression> ways;
        do {
            SkipSpace(true);
            LATHE_TRY(Expression way, ParseSequence(in_group));
            ways.push_back(std::move(way));
        } while (Take("|"));
        --depth_;
        return Either(std::move(ways));
    }

    Result<Expression> ParseSequence(bool in_group) {
        std::vector<Expression> parts;
        for (;;) {
            SkipSpace(in_group);
            char c = Peek();
            bool begins = c == '"' || c == '[' || c == '(' || c == '.' || IsNameCharacter(c);
            if (!begins) break;
            LATHE_TRY(Expression part, ParseItem());
            LATHE_RETURN_IF_ERROR(ParseRepeat(part));
            parts.push_back(std::move(part));
        }
        return Sequence(std::move(parts));
    }

    Status ParseRepeat(Expression& part) {
        for (;;) {
            uint32_t min = 0;
            std::optional<uint32_t> max;
            if (Take("+")) {
                min = 1;
            } else if (Take("?")) {
                max = 1;
            } else if (Take("{")) {
                LATHE_RETURN_IF_ERROR(ParseCounts(min, max));
            } else if (!Take("*")) {
                return {};
            }
            part = Repeat(std::move(part), min, max);
        }
    }

    // After the {.
    Status ParseCounts(uint32_t& min, std::optional<uint32_t>& max) {
        SkipSpace(true);
        auto low = TakeNumber(text_, at_, kRepeatMax);
        SkipSpace(true);
        std::optional<uint32_t> high = low;
        bool comma = Take(",");
        if (comma) {
            SkipSpace(true);
            high = TakeNumber(text_, at_, kRepeatMax);
            SkipSpace(true);
        }
        if (!Take("}") || (!low && !high)) return Bad("a repetition must be {m}, {m,} or {m,n}");
        min = low.value_or(0);
        max = high;
        if (min > kRepeatMax || (max && *max > kRepeatMax))
            return Bad("a repetition count is larger than 2000");
        if (max && min > *max) return Bad("a repetition has its larger count first");
        return {};
    }

    Result<Expression> ParseItem() {
        if (Take("\"")) return ParseLiteral();
        if (Take("[")) return ParseClass();
        if (Take(".")) return CharClass({{0, kCodePointMax}});
        if (Take("(")) {
            LATHE_TRY(Expression group, ParseEither(/*in_group=*/true));
            SkipSpace(true);
            if (!Take(")")) return Bad("a group has no )");
            return group;
        }
        if (names_.size() > kRulesMax) return Bad("there are more than 4096 rules");
        return rules_.Use(Named(TakeName()).id);
    }

    Result<Expression> ParseLiteral() {
        std::vector<Expression> parts;
        while (!Take("\"")) {
            if (at_ >= text_.size()) return Bad("a literal has no \" at its end");
            LATHE_TRY(char32_t c, TakeCharacter());
            parts.push_back(CharClass({{c, c}}));
        }
        return Sequence(std::move(parts));
    }

    Result<Expression> ParseClass() {
        bool negated = Take("^");
        std::vector<CodePointRange> ranges;
        while (!Take("]")) {
            if (at_ >= text_.size()) return Bad("a class has no ]");
            LATHE_TRY(CodePointRange range,
                      TakeRange(text_, at_, [this] { return TakeCharacter(); }));
            if (range.last < range.first) return Bad("a range in a class has its larger end first");
            ranges.push_back(range);
        }
        return CharClass(negated ? Complement(ranges) : std::move(ranges));
    }

    Result<char32_t> TakeCharacter() {
        if (!Take("\\")) {
            auto c = TakeCodePoint(text_, at_);
            if (!c) return Bad("it is not valid UTF-8");
            return *c;
        }
        char letter = Peek();
        ++at_;
        constexpr std::pair<char, char> kEscapes[] = {{'t', '\t'},  {'r', '\r'}, {'n', '\n'},
                                                      {'\\', '\\'}, {'"', '"'},  {'[', '['},
                                                      {']', ']'},   {'-', '-'},  {'^', '^'}};
        for (auto [name, c] : kEscapes)
            if (name == letter) return static_cast<char32_t>(c);
        size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
        if (digits == 0) return Bad("there is no such escape");
        auto value = TakeHex(text_, at_, digits, /*exact=*/true);
        if (!value || (*value >= 0xD800 && *value <= 0xDFFF))
            return Bad("a code point in hex is not valid");
        return *value;
    }

    std::string_view text_;
    size_t at_ = 0;
    size_t depth_ = 0;
    RuleSet rules_;
    std::map<std::string, NamedRule, std::less<>> names_;
};

}  // namespace

Result<Expression> Gbnf(std::string_view text) {
    if (text.size() > kTextBytesMax)
        return InvalidArgument("the grammar has {} bytes; at most {} are allowed", text.size(),
                               kTextBytesMax);
    return GbnfParser(text).Parse();
}

}  // namespace lathe::constraint
