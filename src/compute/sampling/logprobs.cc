#include "compute/sampling/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"

namespace lathe::sampling {

RowLogprobs::RowLogprobs(std::span<const float> logits, Scratch& scratch)
    : scratch_(&scratch), row_(ScanRow(logits, scratch.block_max)) {
    if (row_.sound) log_sum_ = std::log(SumExp(row_, 1));
}

float RowLogprobs::Of(TokenId token) const {
    LATHE_CHECK(token >= 0 && static_cast<size_t>(token) < row_.logits.size());
    if (!row_.sound) return std::numeric_limits<float>::quiet_NaN();
    double logit = row_.logits[static_cast<size_t>(token)];
    return static_cast<float>(logit - row_.max - log_sum_);
}

void RowLogprobs::Top(size_t count, std::vector<TokenLogprob>& out) const {
    out.clear();
    if (!row_.sound) return;
    CollectTop(row_, count, scratch_->candidates, scratch_->spare);
    std::ranges::sort(scratch_->candidates, Before);
    for (const Candidate& c : scratch_->candidates) out.push_back({c.token, Of(c.token)});
}

}  // namespace lathe::sampling
