#include "learn/metrics/exact_match.h"

#include "learn/metrics/text.h"

namespace lathe::metrics {

Result<std::string> ExactMatch::Treated(std::string_view text) const {
    std::string out(text);
    for (const Pattern& pattern : options_.ignored_patterns) {
        LATHE_TRY(out, pattern.ReplaceAll(out, ""));
    }
    if (options_.ignore_case) out = Lowercase(out);
    std::erase_if(out, [this](char c) {
        auto character = static_cast<unsigned char>(c);
        return (options_.ignore_punctuation && IsAsciiPunctuation(character)) ||
               (options_.ignore_numbers && c >= '0' && c <= '9');
    });
    return out;
}

Result<bool> ExactMatch::Matches(std::string_view generated, std::string_view expected) const {
    LATHE_TRY(std::string left, Treated(generated));
    LATHE_TRY(std::string right, Treated(expected));
    return left == right;
}

}  // namespace lathe::metrics
