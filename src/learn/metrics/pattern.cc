#include "learn/metrics/pattern.h"

#include <unicode/regex.h>

namespace lathe::metrics {
namespace {

icu::UnicodeString FromUtf8(std::string_view text) {
    return icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

std::string ToUtf8(const icu::UnicodeString& text) {
    std::string out;
    text.toUTF8String(out);
    return out;
}

// Python's spelling of a pattern in ICU's.
class Translation {
public:
    explicit Translation(std::string_view pattern) : in_(pattern) {}

    std::string Run() {
        while (at_ < in_.size()) {
            char c = in_[at_];
            if (c == '\\') {
                Escape();
            } else if (in_set_) {
                InSet(c);
            } else if (c == '[') {
                BeginSet();
            } else if (in_.substr(at_).starts_with("(?P<")) {
                out_ += "(?<";
                NameUntil('>', 4);
            } else if (in_.substr(at_).starts_with("(?P=")) {
                out_ += "\\k<";
                NameUntil(')', 4);
            } else {
                out_ += c;
                ++at_;
            }
        }
        return std::move(out_);
    }

private:
    void Escape() {
        char next = at_ + 1 < in_.size() ? in_[at_ + 1] : '\0';
        if (next == 'Z' && !in_set_)
            out_ += "\\z";  // Python's \Z has no mercy for a final line break
        else
            out_ += in_.substr(at_, 2);
        at_ += 2;
    }
    void BeginSet() {
        in_set_ = true;
        out_ += '[';
        ++at_;
        if (at_ < in_.size() && in_[at_] == '^') out_ += in_[at_++];
        // A bracket in first place is a member, not the end.
        if (at_ < in_.size() && in_[at_] == ']') {
            out_ += "\\]";
            ++at_;
        }
    }
    void InSet(char c) {
        if (c == ']') in_set_ = false;
        // ICU nests sets and knows operators on them; Python takes all of it literally.
        bool special = c == '[' || c == '&' || c == '{' || c == '}' || c == '$';
        bool doubled_minus = c == '-' && in_.substr(at_).starts_with("--");
        if (special || doubled_minus) out_ += '\\';
        out_ += c;
        ++at_;
    }
    // ICU's names know no underscore: each is spelled as z5f.
    void NameUntil(char end, size_t skip) {
        for (at_ += skip; at_ < in_.size() && in_[at_] != end; ++at_)
            if (in_[at_] == '_')
                out_ += "z5f";
            else
                out_ += in_[at_];
        ++at_;
        out_ += '>';
    }

    std::string_view in_;
    size_t at_ = 0;
    bool in_set_ = false;
    std::string out_;
};

Error TooLong(std::string_view pattern) {
    return Error{Code::kResourceExhausted,
                 fmt::format("the pattern {} takes too long on this text; write it without nested "
                             "repetitions",
                             pattern),
                 {}};
}

}  // namespace

struct Pattern::Compiled {
    std::unique_ptr<icu::RegexPattern> pattern;

    std::unique_ptr<icu::RegexMatcher> Matcher(const icu::UnicodeString& text) const {
        UErrorCode status = U_ZERO_ERROR;
        std::unique_ptr<icu::RegexMatcher> matcher(pattern->matcher(text, status));
        if (matcher) {
            matcher->setTimeLimit(kWorkMax, status);
            matcher->setStackLimit(kStackBytesMax, status);
        }
        return matcher;
    }
};

Pattern::Pattern() : compiled_(std::make_unique<Compiled>()) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Result<Pattern> Pattern::Compile(std::string_view pattern) {
    if (pattern.size() > kPatternBytesMax)
        return InvalidArgument("a regular expression has {} bytes; at most {} are read",
                               pattern.size(), kPatternBytesMax);
    Pattern out;
    out.text_ = pattern;
    UParseError where{};
    UErrorCode status = U_ZERO_ERROR;
    // Only \n ends a line, as in Python.
    out.compiled_->pattern.reset(icu::RegexPattern::compile(FromUtf8(Translation(pattern).Run()),
                                                            UREGEX_UNIX_LINES, where, status));
    if (U_FAILURE(status))
        return InvalidArgument(
            "the regular expression {} is not understood near its character {} ({})", pattern,
            where.offset, u_errorName(status));
    return out;
}

Result<std::vector<Pattern::Match>> Pattern::FindAll(std::string_view text,
                                                     size_t matches_max) const {
    icu::UnicodeString subject = FromUtf8(text);
    std::unique_ptr<icu::RegexMatcher> matcher = compiled_->Matcher(subject);
    UErrorCode status = U_ZERO_ERROR;
    std::vector<Match> matches;
    while (matches.size() < matches_max && matcher->find(status)) {
        Match& match = matches.emplace_back();
        for (int32_t group = 0; group <= matcher->groupCount(); ++group) {
            UErrorCode group_status = U_ZERO_ERROR;
            if (matcher->start(group, group_status) < 0)
                match.emplace_back();
            else
                match.emplace_back(ToUtf8(matcher->group(group, group_status)));
        }
    }
    if (U_FAILURE(status)) return std::unexpected(TooLong(text_));
    return matches;
}

Result<std::string> Pattern::ReplaceAll(std::string_view text, std::string_view replacement) const {
    icu::UnicodeString subject = FromUtf8(text);
    std::unique_ptr<icu::RegexMatcher> matcher = compiled_->Matcher(subject);
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeString out;
    int32_t copied = 0;
    while (matcher->find(status)) {
        UErrorCode at_status = U_ZERO_ERROR;
        int32_t start = matcher->start(at_status);
        out.append(subject, copied, start - copied).append(FromUtf8(replacement));
        copied = matcher->end(at_status);
    }
    if (U_FAILURE(status)) return std::unexpected(TooLong(text_));
    out.append(subject, copied, subject.length() - copied);
    return ToUtf8(out);
}

}  // namespace lathe::metrics
