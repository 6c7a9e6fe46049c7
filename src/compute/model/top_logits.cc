#include "compute/model/top_logits.h"

#include <algorithm>
#include <limits>

#include "core/base/check.h"

namespace lathe::model {
namespace {

constexpr size_t kBlock = 64;
constexpr size_t kLanes = 16;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool Before(const TopLogit& a, const TopLogit& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// Whether one of a block's logits is above `threshold`, or is NaN or +infinity. Written so
// that compilers vectorize it.
bool NeedsALook(const float* logits, float threshold) {
    int32_t seen[kLanes] = {};
    for (size_t i = 0; i < kBlock; i += kLanes)
        for (size_t lane = 0; lane < kLanes; ++lane) seen[lane] |= !(logits[i + lane] <= threshold);
    int32_t any = 0;
    for (int32_t lane : seen) any |= lane;
    return any != 0;
}

}  // namespace

void TopLogits::Start(size_t count) {
    LATHE_CHECK(count >= 1 && count <= kCountMax);
    count_ = count;
    threshold_ = -kInfinity;
    sound_ = true;
    kept_.clear();
    kept_.reserve(4 * count);  // what Merge may hold for a moment
}

void TopLogits::Add(TokenId first, std::span<const float> logits) {
    for (size_t begin = 0; begin < logits.size(); begin += kBlock) {
        size_t end = std::min(begin + kBlock, logits.size());
        if (end - begin == kBlock && !NeedsALook(logits.data() + begin, threshold_)) continue;
        for (size_t i = begin; i < end; ++i) {
            if (logits[i] <= threshold_) continue;
            sound_ = sound_ && logits[i] < kInfinity;  // NaN too
            kept_.push_back({first + static_cast<TokenId>(i), logits[i]});
            if (kept_.size() >= 2 * count_) Prune();
        }
    }
}

void TopLogits::Merge(const TopLogits& other) {
    LATHE_CHECK(count_ == other.count_);
    sound_ = sound_ && other.sound_;
    kept_.insert(kept_.end(), other.kept_.begin(), other.kept_.end());
    if (kept_.size() >= 2 * count_) Prune();
}

void TopLogits::Finish() {
    if (!sound_) return;  // NaN has no place in an order
    Prune();
    std::ranges::sort(kept_, {}, &TopLogit::token);
}

void TopLogits::Prune() {
    if (kept_.size() < count_) return;
    if (sound_) std::nth_element(kept_.begin(), kept_.begin() + (count_ - 1), kept_.end(), Before);
    kept_.resize(count_);
    if (sound_) threshold_ = kept_.back().logit;
}

void VisitRow(const LogitsVisitor& visit, size_t slice_index, const SequenceSlice& slice,
              size_t token, std::span<const float> logits) {
    if (slice.top == 0) return visit(slice_index, token, LogitsRow(logits));
    TopLogits top;
    top.Start(slice.top);
    top.Add(0, logits);
    top.Finish();
    visit(slice_index, token, LogitsRow(top.best(), top.sound()));
}

}  // namespace lathe::model
