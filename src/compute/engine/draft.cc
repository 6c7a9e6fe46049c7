#include "compute/engine/draft.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace lathe::engine {

Drafter::Drafter(size_t length_max) {
    size_t slots = std::bit_ceil(std::clamp<size_t>(length_max, 2, kSlotsMax));
    shift_ = 64 - std::countr_zero(slots);
    slots_.resize(slots * (kGramMax - kGramMin + 1));
}

// A newer gram with the same slot takes it: what is found is compared anyway.
int32_t& Drafter::SlotOf(std::span<const TokenId> gram) {
    uint64_t hash = 0;
    for (TokenId token : gram) {
        hash = (hash ^ static_cast<uint32_t>(token)) * 0x9E3779B97F4A7C15;
        hash ^= hash >> 32;
    }
    hash *= 0xBF58476D1CE4E5B9;
    size_t slots = slots_.size() / (kGramMax - kGramMin + 1);
    return slots_[(gram.size() - kGramMin) * slots + (hash >> shift_)];
}

// The last gram is left out until it is known what comes after, so that it does not
// find itself.
void Drafter::Learn(std::span<const TokenId> text) {
    for (; learned_ < text.size(); ++learned_)
        for (size_t n = kGramMin; n <= std::min(kGramMax, learned_); ++n)
            SlotOf(text.subspan(learned_ - n, n)) = static_cast<int32_t>(learned_);
}

// Where the text has gone on after its last tokens before; 0 if it is not known.
size_t Drafter::Recall(std::span<const TokenId> text) {
    for (size_t n = std::min(kGramMax, text.size()); n >= kGramMin; --n) {
        std::span<const TokenId> gram = text.last(n);
        auto place = static_cast<size_t>(SlotOf(gram));
        if (place >= n && std::ranges::equal(text.subspan(place - n, n), gram)) return place;
    }
    return 0;
}

std::span<const TokenId> Drafter::Find(std::span<const TokenId> text) {
    count_ = 0;
    Learn(text);
    if (text.size() < rests_until_) return {};
    size_t place = Recall(text);
    if (place == 0) return {};
    // Where it comes to the end of the text it goes on in the draft: the text repeats itself.
    for (; count_ < limit_; ++count_) {
        size_t i = place + count_;
        draft_[count_] = i < text.size() ? text[i] : draft_[i - text.size()];
    }
    return draft();
}

void Drafter::Observe(size_t tried, size_t accepted) {
    LATHE_CHECK(tried >= 1 && tried <= count_ && accepted <= tried);
    if (accepted == tried) {
        limit_ = std::min(std::max(limit_, 2 * tried), kDraftMax);
        rest_ = kRestMin;
    } else if (accepted > 0) {
        limit_ = accepted + 1;
        rest_ = kRestMin;
    } else if (limit_ > 1) {
        limit_ /= 2;
    } else {
        rests_until_ = learned_ + 1 + rest_;
        rest_ = std::min(2 * rest_, kRestMax);
    }
}

}  // namespace lathe::engine
