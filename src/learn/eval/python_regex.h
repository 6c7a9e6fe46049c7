#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::eval {

// A pattern of Python's `re` module on ICU's engine: the syntax is nearly the same, and
// \d, \w, \s mean Unicode in both. Translated are (?P<name>...), (?P=name) and \Z. Not
// supported, with an error: conditionals (?(1)...), and patterns that ICU refuses.
//
// Matching stops after kStepsMax steps of the engine, so that a pattern that backtracks
// without end is an error and not a hang.
//
// Movable; one thread at a time.
class PythonRegex {
public:
    static constexpr int kStepsMax = 2000;  // ICU's unit: some milliseconds each at most
    static constexpr int kStackBytesMax = 8 << 20;

    static Result<PythonRegex> Compile(std::string_view pattern);
    PythonRegex(PythonRegex&&) noexcept;
    PythonRegex& operator=(PythonRegex&&) noexcept;
    ~PythonRegex();

    // A match: the groups, without the whole; the whole alone if the pattern has none.
    using Match = std::vector<std::string>;

    // re.findall. Requires: valid UTF-8.
    Result<std::vector<Match>> FindAll(std::string_view text) const;
    // re.sub(pattern, "", text). Requires: the same.
    Result<std::string> Remove(std::string_view text) const;

private:
    struct Compiled;
    explicit PythonRegex(std::unique_ptr<Compiled> compiled);
    std::unique_ptr<Compiled> compiled_;
};

}  // namespace lathe::eval
