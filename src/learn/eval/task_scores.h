#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/question.h"
#include "learn/eval/task.h"
#include "learn/eval/task_set.h"

namespace lathe::eval {

// The scores of a task and what they come from.
struct TaskScores {
    Json metrics;                       // "acc,none" and "acc_stderr,none": number or "N/A"
    std::vector<Json> samples;          // lines of the samples file
    std::string hash;                   // over all documents, prompts and targets
    std::vector<std::string> warnings;  // filters that never matched
};

// `answers`: of each question. Errors name the task and document.
Result<TaskScores> ScoreTask(const Task& task, const std::vector<Question>& questions,
                             const std::vector<std::vector<ModelAnswer>>& answers);

// The entry of a group in `results`, from those of its tasks ("sample_len" and metrics).
Json ScoreGroup(const TaskGroup& group, const std::map<std::string, Json>& tasks);

}  // namespace lathe::eval
