#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json/json.h"
#include "learn/sandbox/sandbox.h"

namespace lathe::sandbox {

// A programming problem with tests: what stands before and after a candidate's text in the
// Python program that decides. A candidate passes if the program runs to its very end.
//
// Const-safe.
class CodeTask {
public:
    // From a document in the form of one of the two common data sets:
    //   HumanEval (Chen et al. 2021): prompt, test, entry_point. The candidate goes on from
    //     the prompt; `test` defines check(candidate).
    //   MBPP (Austin et al. 2021): test_list, and test_setup_code if there is one. The
    //     candidate is the whole solution.
    // Errors (kInvalidArgument) name the column that is missing or is no text.
    static Result<CodeTask> FromDocument(const Json& document);

    // The program. The last statement writes a mark that `Passed` looks for, so that a
    // candidate that ends the program early, even without an error, does not pass.
    std::string Program(std::string_view candidate) const;

    // Whether an outcome is of Program(candidate) and its end was reached.
    bool Passed(std::string_view candidate, const Outcome& outcome) const;

private:
    std::string Mark(std::string_view candidate) const;

    std::string before_;
    std::string after_;
};

// The code of an answer in chat form: the first fenced block (```python ... ```), or the
// whole answer if there is none. A block that is not closed reaches to the end.
std::string CodeOfAnswer(std::string_view answer);

struct Verdict {
    bool passed = false;
    Ending ending = Ending::kExit;
    std::string reason;  // of a failure, in a line: "AssertionError", "timeout"
    double seconds = 0;
};

// A candidate of a task; both outlive the call.
struct Candidate {
    const CodeTask* task = nullptr;
    std::string_view text;
};

// Runs all candidates, `workers` at a time, and gives the verdicts in their order. Errors
// are the sandbox's own, the first of them.
Result<std::vector<Verdict>> Judge(const Sandbox& sandbox, std::span<const Candidate> candidates,
                                   int workers);

}  // namespace lathe::sandbox
