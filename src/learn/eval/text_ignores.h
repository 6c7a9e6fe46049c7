#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "learn/metrics/pattern.h"

namespace lathe::eval {

// What `multi_choice_regex` leaves out of answers and choices, in this order: patterns,
// case, punctuation. Const-safe.
class TextIgnores {
public:
    struct Options {
        std::vector<std::string> patterns;
        bool ignore_case = false;
        bool ignore_punctuation = false;  // all of Unicode's categories P
    };

    TextIgnores() = default;  // leaves everything
    static Result<TextIgnores> Create(const Options& options);

    Result<std::string> Apply(std::string_view text) const;

private:
    Options options_;
    std::vector<metrics::Pattern> patterns_;
};

}  // namespace lathe::eval
