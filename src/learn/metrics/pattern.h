#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::metrics {

// A regular expression as task files write them for Python's `re`. Matched by ICU, whose
// syntax is nearly the same; what differs is rewritten (`(?P<name>`, `(?P=name)`, a `[`
// that stands unescaped in a set, \Z) or refused.
//
// A pattern from a task file may take exponential time on some text, so a search is given
// up after kWorkMax: about a tenth of a second.
//
// Const-safe.
class Pattern {
public:
    static constexpr size_t kPatternBytesMax = 16 * 1024;
    static constexpr int32_t kWorkMax = 1000;  // ICU's "time limit": ten thousand steps each
    static constexpr int32_t kStackBytesMax = 8 << 20;  // of the matcher, for one search

    // The groups of one match: [0] is the whole; a group that took no part is nullopt.
    using Match = std::vector<std::optional<std::string>>;

    // Errors (kInvalidArgument) say where the pattern is wrong.
    static Result<Pattern> Compile(std::string_view pattern);

    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;
    ~Pattern();

    // re.finditer: every match, left to right. Errors (kResourceExhausted): the search took
    // too long. `matches_max` bounds what is returned.
    Result<std::vector<Match>> FindAll(std::string_view text, size_t matches_max = SIZE_MAX) const;
    // re.sub(pattern, replacement, text) with a replacement that is taken as it stands.
    Result<std::string> ReplaceAll(std::string_view text, std::string_view replacement) const;

    const std::string& text() const { return text_; }

private:
    struct Compiled;
    Pattern();

    std::string text_;
    std::unique_ptr<Compiled> compiled_;
};

}  // namespace lathe::metrics
