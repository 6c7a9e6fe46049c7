// Samples of an evaluation's task (lm-evaluation-harness's samples_TASK.jsonl), in the form that
// pages show. Free functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json/json.h"
#include "service/runs/guarded_folder.h"

namespace lathe::runs {

enum class Outcome { kAny, kRight, kWrong };

struct SampleQuery {
    static constexpr size_t kCountMax = 200;

    std::string task;
    std::string filter;  // of the task's; "": all
    Outcome outcome = Outcome::kAny;
    std::string search;  // in question, target or answer, whatever the case of ASCII letters
    size_t offset = 0;   // among those that match
    size_t count = 20;
};

// Tasks that have samples, in order.
std::vector<std::string> SampledTasks(const GuardedFolder& folder);

// A line of the file:
//   {"doc_id", "filter", "question", "target", "answer", "right": true|false|null,
//    "metrics": {name: value}, "choices"?: [{"text", "loglikelihood", "is_target", "is_chosen"}],
//    "raw"?}
// Read by the rule of learn/samples/sample.h; the answer is that of the metric which decides
// over `right`, with what was before the filter as `raw` where that differs. Nothing if
// the line cannot be read. Long texts are cut, marked by "…", and of many choices the first are
// shown, with the chosen and the right ones.
std::optional<Json> SampleOf(const Json& line);

// {"task", "filters": […], "total", "right", "wrong", "matching", "broken_lines", "offset",
// "samples": […]}; total, right and wrong leave the wanted outcome aside, matching does not.
// Errors: kNotFound for a task without samples.
Result<Json> FindSamples(const GuardedFolder& folder, const SampleQuery& query);

}  // namespace lathe::runs
