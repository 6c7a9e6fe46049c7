#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/char_set.h"
#include "core/base/result.h"

namespace lathe::tokenizer {

struct TextRange {
    size_t begin = 0;
    size_t end = 0;
    bool operator==(const TextRange&) const = default;
};

// The regular expressions by which published tokenizers cut text, compiled for a
// matcher whose time is linear in the text whatever the expression and the text.
//
// Syntax: alternatives of sequences of
//   characters, classes `[^\s\p{L}一-龥]`, `\s \S \d \D \w \W \p{..} \P{..}`, `.`;
//   `? * + {m} {m,} {m,n}` after these, greedy, or possessive with one more `+`;
//   `(?:a|bc)` and `(?i:a|bc)` whose alternatives have no repetition, also with `?`;
//   `(?=x)` and `(?!x)` for one class, and `$`.
// The first alternative that matches wins, as in Perl, Oniguruma and Python.
// What lies outside this is an error that names the construct.
//
// Const-safe.
class SplitPattern {
public:
    static constexpr size_t kBytesMax = 16384;

    static Result<SplitPattern> Compile(std::string_view expression);
    // Matches exactly `text`. Requires: valid UTF-8 of 1 to kBytesMax bytes.
    static SplitPattern Literal(std::string_view text);

private:
    friend class SplitMatcher;
    friend class SplitPatternParser;

    enum class Kind { kSet, kWords, kEnd, kAhead, kNotAhead };
    static constexpr uint32_t kUnbounded = UINT32_MAX;
    static constexpr uint32_t kRepeatMax = 64;  // for {m,n}
    struct Item {
        Kind kind = Kind::kSet;
        uint32_t set = 0;  // into sets_
        uint32_t min = 1;
        uint32_t max = 1;
        bool possessive = false;
        uint32_t loop = 0;                         // of an unbounded repetition
        std::vector<std::vector<uint32_t>> words;  // kWords: each a sequence of sets
    };
    using Alternative = std::vector<Item>;

    std::vector<CharSet> sets_;
    std::vector<Alternative> alternatives_;
    uint32_t loop_count_ = 0;
};

// Finds the matches of a pattern in one text, from left to right.
//
// Linear time: whether a repetition that stops at some place can be continued to a
// match does not depend on where it began. So each repetition remembers the run it
// is in and how far back from the run's end it has failed, and neither scans nor
// tries again what an earlier attempt has.
class SplitMatcher {
public:
    // Both must outlive the matcher. Requires: `text` is valid UTF-8.
    SplitMatcher(const SplitPattern& pattern, std::string_view text);

    // The first match that begins at or after `from`. Calls go from left to right.
    std::optional<TextRange> Find(size_t from);

private:
    static constexpr size_t kNone = SIZE_MAX;
    struct Loop {
        size_t begin = 0;  // characters in [begin, end) belong to the set, that at end does not
        size_t end = 0;
        size_t failed_from = kNone;  // stopping anywhere in [failed_from, end] has failed
    };

    // Where the rest of `alternative` from `item` on ends if matched at `at`, or kNone.
    size_t Match(const SplitPattern::Alternative& alternative, size_t item, size_t at);
    size_t MatchWords(const SplitPattern::Alternative& alternative, size_t item, size_t at);
    size_t MatchBounded(const SplitPattern::Alternative& alternative, size_t item, size_t at);
    size_t MatchUnbounded(const SplitPattern::Alternative& alternative, size_t item, size_t at);
    // The character at `at` belongs to the set: where it ends; else kNone.
    size_t Step(uint32_t set, size_t at) const;
    void ExtendRun(Loop& loop, uint32_t set, size_t at) const;

    const SplitPattern& pattern_;
    std::string_view text_;
    std::vector<Loop> loops_;
};

}  // namespace lathe::tokenizer
