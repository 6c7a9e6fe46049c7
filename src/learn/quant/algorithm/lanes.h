// Sixteen floats side by side, in the compiler's vector types: the same source becomes
// SSE, AVX2 or AVX-512 by the flags of the file that includes it. Everything is internal
// to that file (an unnamed namespace), since it exists once per instruction set.
#pragma once

#include <cstdint>

#include "compute/tensor/dtype.h"

namespace lathe::quant {
namespace {

constexpr int kLanes = 16;
using F = float __attribute__((ext_vector_type(kLanes)));
using I = int __attribute__((ext_vector_type(kLanes)));

constexpr float kFloatMax = 1e37f;

inline F Min(const F& a, const F& b) {
    return __builtin_elementwise_min(a, b);
}
inline F Max(const F& a, const F& b) {
    return __builtin_elementwise_max(a, b);
}
inline F Abs(const F& a) {
    return __builtin_elementwise_abs(a);
}

// To the nearest integer, halves to even; |x| below 2^22. Unlike a rounding instruction
// it exists everywhere and is as fast.
inline F Round(const F& x) {
    constexpr float kShift = 12582912;
    return (x + kShift) - kShift;
}

inline F Select(const I& mask, const F& yes, const F& no) {
    return mask ? yes : no;
}

// 1 / x, and 0 for 0.
inline F Inverse(const F& x) {
    return Select(x != 0.f, 1.f / Select(x != 0.f, x, F(1.f)), F(0.f));
}

// As half precision keeps it; |x| at most 65504.
inline F ToHalfAndBack(const F& x) {
    I bits = __builtin_bit_cast(I, x);
    I sign = bits & static_cast<int>(0x80000000u);
    I magnitude = bits & 0x7FFFFFFF;
    I odd = (magnitude >> 13) & 1;
    I normal = (magnitude + 0xFFF + odd) & ~0x1FFF;
    // Below 2^-14 halves are multiples of 2^-24, the last digit of numbers near 0.5.
    F shifted = (__builtin_bit_cast(F, magnitude) + 0.5f) - 0.5f;
    I small = __builtin_bit_cast(I, shifted);
    I rounded = magnitude < 0x38800000 ? small : normal;
    return __builtin_bit_cast(F, rounded | sign);
}

// Lane i gets lane i ^ kDistance.
template <int kDistance, class V>
V Swap(const V& x) {
    constexpr int d = kDistance;
    return __builtin_shufflevector(x, x, 0 ^ d, 1 ^ d, 2 ^ d, 3 ^ d, 4 ^ d, 5 ^ d, 6 ^ d, 7 ^ d,
                                   8 ^ d, 9 ^ d, 10 ^ d, 11 ^ d, 12 ^ d, 13 ^ d, 14 ^ d, 15 ^ d);
}

// Every lane gets the sum, or the greatest, of its group of kGroup neighbours.
template <int kGroup>
F GroupSum(F x) {
    if constexpr (kGroup > 1) x += Swap<1>(x);
    if constexpr (kGroup > 2) x += Swap<2>(x);
    if constexpr (kGroup > 4) x += Swap<4>(x);
    if constexpr (kGroup > 8) x += Swap<8>(x);
    return x;
}
template <int kGroup>
F GroupMax(F x) {
    if constexpr (kGroup > 1) x = Max(x, Swap<1>(x));
    if constexpr (kGroup > 2) x = Max(x, Swap<2>(x));
    if constexpr (kGroup > 4) x = Max(x, Swap<4>(x));
    if constexpr (kGroup > 8) x = Max(x, Swap<8>(x));
    return x;
}

// rows[i][j] <-> rows[j][i]: four rounds that interleave row i with row i + 8.
template <class V>
void Transpose(V (&rows)[kLanes]) {
    for (int round = 0; round < 4; ++round) {
        V next[kLanes];
        for (int i = 0; i < 8; ++i) {
            next[2 * i] = __builtin_shufflevector(rows[i], rows[i + 8], 0, 16, 1, 17, 2, 18, 3, 19,
                                                  4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 8], 8, 24, 9, 25, 10, 26,
                                                      11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
        for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
    }
}

// out[i] holds element i of every lane's run of kCount elements.
template <int kCount>
void Gather(const float* const (&runs)[kLanes], F* out) {
    for (int first = 0; first < kCount; first += kLanes) {
        F rows[kLanes];
        for (int lane = 0; lane < kLanes; ++lane)
            __builtin_memcpy(&rows[lane], runs[lane] + first, sizeof(F));
        Transpose(rows);
        for (int i = 0; i < kLanes; ++i) out[first + i] = rows[i];
    }
}

using U8 = uint8_t __attribute__((ext_vector_type(kLanes)));

// Whole numbers, plus `shift`, as bytes: negative ones as two's complement.
inline void StoreBytes(const I& numbers, int shift, uint8_t* out) {
    U8 bytes = __builtin_convertvector((numbers + shift) & 255, U8);
    __builtin_memcpy(out, &bytes, sizeof bytes);
}

// codes[lane][i] from whole numbers in lanes, plus `shift`.
template <int kCount>
void Scatter(const F* values, int shift, uint8_t (*codes)[kCount]) {
    for (int first = 0; first < kCount; first += kLanes) {
        I rows[kLanes];
        for (int i = 0; i < kLanes; ++i) rows[i] = __builtin_convertvector(values[first + i], I);
        Transpose(rows);
        for (int lane = 0; lane < kLanes; ++lane)
            StoreBytes(rows[lane], shift, codes[lane] + first);
    }
}

}  // namespace
}  // namespace lathe::quant
