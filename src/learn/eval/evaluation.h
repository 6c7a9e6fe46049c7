#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/subject.h"
#include "learn/eval/task.h"
#include "learn/eval/task_set.h"

namespace lathe::eval {

struct EvaluationOptions {
    TaskOptions task;  // render_chat is filled in if chat is wanted
    bool applies_chat_template = false;
    std::filesystem::path output;  // the run's folder
    Json about = Json::object();   // goes into results.json: model, arguments, version
};

// Of documents: how many are answered, of how many, and how many were before.
struct EvaluationProgress {
    size_t done = 0;
    size_t total = 0;
    size_t found = 0;
};

struct EvaluationReport {
    Json results;                       // what results.json holds
    std::vector<std::string> warnings;  // for the user: scores that may not mean what they say
};

// Runs tasks against a model: asks what the run's journal does not have, scores, and
// writes into the output folder, atomically, and results only when all is answered:
//
//   results.json         the scores, in lm-evaluation-harness's schema
//   samples_TASK.jsonl   a line per document and filter, likewise
//   journal.jsonl        run_journal.h
//   progress.json        from the beginning, for whoever watches (progress_file.h)
//
// The same run gives the same samples, to the byte, however often it was interrupted.
// Errors name the task, document and key; kCancelled when `stop` is requested: the same
// call goes on from there. One thread, which is the subject's.
Result<EvaluationReport> Evaluate(Subject& subject, const TaskSet& tasks,
                                  const EvaluationOptions& options,
                                  const std::function<void(const EvaluationProgress&)>& progress,
                                  std::stop_token stop);

}  // namespace lathe::eval
