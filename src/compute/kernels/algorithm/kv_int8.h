// Keys and values as int8 codes, a scale per token and head.
//
// Keys have dimensions far larger than the rest, and the same ones in every token
// (a bias, often), which an int8 scale must not follow. So of a key is stored what
// differs from the first key of its page, after a rotation that spreads large
// dimensions over all (a Hadamard transform; Ashkboos et al. 2024, QuaRot). Queries
// are rotated likewise, which leaves products as they are:
//   q.k = q'.r' + scale * (q'.codes),   ' rotated, r the page's first key.
// Values need neither.
//
// A page: codes as the elements of the other types; then per token an f16 magnitude,
// scale = magnitude / 127 (small scales keep their precision that way); then, of keys,
// r' in f16 [head_dim].
#pragma once

#include "compute/kernels/algorithm/codes.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct KvInt8 {
    using F = typename S::F;
    static constexpr size_t kLanes = S::kLanes;
    static constexpr float kStepOfMagnitude = 1.0f / 127;

    static const uint16_t* Magnitudes(const void* page, size_t head_dim) {
        return reinterpret_cast<const uint16_t*>(static_cast<const std::byte*>(page) +
                                                 kPageTokens * head_dim);
    }
    static const uint16_t* Reference(const void* key_page, size_t head_dim) {
        return Magnitudes(key_page, head_dim) + kPageTokens;
    }

    // Orthonormal and its own inverse, over runs of the largest power of two that divides
    // `dims`. x [dims rounded up to kLanes].
    static void Rotate(float* x, size_t dims) {
        size_t run = dims & (~dims + 1);
        F half = S::Set(0.70710678f);
        for (size_t at = 0; at < dims; at += kLanes) {
            F v = S::Load(x + at);
            if (run >= 2) v = S::Mul(S::template Butterfly<1>(v), half);
            if (run >= 4) v = S::Mul(S::template Butterfly<2>(v), half);
            if constexpr (kLanes > 4)
                if (run >= 8) v = S::Mul(S::template Butterfly<4>(v), half);
            if constexpr (kLanes > 8)
                if (run >= 16) v = S::Mul(S::template Butterfly<8>(v), half);
            S::Store(x + at, v);
        }
        for (size_t step = kLanes; step < run; step *= 2)
            for (size_t at = 0; at < dims; at += 2 * step)
                for (size_t i = at; i < at + step; i += kLanes) {
                    F a = S::Load(x + i), b = S::Load(x + i + step);
                    S::Store(x + i, S::Mul(S::Add(a, b), half));
                    S::Store(x + i + step, S::Mul(S::Sub(a, b), half));
                }
    }

    static void Store(const KvEntry& entry) {
        size_t n = entry.head_dim;
        auto* key_codes = static_cast<int8_t*>(entry.key_page) + entry.slot;
        auto* value_codes = static_cast<int8_t*>(entry.value_page) + entry.slot * n;
        float key[kHeadDimMax + kLanes] = {};
        std::memcpy(key, entry.key, n * sizeof(float));
        Rotate(key, n);
        auto* reference = const_cast<uint16_t*>(Reference(entry.key_page, n));
        for (size_t d = 0; d < n; d += kLanes) {
            size_t left = Left(n, d);
            F x = S::LoadPartial(key + d, left);
            if (entry.slot == 0) S::StoreHalfPartial(reference + d, x, left);
            S::StorePartial(key + d, S::Sub(x, S::LoadHalfPartial(reference + d, left)), left);
        }
        auto* magnitude = const_cast<uint16_t*>(Magnitudes(entry.key_page, n)) + entry.slot;
        *magnitude = Quantize(key, n, [&](size_t first, const int8_t* codes, size_t count) {
            for (size_t i = 0; i < count; ++i) key_codes[(first + i) * kPageTokens] = codes[i];
        });
        magnitude = const_cast<uint16_t*>(Magnitudes(entry.value_page, n)) + entry.slot;
        *magnitude = Quantize(entry.value, n, [&](size_t first, const int8_t* codes, size_t count) {
            std::memcpy(value_codes + first, codes, count);
        });
    }

private:
    static size_t Left(size_t count, size_t d) { return count - d < kLanes ? count - d : kLanes; }

    // Hands codes round(127 x / max |x|) to `put(first, codes, count)`, vector by vector,
    // and returns max |x| as a half: NaN, and codes of zero, if one x is not finite or
    // the maximum is above the largest half.
    template <class Put>
    LATHE_INLINE uint16_t Quantize(const float* x, size_t count, Put put) {
        constexpr float kLargestHalf = 65504, kSmallestNormalHalf = 0x1p-14f;
        constexpr uint16_t kNanHalf = 0x7E00;
        auto top = S::ZeroI();
        for (size_t d = 0; d < count; d += kLanes)
            top = S::MaxI(top, S::AbsBits(S::LoadPartial(x + d, Left(count, d))));
        int32_t bits = S::ReduceMaxI(top);
        float largest;
        std::memcpy(&largest, &bits, sizeof largest);
        bool sound = bits < 0x7F800000 && largest <= kLargestHalf;
        F inverse = S::Set(sound && largest >= kSmallestNormalHalf ? 127 / largest : 0.0f);
        int8_t codes[kLanes];
        for (size_t d = 0; d < count; d += kLanes) {
            size_t left = Left(count, d);
            // Not even a NaN may reach the conversion to integers.
            F scaled = sound ? S::Mul(S::LoadPartial(x + d, left), inverse) : S::Zero();
            S::StoreI8(codes, S::RoundToInt(scaled));
            put(d, codes, left);
        }
        uint16_t half;
        S::StoreHalfPartial(&half, S::Set(largest), 1);
        return sound ? half : kNanHalf;
    }
};

}  // namespace lathe::kernels
