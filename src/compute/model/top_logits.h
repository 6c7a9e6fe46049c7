#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compute/model/batch.h"

namespace lathe::model {

// Collects the best logits of one row that arrives in pieces, so that the row itself
// need not be kept. Equal logits go to the lower token.
//
//   Start(count) --Add, by rising token--> ... --Merge(other)--> ... --Finish--> best()
//
// Allocates only when a count is larger than any before. Not thread-safe.
class TopLogits {
public:
    static constexpr size_t kCountMax = 256;

    // Requires: 1 <= count <= kCountMax.
    void Start(size_t count);

    // Logits of the tokens from `first` on, later ones than those added before.
    void Add(TokenId first, std::span<const float> logits);

    // What another has collected of the same row.
    void Merge(const TopLogits& other);

    // Puts the best `count` (fewer if fewer are above -infinity) in order of token.
    void Finish();

    std::span<const TopLogit> best() const { return kept_; }
    // No logit was NaN or +infinity.
    bool sound() const { return sound_; }

private:
    void Prune();

    size_t count_ = 0;
    float threshold_ = 0;  // what is not above it cannot be among the best
    bool sound_ = true;
    std::vector<TopLogit> kept_;
};

// Hands `visit` a row of which all logits are there in the form that its slice wants.
void VisitRow(const LogitsVisitor& visit, size_t slice_index, const SequenceSlice& slice,
              size_t token, std::span<const float> logits);

}  // namespace lathe::model
