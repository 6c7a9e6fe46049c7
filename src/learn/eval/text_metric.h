#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/task_config.h"

namespace lathe::eval {

// A metric of what a model wrote: exact_match, starts_with, contains, equals, token_f1, bleu,
// chrf, rouge1, rouge2, rougeL, refusal, tool_call. Const-safe.
class TextMetric {
public:
    virtual ~TextMetric() = default;

    // Of one text against the right ones (one or more): a number, or what the metric's
    // aggregation takes. `target` is the document's, as it stands.
    virtual Result<Json> Score(const std::string& said, const std::vector<std::string>& right,
                               const Json& target) const = 0;
};

// Errors name the option. Null if the metric is none of texts.
Result<std::unique_ptr<TextMetric>> MakeTextMetric(const MetricConfig& config);

// Checks what a task file says of such a metric; what is left out is filled in.
class FilterOptions;
Status TakeTextMetricOptions(const std::string& metric, FilterOptions& options, Json& kept);

}  // namespace lathe::eval
