#pragma once

#include <span>
#include <string_view>

#include "learn/eval/task_config.h"

namespace lathe::eval {

// What is known of a metric before anything is measured.
struct MetricKind {
    std::string_view name;
    std::string_view aggregation;  // when the task names none
    bool higher_is_better;
    uint8_t outputs;  // bit per OutputType that it is for
};

// Null for a name that is not known.
const MetricKind* FindMetric(std::string_view name);
bool Suits(const MetricKind& metric, OutputType type);

// "acc, acc_norm and acc_bytes": the metrics for an output type.
std::string MetricNames(OutputType type);

// The metrics of a task that names none.
std::vector<MetricConfig> DefaultMetrics(OutputType type);

// An entry of `metric_list`: one metric, or one for each `k` of pass_at_k. Errors name the
// metric or the key.
Result<std::vector<MetricConfig>> ParseMetric(const Json& entry, OutputType type);

}  // namespace lathe::eval
