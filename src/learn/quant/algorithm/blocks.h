// One batch of blocks of each searched type, a (sub-)block per lane.
#pragma once

#include "learn/quant/algorithm/pack.h"
#include "learn/quant/algorithm/super_scales.h"

namespace lathe::quant {
namespace {

using tensor::DType;

// Sixteen runs of kCount elements, lane by lane, and what an error in each weighs.
// kGroup lanes make a super-block.
template <int kCount, int kGroup>
struct Batch {
    F values[kCount];
    F weights[kCount];
    F mean_square;  // over the super-block

    // `importance` is null, or has a run for every lane.
    void Load(const float* const (&runs)[kLanes]) {
        Gather<kCount>(runs, values);
        F sum{0.f};
        for (int i = 0; i < kCount; ++i) sum += values[i] * values[i];
        mean_square = GroupSum<kGroup>(sum) * (1.f / (kCount * kGroup));
        own_mean_square = sum * (1.f / kCount);
    }

    // Importance times how far the value stands out.
    void WeighBy(const float* const (&importance)[kLanes], float spread) {
        Gather<kCount>(importance, weights);
        F base = mean_square * spread;
        for (int i = 0; i < kCount; ++i)
            weights[i] *= __builtin_elementwise_sqrt(base + values[i] * values[i]);
    }
    void WeighByMagnitude(float root_mean_square_part) {
        F base = __builtin_elementwise_sqrt(own_mean_square) * root_mean_square_part;
        for (int i = 0; i < kCount; ++i) weights[i] = base + Abs(values[i]);
    }
    void WeighBySquare(float mean_square_part) {
        F base = mean_square * mean_square_part;
        for (int i = 0; i < kCount; ++i) weights[i] = base + values[i] * values[i];
    }

    F own_mean_square;  // of the lane's run
};

// Where the lanes' runs begin: `first` .. in `values`, and in the importance if there is
// one. Lanes beyond the last run repeat it.
template <int kCount>
struct Runs {
    const float* values[kLanes];
    const float* importance[kLanes];

    Runs(const float* all, size_t first, size_t run_count, const float* column_importance,
         size_t cols) {
        for (size_t lane = 0; lane < kLanes; ++lane) {
            size_t run = first + lane < run_count ? first + lane : run_count - 1;
            values[lane] = all + run * kCount;
            importance[lane] =
                column_importance ? column_importance + run * kCount % cols : nullptr;
        }
    }
    bool weighed() const { return importance[0] != nullptr; }
};

// Whole numbers in lanes as bytes.
inline void ToBytes(const F& numbers, int shift, uint8_t* out) {
    StoreBytes(__builtin_convertvector(numbers, I), shift, out);
}

constexpr Grid kFourBitGrid = {-1.f, 0.1f, 21};
constexpr Grid kWeighedGrid = {-0.9f, 0.05f, 37};
constexpr Grid kTwoBitGrid = {-0.5f, 0.1f, 16};
constexpr Grid kWeighedTwoBitGrid = {-0.9f, 0.05f, 37};
constexpr Grid kSymmetricGrid = {-0.9f, 0.1f, 19};

// Two super-blocks of eight runs of 32. Q4_K and Q5_K differ in the codes only.
template <int kBits>
void EncodeQ45K(const Runs<32>& runs, size_t super_count, uint8_t* out) {
    constexpr float kCodeMax = (1 << kBits) - 1;
    constexpr size_t kBytes = kBits == 4 ? 144 : 176;
    Batch<32, 8> batch;
    batch.Load(runs.values);
    if (runs.weighed())
        batch.WeighBy(runs.importance, 2);
    else
        batch.WeighByMagnitude(1);
    Affine fit = AffineSearch<32>(batch.values, batch.weights, kCodeMax, true)
                     .Run(runs.weighed() ? kWeighedGrid : kFourBitGrid);
    AffineSuper<32, 8> super(batch.values, batch.weights, fit, kCodeMax, 63);
    F lanes[32];
    super.Codes(lanes);
    uint8_t codes[kLanes][32];
    Scatter<32>(lanes, 0, codes);
    uint8_t steps[kLanes], leasts[kLanes];
    ToBytes(super.sub_step, 0, steps);
    ToBytes(super.sub_least, 0, leasts);
    for (size_t s = 0; s < super_count; ++s, out += kBytes) {
        PutHalf(super.d[8 * s], out);
        PutHalf(super.d_least[8 * s], out + 2);
        PutSixBitPairs(steps + 8 * s, leasts + 8 * s, out + 4);
        if (kBits == 5) PutBits<4>(codes[8 * s], out + 16);
        PutQuarters(codes[8 * s], out + (kBits == 4 ? 16 : 48));
    }
}

// One super-block of sixteen runs of 16.
inline void EncodeQ2K(const Runs<16>& runs, uint8_t* out) {
    Batch<16, 16> batch;
    batch.Load(runs.values);
    if (runs.weighed())
        batch.WeighBy(runs.importance, 1);
    else
        batch.WeighByMagnitude(0);
    Affine fit = AffineSearch<16>(batch.values, batch.weights, 3, true)
                     .Run(runs.weighed() ? kWeighedTwoBitGrid : kTwoBitGrid);
    AffineSuper<16, 16> super(batch.values, batch.weights, fit, 3, 15);
    F lanes[16];
    super.Codes(lanes);
    uint8_t codes[kLanes][16];
    Scatter<16>(lanes, 0, codes);
    uint8_t steps[kLanes], leasts[kLanes];
    ToBytes(super.sub_step, 0, steps);
    ToBytes(super.sub_least, 0, leasts);
    for (int k = 0; k < 16; ++k) out[k] = static_cast<uint8_t>(steps[k] | leasts[k] << 4);
    PutPairs(codes[0], out + 16);
    PutHalf(super.d[0], out + 80);
    PutHalf(super.d_least[0], out + 82);
}

inline void EncodeQ3K(const Runs<16>& runs, uint8_t* out) {
    Batch<16, 16> batch;
    batch.Load(runs.values);
    if (runs.weighed())
        batch.WeighBy(runs.importance, 2);
    else
        batch.WeighBySquare(0.25f);
    F scale = SearchSymmetric<16>(batch.values, batch.weights, 4, kSymmetricGrid);
    SymmetricSuper<16> super(batch.values, batch.weights, scale, 4, 32);
    F lanes[16];
    super.Codes(lanes);
    uint8_t codes[kLanes][16];
    Scatter<16>(lanes, 4, codes);
    uint8_t scales[kLanes];
    ToBytes(super.sub, 32, scales);
    PutBits<2>(codes[0], out);
    PutPairs(codes[0], out + 32);
    PutSixBits(scales, out + 96);
    PutHalf(super.d[0], out + 108);
}

inline void EncodeQ6K(const Runs<16>& runs, uint8_t* out) {
    Batch<16, 16> batch;
    batch.Load(runs.values);
    if (runs.weighed())
        batch.WeighBy(runs.importance, 2);
    else
        batch.WeighBySquare(0);
    F scale = SearchSymmetric<16>(batch.values, batch.weights, 32, kSymmetricGrid);
    SymmetricSuper<16> super(batch.values, batch.weights, scale, 32, 128);
    F lanes[16];
    super.Codes(lanes);
    uint8_t codes[kLanes][16];
    Scatter<16>(lanes, 32, codes);
    PutQ6Codes(codes[0], out);
    ToBytes(super.sub, 0, out + 192);
    PutHalf(super.d[0], out + 208);
}

// Sixteen blocks of 32 with importance: Q4_0, Q5_0.
template <int kBits>
void EncodeWeighedSymmetric(const Runs<32>& runs, size_t block_count, uint8_t* out) {
    constexpr int kZero = 1 << (kBits - 1);
    constexpr size_t kBytes = kBits == 4 ? 18 : 22;
    Batch<32, 1> batch;
    batch.Load(runs.values);
    batch.WeighBy(runs.importance, 1);
    F scale =
        ToHalfAndBack(SearchSymmetric<32>(batch.values, batch.weights, kZero, kSymmetricGrid));
    F inverse = Inverse(scale);
    F lanes[32];
    for (int i = 0; i < 32; ++i)
        lanes[i] = Min(Max(Round(batch.values[i] * inverse), F(-kZero)), F(kZero - 1));
    uint8_t codes[kLanes][32];
    Scatter<32>(lanes, kZero, codes);
    for (size_t block = 0; block < block_count; ++block, out += kBytes) {
        PutHalf(scale[block], out);
        if (kBits == 5) PutFifthBits(codes[block], out + 2);
        PutNibbles(codes[block], out + (kBits == 4 ? 2 : 6));
    }
}

// Sixteen blocks of 32 with importance: Q4_1, Q5_1.
template <int kBits>
void EncodeWeighedAffine(const Runs<32>& runs, size_t block_count, uint8_t* out) {
    constexpr float kCodeMax = (1 << kBits) - 1;
    constexpr size_t kBytes = kBits == 4 ? 20 : 24;
    Batch<32, 1> batch;
    batch.Load(runs.values);
    batch.WeighBy(runs.importance, 8);
    Affine fit = AffineSearch<32>(batch.values, batch.weights, kCodeMax, false).Run(kWeighedGrid);
    F step = ToHalfAndBack(fit.step);
    F least = ToHalfAndBack(fit.least);
    F inverse = Inverse(step);
    F lanes[32];
    for (int i = 0; i < 32; ++i)
        lanes[i] = Min(Max(Round((batch.values[i] - least) * inverse), F(0.f)), F(kCodeMax));
    uint8_t codes[kLanes][32];
    Scatter<32>(lanes, 0, codes);
    for (size_t block = 0; block < block_count; ++block, out += kBytes) {
        PutHalf(step[block], out);
        PutHalf(least[block], out + 2);
        if (kBits == 5) PutFifthBits(codes[block], out + 4);
        PutNibbles(codes[block], out + (kBits == 4 ? 4 : 8));
    }
}

inline void EncodeIq4Nl(const Runs<32>& runs, size_t block_count, uint8_t* out) {
    Batch<32, 1> batch;
    batch.Load(runs.values);
    if (runs.weighed())
        batch.WeighBy(runs.importance, 2);
    else
        batch.WeighBySquare(0);
    F scale = ToHalfAndBack(SearchIq4Nl<32>(batch.values, batch.weights));
    F inverse = Inverse(scale);
    uint8_t codes[kLanes][32];
    F lanes[32];
    for (int i = 0; i < 32; ++i) lanes[i] = Iq4NlIndex(batch.values[i] * inverse);
    Scatter<32>(lanes, 0, codes);
    for (size_t block = 0; block < block_count; ++block, out += 18) {
        PutHalf(scale[block], out);
        PutNibbles(codes[block], out + 2);
    }
}

}  // namespace
}  // namespace lathe::quant
