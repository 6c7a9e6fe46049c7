#pragma once

#include <filesystem>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// Compares two finished runs on the documents that both answered: which model is better,
// and may one say so? `a` is the baseline, `b` the candidate.
//
//   {"runs": [{"folder", "model", "date"}, {...}],
//    "tasks": [{"task", "metric", "filter", "documents", "a", "b", "difference",
//               "interval": [low, high], "wins", "losses", "ties", "p", "p_corrected",
//               "test": "mcnemar" | "permutation", "higher_is_better",
//               "verdict": "better" | "worse" | "open" | "same", "alpha",
//               "documents_needed": n | null, "share_differing_max": x | null, "conclusion"}],
//    "changed": [{"task", "metric", "filter", "doc_id", "a", "b", "question", "target",
//                 "a_answer", "b_answer"}],
//    "warnings": [...]}
//
// `difference` is b - a, its interval a 95 % BCa bootstrap over documents; `p_corrected` is
// Holm's over all rows, and the verdict on b goes by it (metrics::Finding); `conclusion` is
// the verdict as an English sentence. Perplexities are compared as bits
// per byte of each document. `wins` are documents on which b is better. `changed` has
// those with another score; of scores other than right and wrong the kChangedMax of each
// row that changed most.
//
// A document counts only if both runs asked the same of it: tasks of different text,
// examples or data are left out with a warning. Errors name the file and line; kNotFound
// if there is no results.json, kFailedPrecondition if nothing is in both runs.
inline constexpr size_t kChangedMax = 1000;
Result<Json> DiffRuns(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace lathe::eval
