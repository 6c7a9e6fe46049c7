#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

inline constexpr int kBootstrapDraws = 100'000;

bool IsAggregation(std::string_view name);
std::string AggregationNames();

// The score of a task from those of its documents: numbers, or what the aggregation takes:
// pairs [log-likelihood, weight] for weighted_perplexity and bits_per_byte, [gold,
// predicted] for f1 and matthews_corrcoef, [gold, probabilities] for brier_score, [right,
// said] for bleu, bleu_zh and chrf. The
// formulas are lm-evaluation-harness's. Requires: at least one item.
Result<double> Aggregate(std::string_view name, std::span<const Json> items);

// Its standard error: of a mean in closed form, of median, perplexity, f1 and
// matthews_corrcoef by kBootstrapDraws resamples, drawn as the harness draws them; none
// for the others and for fewer than two items.
Result<std::optional<double>> StandardError(std::string_view name, std::span<const Json> items);

// Of a group: of means over tasks, pooled by their sizes, or each weighing the same.
double PooledError(std::span<const double> errors, std::span<const double> sizes);
double UnweightedError(std::span<const double> errors);

}  // namespace lathe::eval
