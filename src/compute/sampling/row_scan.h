// Passes over one row of logits [vocab_size], written so that compilers vectorize
// them. A row is read once for its maxima per block; what follows skips the blocks
// that cannot matter.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "compute/tokenizer/tokenizer.h"

namespace lathe::sampling {

using tokenizer::TokenId;

inline constexpr size_t kScanBlock = 64;

// e^x for x <= 0, relative error below 2e-7; 0 below kExpZero. Plain float
// arithmetic only, so that every machine gives the same bits.
inline constexpr float kExpZero = -87.0f;
inline float ExpNonPositive(float x) {
    float clamped = std::max(x, kExpZero);
    constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    float shifted = clamped * 1.44269504088896341f + kRound;
    float n = shifted - kRound;
    float r = clamped - n * 0.693359375f;
    r -= n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    int32_t exponent = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRound);
    float scaled = p * std::bit_cast<float>((exponent + 127) << 23);
    return x < kExpZero ? 0.0f : scaled;
}

// A row with its maxima. Borrows both spans.
struct ScannedRow {
    std::span<const float> logits;
    std::span<const float> block_max;  // of each kScanBlock logits
    float max = 0;
    // Every logit is a finite number or -infinity, and not all are -infinity.
    bool sound = false;
};

// `block_max` is overwritten and must outlive the result.
ScannedRow ScanRow(std::span<const float> logits, std::vector<float>& block_max);

// Lowest id among the largest logits. Requires: row.sound.
TokenId ArgMax(const ScannedRow& row);

// Sum of e^((logit - max) * inverse_temperature); the sums of the blocks too if
// `block_sums` is not null. Requires: row.sound.
double SumExp(const ScannedRow& row, float inverse_temperature,
              std::vector<double>* block_sums = nullptr);

// A token that may be chosen.
struct Candidate {
    TokenId token = 0;
    float logit = 0;
    float weight = 0;  // probability up to a common factor
};

// The order of candidates: larger logit first, then lower id. Never a tie.
inline bool Before(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// Tokens whose logit is at least `threshold` and above -infinity, by rising id, weights unset.
void CollectAtLeast(const ScannedRow& row, float threshold, std::vector<Candidate>& out);

// The first `count` tokens in the order of Before (fewer if fewer are possible), by
// rising id, weights unset. `spare` is scratch.
void CollectTop(const ScannedRow& row, size_t count, std::vector<Candidate>& out,
                std::vector<Candidate>& spare);

// Keeps the first `count` in the order of Before; the survivors stay in their places.
void KeepTop(std::vector<Candidate>& candidates, size_t count, std::vector<Candidate>& spare);

// Keeps the shortest beginning (in the order of Before) whose weights sum to at least
// `mass`; the survivors stay in their places. Linear: no sort of all.
void KeepMass(std::vector<Candidate>& candidates, double mass, std::vector<Candidate>& spare);

}  // namespace lathe::sampling
