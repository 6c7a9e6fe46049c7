#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/question.h"
#include "learn/eval/task.h"
#include "learn/eval/text_metric.h"
#include "learn/sandbox/code_task.h"

namespace lathe::eval {

// What the metrics of a task say of one document, with lm-evaluation-harness's formulas
// (ConfigurableTask.process_results). The values go into the samples file and, all
// documents together, into Aggregate().
//
// Const-safe; borrows the task.
class Scorer {
public:
    static Result<Scorer> Create(const Task& task);

    // Of what was asked about likelihoods: one answer per request. Metric -> value.
    Result<Json> ScoreLikelihoods(const Json& document,
                                  const std::vector<ModelAnswer>& answers) const;
    // Of what the model wrote, after the filters.
    Result<Json> ScoreText(const Json& document, const std::string& text) const;
    // Of programs that the model wrote.
    bool judges_code() const;
    Result<Json> ScoreCode(const std::vector<sandbox::Verdict>& verdicts) const;

private:
    explicit Scorer(const Task& task) : task_(task) {}

    struct Choice;
    Result<Json> ScoreChoices(const Json& document, const std::vector<ModelAnswer>& answers) const;
    Result<std::vector<int64_t>> RightChoices(const Json& document,
                                              const std::vector<std::string>& choices) const;
    Json ChoiceMetric(const std::string& metric, const Choice& choice) const;
    Result<Json> ScoreRolling(const Json& document, double loglikelihood) const;
    // `gold` is the document's target.
    Result<std::vector<std::string>> RightTexts(const Json& document, const Json& gold) const;

    const Task& task_;
    std::map<std::string, std::unique_ptr<TextMetric>> text_metrics_;  // by name
};

}  // namespace lathe::eval
