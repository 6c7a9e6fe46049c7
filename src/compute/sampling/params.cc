#include "compute/sampling/params.h"

#include <cmath>

namespace lathe::sampling {
namespace {

constexpr size_t kLogitBiasMax = 1024;
constexpr float kBiasMax = 100;

Status CheckRange(std::string_view name, float value, float low, float high) {
    if (value >= low && value <= high) return {};  // false for NaN
    return InvalidParam(name, "{} must be from {} to {}, not {}", name, low, high, value);
}

// A share that must leave something to choose from.
Status CheckShare(std::string_view name, float value) {
    if (value > 0 && value <= 1) return {};
    return InvalidParam(name, "{} must be above 0 and at most 1, not {}", name, value);
}

Status CheckBias(const SamplingParams& params, size_t vocab_size) {
    if (params.logit_bias.size() > kLogitBiasMax)
        return InvalidParam("logit_bias", "logit_bias has {} entries, at most {} are allowed",
                            params.logit_bias.size(), kLogitBiasMax);
    for (auto [token, bias] : params.logit_bias) {
        if (token < 0 || static_cast<size_t>(token) >= vocab_size)
            return InvalidParam("logit_bias",
                                "logit_bias names token {}; the vocabulary has 0 to {}", token,
                                vocab_size - 1);
        if (!(std::abs(bias) <= kBiasMax))
            return InvalidParam("logit_bias",
                                "the logit_bias of token {} must be from {} to {}, not {}", token,
                                -kBiasMax, kBiasMax, bias);
    }
    return {};
}

}  // namespace

Status Validate(const SamplingParams& params, size_t vocab_size) {
    LATHE_RETURN_IF_ERROR(CheckRange("temperature", params.temperature, 0, 100));
    LATHE_RETURN_IF_ERROR(CheckRange("frequency_penalty", params.frequency_penalty, -2, 2));
    LATHE_RETURN_IF_ERROR(CheckRange("presence_penalty", params.presence_penalty, -2, 2));
    LATHE_RETURN_IF_ERROR(CheckRange("min_p", params.min_p, 0, 1));
    LATHE_RETURN_IF_ERROR(CheckShare("top_p", params.top_p));
    LATHE_RETURN_IF_ERROR(CheckShare("typical_p", params.typical_p));
    if (params.top_k < 0)
        return InvalidParam("top_k", "top_k must be 0 (all tokens) or more, not {}", params.top_k);
    if (!(params.repetition_penalty > 0 && params.repetition_penalty <= 100))
        return InvalidParam("repetition_penalty",
                            "repetition_penalty must be above 0 and at most 100, not {}",
                            params.repetition_penalty);
    return CheckBias(params, vocab_size);
}

}  // namespace lathe::sampling
