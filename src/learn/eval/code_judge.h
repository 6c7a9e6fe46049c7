#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "learn/eval/task.h"
#include "learn/sandbox/code_task.h"

namespace lathe::eval {

// Runs programs that a model wrote, in the sandbox and as many at a time as there are cores.
// `texts`: of each document's number the candidates. The columns are HumanEval's or MBPP's
// (sandbox::CodeTask). Errors name the document; those of the sandbox say how to mend it.
using Candidates = std::vector<std::pair<size_t, std::vector<std::string>>>;
Result<std::vector<std::vector<sandbox::Verdict>>> JudgeCode(const Task& task,
                                                             const Candidates& candidates);

// "pass@K": the probability that one of K candidates passes, estimated from all. Errors: there
// are fewer than K.
Result<double> PassAtK(const std::vector<sandbox::Verdict>& verdicts, int64_t k);

}  // namespace lathe::eval
