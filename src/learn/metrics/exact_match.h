#pragma once

#include <string_view>
#include <vector>

#include "learn/metrics/pattern.h"

namespace lathe::metrics {

struct ExactMatchOptions {
    std::vector<Pattern> ignored_patterns{};  // what they match is removed, in this order
    bool ignore_case = false;
    bool ignore_punctuation = false;  // the 32 signs of ASCII
    bool ignore_numbers = false;      // the ten digits of ASCII
};

// Whether a generated text equals the expected one, after both were treated as the options
// say. The names, the order of the steps and the results are those of `exact_match` in
// Hugging Face's evaluate and lm-evaluation-harness.
//
// Const-safe.
class ExactMatch {
public:
    ExactMatch() = default;
    explicit ExactMatch(ExactMatchOptions options) : options_(std::move(options)) {}

    // Errors (kResourceExhausted): an ignored pattern takes too long on a text.
    Result<bool> Matches(std::string_view generated, std::string_view expected) const;

private:
    Result<std::string> Treated(std::string_view text) const;

    ExactMatchOptions options_;
};

}  // namespace lathe::metrics
