#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compute/sampling/row_scan.h"
#include "compute/sampling/scratch.h"

namespace lathe::sampling {

struct TokenLogprob {
    TokenId token = 0;
    float logprob = 0;
};

// Log-probabilities (natural) of one row of the model's own logits: what the model
// says, before bias, penalties and temperature, so that they do not depend on how
// one samples (vLLM's default, `raw_logprobs`).
//
// Borrows the row and the scratch, which must not serve anything else meanwhile.
class RowLogprobs {
public:
    RowLogprobs(std::span<const float> logits, Scratch& scratch);

    // NaN if the row is not sound: a logit is NaN or +infinity.
    float Of(TokenId token) const;

    // The best `count`, best first, equal ones by rising id; none if the row is not sound.
    void Top(size_t count, std::vector<TokenLogprob>& out) const;

private:
    Scratch* scratch_;
    ScannedRow row_;
    double log_sum_ = 0;  // log of the sum of e^(logit - max)
};

}  // namespace lathe::sampling
