#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::engine {

// Looks for stop strings in a text that arrives in pieces, and holds back what may
// still become one. The first match counts as if the text came byte by byte: the one
// that ends first, of those the longest. Linear time (Knuth, Morris, Pratt).
//
// One completion's own.
class StopMatcher {
public:
    StopMatcher() = default;  // nothing to stop at
    // Each stop string is not empty and valid UTF-8.
    explicit StopMatcher(std::span<const std::string> stops);

    // Appends to `out` what became certain. On a match returns the stop string (and
    // nothing may be pushed any more); the text before it, and it too if
    // `include_stop`, is then in `out`. Requires: `piece` consists of whole characters.
    const std::string* Push(std::string_view piece, bool include_stop, std::string& out);

    // Appends what is held back: the text is over.
    void Flush(std::string& out);

private:
    struct Pattern {
        std::string text;
        std::vector<uint32_t> fallback;  // [length]: longest border of text[0..i]
        uint32_t matched = 0;            // length of the prefix that ends the text so far
    };
    static bool Advance(Pattern& pattern, char byte);

    std::vector<Pattern> patterns_;
    std::string held_;  // the longest of the matched prefixes
};

}  // namespace lathe::engine
