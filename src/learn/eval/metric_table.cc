#include "learn/eval/metric_table.h"

#include <algorithm>
#include <array>

#include "learn/eval/aggregation.h"
#include "learn/eval/filter_options.h"
#include "learn/eval/text_metric.h"

namespace lathe::eval {
namespace {

constexpr uint8_t Bit(OutputType type) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(type));
}

constexpr uint8_t kChoice = Bit(OutputType::kMultipleChoice);
constexpr uint8_t kLikelihood = Bit(OutputType::kLoglikelihood);
constexpr uint8_t kRolling = Bit(OutputType::kLoglikelihoodRolling);
constexpr uint8_t kGenerate = Bit(OutputType::kGenerateUntil);

constexpr auto kMetrics = std::to_array<MetricKind>({
    {"acc", "mean", true, kChoice | kLikelihood},
    {"acc_norm", "mean", true, kChoice},
    {"acc_bytes", "mean", true, kChoice},
    {"acc_mutual_info", "mean", true, kChoice},
    {"brier_score", "brier_score", false, kChoice},
    {"f1", "f1", true, kChoice},
    {"mcc", "matthews_corrcoef", true, kChoice},
    {"exact_match", "mean", true, kChoice | kGenerate},
    {"starts_with", "mean", true, kGenerate},
    {"contains", "mean", true, kGenerate},
    {"equals", "mean", true, kGenerate},
    {"token_f1", "mean", true, kGenerate},
    {"rouge1", "mean", true, kGenerate},
    {"rouge2", "mean", true, kGenerate},
    {"rougeL", "mean", true, kGenerate},
    {"bleu", "bleu", true, kGenerate},
    {"chrf", "chrf", true, kGenerate},
    {"refusal", "mean", true, kGenerate},
    {"tool_call", "mean", true, kGenerate},
    {"pass_at_k", "mean", true, kGenerate},
    {"perplexity", "perplexity", false, kLikelihood},
    {"word_perplexity", "weighted_perplexity", false, kRolling},
    {"byte_perplexity", "weighted_perplexity", false, kRolling},
    {"bits_per_byte", "bits_per_byte", false, kRolling},
});

constexpr std::array<std::string_view, 4> kOutputTypes = {
    "multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until"};

MetricConfig WithDefaults(const MetricKind& kind) {
    return {.name = std::string(kind.name),
            .aggregation = std::string(kind.aggregation),
            .higher_is_better = kind.higher_is_better};
}

// `k: [1, 10]` is a metric for each: pass@1, pass@10.
Result<std::vector<MetricConfig>> PassAtK(MetricConfig metric, FilterOptions& options) {
    LATHE_TRY(Json given, options.Take("k", Json::array({1})));
    std::vector<MetricConfig> metrics;
    for (const Json& k : given.is_array() ? given : Json::array({given})) {
        if (!k.is_number_integer() || k.get<int64_t>() < 1 || k.get<int64_t>() > 1000)
            return InvalidParam("k", "`k` of pass_at_k is a number from 1 to 1000 or a list");
        metric.name = fmt::format("pass@{}", k.get<int64_t>());
        metric.options = Json{{"k", k}};
        metrics.push_back(metric);
    }
    return metrics;
}

}  // namespace

std::string_view OutputTypeName(OutputType type) {
    return kOutputTypes[static_cast<size_t>(type)];
}

const MetricKind* FindMetric(std::string_view name) {
    auto found = std::ranges::find(kMetrics, name, &MetricKind::name);
    return found == kMetrics.end() ? nullptr : &*found;
}

bool Suits(const MetricKind& metric, OutputType type) {
    return (metric.outputs & Bit(type)) != 0;
}

std::string MetricNames(OutputType type) {
    std::string names;
    for (const MetricKind& metric : kMetrics) {
        if (!Suits(metric, type)) continue;
        if (!names.empty()) names += ", ";
        names += metric.name;
    }
    return names;
}

// As the reference harness chooses them.
std::vector<MetricConfig> DefaultMetrics(OutputType type) {
    std::vector<std::string_view> names;
    switch (type) {
        case OutputType::kMultipleChoice:
            names = {"acc", "acc_norm"};
            break;
        case OutputType::kLoglikelihood:
            names = {"perplexity", "acc"};
            break;
        case OutputType::kLoglikelihoodRolling:
            names = {"word_perplexity", "byte_perplexity", "bits_per_byte"};
            break;
        case OutputType::kGenerateUntil:
            names = {"exact_match"};
            break;
    }
    std::vector<MetricConfig> metrics;
    for (std::string_view name : names) metrics.push_back(WithDefaults(*FindMetric(name)));
    return metrics;
}

Result<std::vector<MetricConfig>> ParseMetric(const Json& entry, OutputType type) {
    if (!entry.is_object() || !entry.contains("metric") || !entry["metric"].is_string())
        return InvalidParam("metric_list",
                            "an entry of `metric_list` is a mapping with `metric`, a name");
    FilterOptions options(entry);
    LATHE_TRY(std::string name, options.TakeText("metric", ""));
    const MetricKind* kind = FindMetric(name);
    if (!kind || !Suits(*kind, type))
        return InvalidParam("metric_list", "the metric `{}` is not {}; for {} there are {}", name,
                            kind ? "one for this output_type" : "known", OutputTypeName(type),
                            MetricNames(type));
    MetricConfig metric = WithDefaults(*kind);
    LATHE_TRY(metric.aggregation, options.TakeText("aggregation", metric.aggregation));
    if (!IsAggregation(metric.aggregation))
        return InvalidParam("metric_list", "the aggregation `{}` of {} is not known; there are {}",
                            metric.aggregation, name, AggregationNames());
    LATHE_TRY(metric.higher_is_better,
              options.TakeBool("higher_is_better", metric.higher_is_better));
    LATHE_TRY(bool hf_evaluate, options.TakeBool("hf_evaluate", false));
    if (hf_evaluate)
        return InvalidParam("hf_evaluate",
                            "metric {}: Hugging Face's `evaluate` is Python, which "
                            "Lathe does not run; remove `hf_evaluate`",
                            name);
    std::vector<MetricConfig> metrics;
    if (name == "pass_at_k") {
        LATHE_TRY(metrics, PassAtK(std::move(metric), options));
    } else {
        LATHE_RETURN_IF_ERROR(TakeTextMetricOptions(name, options, metric.options));
        metrics.push_back(std::move(metric));
    }
    LATHE_RETURN_IF_ERROR(options.CheckAllTaken());
    return metrics;
}

}  // namespace lathe::eval
