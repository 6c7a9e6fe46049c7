#include "compute/tokenizer/split_pattern.h"

#include <charconv>
#include <utility>

namespace lathe::tokenizer {

// Recursive descent is not needed: groups hold only words, so there is one level.
class SplitPatternParser {
public:
    explicit SplitPatternParser(std::string_view text) : text_(text) {}

    Result<SplitPattern> Parse() {
        using Item = SplitPattern::Item;
        pattern_.alternatives_.emplace_back();
        while (at_ < text_.size()) {
            if (Take("|")) {
                LATHE_RETURN_IF_ERROR(CheckConsumes(pattern_.alternatives_.back()));
                pattern_.alternatives_.emplace_back();
                continue;
            }
            LATHE_TRY(Item item, ParseItem());
            pattern_.alternatives_.back().push_back(std::move(item));
        }
        LATHE_RETURN_IF_ERROR(CheckConsumes(pattern_.alternatives_.back()));
        if (pattern_.loop_count_ > kLoopsMax || pattern_.alternatives_.size() > kLoopsMax)
            return Unsupported("more than 64 alternatives or repetitions");
        for (CharSet& set : pattern_.sets_) set.Finish();
        return std::move(pattern_);
    }

private:
    static constexpr size_t kLoopsMax = 64;

    std::unexpected<Error> Unsupported(std::string_view what) const {
        return MakeError(Code::kUnimplemented,
                         "the regular expression `{}` has at byte {} {}, which is not supported; "
                         "supported are alternatives of sequences of characters, classes, "
                         "`\\s \\d \\w \\p{{..}}`, `(?:..)` and `(?i:..)` of plain words, "
                         "`(?=x)`, `(?!x)`, `$` and greedy or possessive repetitions",
                         text_, at_, what);
    }

    bool Take(std::string_view expected) {
        if (!text_.substr(at_).starts_with(expected)) return false;
        at_ += expected.size();
        return true;
    }

    char32_t TakeCharacter() {
        CodePoint c = CodePointAt(text_, at_);
        at_ += c.bytes;
        return c.value;
    }

    // An expression that matches the empty string would never advance.
    Status CheckConsumes(const SplitPattern::Alternative& alternative) const {
        for (const auto& item : alternative)
            if ((item.kind == SplitPattern::Kind::kSet ||
                 item.kind == SplitPattern::Kind::kWords) &&
                item.min > 0)
                return {};
        return Unsupported("an alternative that matches the empty string");
    }

    uint32_t AddSet(CharSet set) {
        pattern_.sets_.push_back(std::move(set));
        return static_cast<uint32_t>(pattern_.sets_.size() - 1);
    }

    Result<SplitPattern::Item> ParseItem() {
        SplitPattern::Item item;
        if (Take("$")) {
            item.kind = SplitPattern::Kind::kEnd;
            return item;
        }
        if (Take("(?!") || Take("(?=")) {
            item.kind =
                text_[at_ - 1] == '!' ? SplitPattern::Kind::kNotAhead : SplitPattern::Kind::kAhead;
            LATHE_TRY(CharSet set, ParseSet(/*ignore_case=*/false));
            item.set = AddSet(std::move(set));
            if (!Take(")")) return Unsupported("a lookahead of more than one class");
            return item;
        }
        if (Take("(?i:") || Take("(?:")) {
            LATHE_RETURN_IF_ERROR(ParseWords(/*ignore_case=*/text_[at_ - 2] == 'i', item));
            if (Take("?")) item.min = 0;
            return item;
        }
        if (text_[at_] == '(') return Unsupported("a group of this kind");
        LATHE_TRY(CharSet set, ParseSet(/*ignore_case=*/false));
        item.set = AddSet(std::move(set));
        LATHE_RETURN_IF_ERROR(ParseRepetition(item));
        return item;
    }

    Status ParseWords(bool ignore_case, SplitPattern::Item& item) {
        item.kind = SplitPattern::Kind::kWords;
        item.words.emplace_back();
        while (true) {
            if (at_ >= text_.size()) return Unsupported("an open group");
            if (Take(")") || Take("|")) {
                if (item.words.back().empty()) return Unsupported("an empty word in a group");
                if (text_[at_ - 1] == ')') return {};
                item.words.emplace_back();
                continue;
            }
            LATHE_TRY(CharSet set, ParseSet(ignore_case));
            if (at_ < text_.size() && std::string_view("?*+{").contains(text_[at_]))
                return Unsupported("a repetition inside a group");
            item.words.back().push_back(AddSet(std::move(set)));
        }
    }

    Status ParseRepetition(SplitPattern::Item& item) {
        bool counted = false;
        if (Take("?")) {
            item.min = 0;
        } else if (Take("*")) {
            item.min = 0;
            item.max = SplitPattern::kUnbounded;
        } else if (Take("+")) {
            item.max = SplitPattern::kUnbounded;
        } else if (Take("{")) {
            LATHE_RETURN_IF_ERROR(ParseCount(item));
            counted = true;
        } else {
            return {};
        }
        if (item.max == SplitPattern::kUnbounded) item.loop = pattern_.loop_count_++;
        // After {m,n} Oniguruma reads a further + as another repetition, others do not.
        if (at_ < text_.size() && (text_[at_] == '?' || (counted && text_[at_] == '+')))
            return Unsupported("a lazy or doubled repetition");
        if (Take("+")) item.possessive = true;
        if (at_ < text_.size() && std::string_view("?*+{").contains(text_[at_]))
            return Unsupported("a doubled repetition");
        return {};
    }

    Status ParseCount(SplitPattern::Item& item) {
        auto number = [&](uint32_t& out) {
            const char* end = text_.data() + text_.size();
            auto [stop, error] = std::from_chars(text_.data() + at_, end, out);
            bool good = error == std::errc() && out <= SplitPattern::kRepeatMax;
            if (good) at_ = static_cast<size_t>(stop - text_.data());
            return good;
        };
        if (!number(item.min)) return Unsupported("a count that is missing or above 64");
        item.max = item.min;
        if (Take(",")) {
            item.max = SplitPattern::kUnbounded;
            if (at_ < text_.size() && text_[at_] != '}' &&
                (!number(item.max) || item.max < item.min))
                return Unsupported("a count that is malformed or above 64");
        }
        if (item.max == 0) return Unsupported("a repetition of nothing");
        return Take("}") ? Status() : Unsupported("a count that is not closed");
    }

    // One character, escape or class.
    Result<CharSet> ParseSet(bool ignore_case) {
        CharSet set;
        if (at_ >= text_.size()) return Unsupported("an end where something is to match");
        if (Take("[")) {
            LATHE_RETURN_IF_ERROR(ParseClass(ignore_case, set));
            return set;
        }
        if (Take(".")) {
            set.Add(U'\n', U'\n');
            set.Negate();
            return set;
        }
        if (std::string_view("?*+^)]{}|").contains(text_[at_]))
            return Unsupported("an operator where something is to match");
        LATHE_TRY(auto single, ParseMember(set));
        if (single) set.Add(*single, *single);
        if (ignore_case) set.AddOtherCase();
        return set;
    }

    // After the '['.
    Status ParseClass(bool ignore_case, CharSet& set) {
        bool negated = Take("^");
        bool empty = true;
        while (true) {
            if (at_ >= text_.size()) return Unsupported("a class that is not closed");
            if (Take("]")) break;
            if (text_[at_] == '[' || text_.substr(at_).starts_with("&&"))
                return Unsupported("a class inside a class");
            empty = false;
            LATHE_TRY(auto first, ParseMember(set));
            if (!first) continue;
            char32_t last = *first;
            if (text_.substr(at_).starts_with("-") && !text_.substr(at_).starts_with("-]")) {
                ++at_;
                if (at_ >= text_.size()) return Unsupported("a class that is not closed");
                LATHE_TRY(auto end, ParseMember(set));
                if (!end || *end < *first) return Unsupported("a malformed range");
                last = *end;
            }
            set.Add(*first, last);
        }
        if (empty) return Unsupported("an empty class");
        if (ignore_case) set.AddOtherCase();
        if (negated) set.Negate();
        return {};
    }

    // A character, which is returned, or an escape for many, which is added to the set.
    Result<std::optional<char32_t>> ParseMember(CharSet& set) {
        if (!Take("\\")) return TakeCharacter();
        if (at_ >= text_.size()) return Unsupported("a backslash at the end");
        char32_t c = TakeCharacter();
        switch (c) {
            case U'r':
                return U'\r';
            case U'n':
                return U'\n';
            case U't':
                return U'\t';
            case U'f':
                return U'\f';
            case U'v':
                return U'\v';
            case U's':
                set.Add(kWhiteSpace);
                return std::nullopt;
            case U'S':
                set.Add(kNotWhiteSpace);
                return std::nullopt;
            case U'w':
                set.Add(kWord);
                return std::nullopt;
            case U'W':
                set.Add(kNotWord);
                return std::nullopt;
            case U'd':
                set.Add(CategoryMask("Nd"));
                return std::nullopt;
            case U'D':
                set.Add(kAllCategories & ~CategoryMask("Nd"));
                return std::nullopt;
            case U'p':
            case U'P':
                return ParseProperty(/*negated=*/c == U'P', set);
            default:
                break;
        }
        bool letter =
            (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9');
        if (letter) {
            --at_;
            return Unsupported("this escape");
        }
        return c;
    }

    // After \p or \P.
    Result<std::optional<char32_t>> ParseProperty(bool negated, CharSet& set) {
        std::string_view name;
        if (Take("{")) {
            size_t end = text_.find('}', at_);
            if (end == std::string_view::npos) return Unsupported("a property that is not closed");
            name = text_.substr(at_, end - at_);
            at_ = end + 1;
        } else {
            name = text_.substr(at_, 1);
            at_ += name.size();
        }
        bool inverted = name.starts_with('^');
        ClassMask mask = CategoryMask(inverted ? name.substr(1) : name);
        if (mask == 0) return Unsupported(fmt::format("the property {}", name));
        set.Add(negated != inverted ? kAllCategories & ~mask : mask);
        return std::nullopt;
    }

    std::string_view text_;
    size_t at_ = 0;
    SplitPattern pattern_;
};

Result<SplitPattern> SplitPattern::Compile(std::string_view expression) {
    if (expression.size() > kBytesMax)
        return InvalidArgument("a regular expression of {} bytes is longer than the limit of {}",
                               expression.size(), kBytesMax);
    if (!IsValidUtf8(expression)) return InvalidArgument("a regular expression is not valid UTF-8");
    return SplitPatternParser(expression).Parse();
}

SplitPattern SplitPattern::Literal(std::string_view text) {
    SplitPattern pattern;
    pattern.alternatives_.emplace_back();
    for (size_t at = 0; at < text.size();) {
        CodePoint c = CodePointAt(text, at);
        at += c.bytes;
        CharSet set;
        set.Add(c.value, c.value);
        set.Finish();
        pattern.sets_.push_back(set);
        Item item;
        item.set = static_cast<uint32_t>(pattern.sets_.size() - 1);
        pattern.alternatives_.back().push_back(item);
    }
    return pattern;
}

}  // namespace lathe::tokenizer
