#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::sampling {

using tokenizer::TokenId;

// How the next token is chosen. Defaults give what the OpenAI API gives.
// Order of application, as vLLM's: bias, penalties, temperature, then top-k, top-p
// (nucleus, Holtzman et al. 2020), min-p (Nguyen et al. 2024), typical (Meister et al. 2022).
struct SamplingParams {
    float temperature = 1;         // 0: greedy
    int32_t top_k = 0;             // 0: all
    float top_p = 1;
    float min_p = 0;
    float typical_p = 1;
    float repetition_penalty = 1;  // of tokens in prompt and text (Keskar et al. 2019)
    float frequency_penalty = 0;   // of tokens in the text, times their count
    float presence_penalty = 0;    // of tokens in the text
    std::vector<std::pair<TokenId, float>> logit_bias = {};
    std::optional<uint64_t> seed = {};  // the same seed gives the same text
};

// kInvalidArgument with the parameter's API name if one is out of range.
Status Validate(const SamplingParams& params, size_t vocab_size);

}  // namespace lathe::sampling
