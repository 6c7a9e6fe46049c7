// Scores of all documents together that are no means of theirs: BLEU and chrF.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// As lm-evaluation-harness, which draws so few for them.
inline constexpr int kCorpusDraws = 100;

// "bleu", "bleu_zh", "chrf".
bool IsCorpusScore(std::string_view name);

// `items` are pairs [right, said]; right is a text or a list of them. 0..100, sacrebleu's.
Result<double> CorpusScore(std::string_view name, std::span<const Json> items);
// By kCorpusDraws resamples; none for one document.
Result<std::optional<double>> CorpusError(std::string_view name, std::span<const Json> items);

}  // namespace lathe::eval
