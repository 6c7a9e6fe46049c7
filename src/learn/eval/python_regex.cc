#include "learn/eval/python_regex.h"

#include <unicode/regex.h>

#include <algorithm>
#include <map>
#include <optional>

namespace lathe::eval {
namespace {

// A Python pattern as ICU writes it. Named groups become numbered ones, since ICU allows
// fewer names.
class Translator {
public:
    explicit Translator(std::string_view pattern) : in_(pattern) {}

    Result<std::string> Run() {
        while (at_ < in_.size()) {
            if (in_[at_] == '\\') {
                Escape();
            } else if (in_class_) {
                ClassCharacter();
            } else if (in_[at_] == '(') {
                LATHE_RETURN_IF_ERROR(Open());
            } else {
                Copy();
            }
        }
        return std::move(out_);
    }

private:
    void Copy(size_t count = 1) {
        if (count == 1 && in_[at_] == '[') {
            in_class_ = true;
            class_begin_ = at_;
        }
        out_ += in_.substr(at_, count);
        at_ += count;
    }

    void Escape() {
        if (at_ + 1 < in_.size() && in_[at_ + 1] == 'Z' && !in_class_) {
            out_ += "\\z";
            at_ += 2;
        } else {
            Copy(2);
        }
    }

    // In Python `]` right after `[` or `[^` is a member, and `[`, `&`, `-` and `~` in a
    // class are too; ICU would read sets and set operators.
    void ClassCharacter() {
        char c = in_[at_];
        bool first =
            at_ == class_begin_ + 1 || (at_ == class_begin_ + 2 && in_[class_begin_ + 1] == '^');
        if (c == ']' && !first) {
            in_class_ = false;
            Copy();
        } else if (c == ']' || c == '[' || c == '&') {
            out_ += '\\';
            out_ += c;
            ++at_;
        } else if (c == '-' && at_ + 1 < in_.size() && (first || in_[at_ + 1] == ']')) {
            out_ += "\\-";
            ++at_;
        } else {
            out_ += c;
            ++at_;
        }
    }

    std::optional<std::string> TakeName(char close) {
        size_t end = in_.find(close, at_);
        if (end == std::string_view::npos) return std::nullopt;
        std::string name(in_.substr(at_, end - at_));
        at_ = end + 1;
        return name;
    }

    Status Open() {
        std::string_view rest = in_.substr(at_);
        if (rest.starts_with("(?P<")) {
            at_ += 4;
            auto name = TakeName('>');
            if (!name || name->empty()) return InvalidArgument("a group's name has no end");
            groups_[*name] = ++group_count_;
            out_ += '(';
        } else if (rest.starts_with("(?P=")) {
            at_ += 4;
            auto name = TakeName(')');
            if (!name || !groups_.contains(*name))
                return InvalidArgument("(?P=...) names no group before it");
            out_ += fmt::format("(?:\\{})", groups_[*name]);
        } else if (rest.starts_with("(?(")) {
            return InvalidArgument("conditional groups (?(...)...) are not supported");
        } else {
            group_count_ += !rest.starts_with("(?");
            Copy();
        }
        return {};
    }

    std::string_view in_;
    size_t at_ = 0;
    std::string out_;
    bool in_class_ = false;
    size_t class_begin_ = 0;
    int group_count_ = 0;
    std::map<std::string, int> groups_;
};

std::string Utf8(const icu::UnicodeString& text) {
    std::string out;
    text.toUTF8String(out);
    return out;
}

}  // namespace

struct PythonRegex::Compiled {
    std::unique_ptr<icu::RegexPattern> pattern;

    Result<std::unique_ptr<icu::RegexMatcher>> Matcher(const icu::UnicodeString& text) const {
        UErrorCode status = U_ZERO_ERROR;
        std::unique_ptr<icu::RegexMatcher> matcher(pattern->matcher(text, status));
        matcher->setTimeLimit(kStepsMax, status);
        matcher->setStackLimit(kStackBytesMax, status);
        if (U_FAILURE(status))
            return MakeError(Code::kInternal, "the pattern's engine failed: {}",
                             u_errorName(status));
        return matcher;
    }
};

PythonRegex::PythonRegex(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
PythonRegex::PythonRegex(PythonRegex&&) noexcept = default;
PythonRegex& PythonRegex::operator=(PythonRegex&&) noexcept = default;
PythonRegex::~PythonRegex() = default;

Result<PythonRegex> PythonRegex::Compile(std::string_view pattern) {
    auto translated = Translator(pattern).Run();
    if (!translated)
        return InvalidArgument("the pattern {}: {}", pattern, translated.error().message);
    UErrorCode status = U_ZERO_ERROR;
    UParseError where{};
    auto compiled = std::make_unique<Compiled>();
    compiled->pattern.reset(
        icu::RegexPattern::compile(icu::UnicodeString::fromUTF8(*translated), 0, where, status));
    if (U_FAILURE(status))
        return InvalidArgument(
            "the pattern {} is not one that Python's re and ICU both read: {} "
            "at character {}",
            pattern, u_errorName(status), where.offset);
    return PythonRegex(std::move(compiled));
}

Result<std::vector<PythonRegex::Match>> PythonRegex::FindAll(std::string_view text) const {
    icu::UnicodeString input = icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
    LATHE_TRY(auto matcher, compiled_->Matcher(input));
    UErrorCode status = U_ZERO_ERROR;
    std::vector<Match> matches;
    int32_t groups = matcher->groupCount();
    while (matcher->find(status)) {
        Match match;
        for (int32_t i = std::min(groups, 1); i <= groups; ++i)
            match.push_back(Utf8(matcher->group(i, status)));
        matches.push_back(std::move(match));
    }
    if (U_FAILURE(status))
        return InvalidArgument("the pattern backtracks too long on a text of {} bytes ({})",
                               text.size(), u_errorName(status));
    return matches;
}

Result<std::string> PythonRegex::Remove(std::string_view text) const {
    icu::UnicodeString input = icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
    LATHE_TRY(auto matcher, compiled_->Matcher(input));
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString out = matcher->replaceAll(icu::UnicodeString(), status);
    if (U_FAILURE(status))
        return InvalidArgument("the pattern backtracks too long on a text of {} bytes ({})",
                               text.size(), u_errorName(status));
    return Utf8(out);
}

}  // namespace lathe::eval
