#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/evaluation.h"
#include "learn/eval/subject.h"

namespace lathe::eval {

struct JudgeOptions {
    std::string criteria = "how correct, helpful and clear they are; length does not matter";
    bool applies_chat_template = false;
    std::filesystem::path output;   // the judging's own run, which can be gone on with
    std::optional<size_t> limit{};  // documents of each task
};

// Lets a model judge which of two runs wrote the better answers to the same questions. Each
// pair is judged twice, the second time with the answers' places swapped, since judges prefer
// places; only a verdict that survives the swap counts as a win.
//
//   {"runs": [{"folder", "model"}, {...}], "judge": MODEL,
//    "tasks": [{"task", "documents", "wins_a", "wins_b", "ties", "swayed", "nonsense",
//               "agreement", "kappa", "first_preferred", "share_b", "interval", "p",
//               "conclusion"}],
//    "pairs": [{"task", "doc_id", "verdict": "a"|"b"|"tie"|"swayed"|"nonsense", "question",
//               "a_answer", "b_answer"}],
//    "warnings": [...]}
//
// `swayed`: each order gave another winner. `agreement`: the share of pairs on which both
// orders say the same, `kappa` the same beyond chance (Cohen 1960; null where both orders
// always say one thing), `first_preferred`: of verdicts for one of the two, the share for the
// answer shown first; 0.5 is fair. `share_b` is wins_b / (wins_a + wins_b), its interval
// Wilson's, `p` of the sign test.
//
// Errors: those of the runs and of Evaluate; kFailedPrecondition if no task of both runs
// generates, or if the judge says nothing that is a verdict.
Result<Json> JudgeRuns(Subject& judge, const std::filesystem::path& a,
                       const std::filesystem::path& b, const JudgeOptions& options,
                       const std::function<void(const EvaluationProgress&)>& progress,
                       std::stop_token stop);

}  // namespace lathe::eval
