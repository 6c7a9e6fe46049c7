#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "learn/eval/python_regex.h"

namespace lathe::eval {

// What a comparison of texts leaves out of both, in this order: patterns, case,
// punctuation, digits. One thread.
class TextIgnores {
public:
    struct Options {
        std::vector<std::string> patterns;
        bool ignore_case = false;
        bool ignore_punctuation = false;          // of ASCII, as string.punctuation
        bool ignore_unicode_punctuation = false;  // all of Unicode's categories P
        bool ignore_numbers = false;              // 0 to 9
    };

    TextIgnores() = default;  // leaves everything
    static Result<TextIgnores> Create(const Options& options);

    Result<std::string> Apply(std::string_view text) const;

private:
    Options options_;
    std::vector<PythonRegex> patterns_;
};

}  // namespace lathe::eval
