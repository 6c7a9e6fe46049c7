// AVX2, FMA and F16C. Names as in simd/generic.h. Only for the translation units
// compiled for it.
#pragma once

#include <immintrin.h>

#include "compute/kernels/simd/generic.h"

namespace lathe::kernels {

struct Avx2 {
    static constexpr std::string_view kName = "avx2";

    static constexpr int kGemmI8Rows = 6;
    static constexpr int kGemmF32Rows = 6, kGemmF32Panels = 1, kGemmF32ThinPanels = 4;
    static constexpr int kScoreRows = 6, kScoreVectors = 2;
    static constexpr int kValueRows = 3, kValueVectors = 4;

    static constexpr size_t kLanes = 8;
    using F = __m256;
    using I = __m256i;
    using B = __m256i;

    LATHE_INLINE I First(size_t n) {  // all bits of the first n lanes
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                                  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }

    LATHE_INLINE F Zero() { return _mm256_setzero_ps(); }
    LATHE_INLINE F Set(float x) { return _mm256_set1_ps(x); }
    LATHE_INLINE F Load(const float* p) { return _mm256_loadu_ps(p); }
    LATHE_INLINE void Store(float* p, F v) { _mm256_storeu_ps(p, v); }
    LATHE_INLINE F LoadPartial(const float* p, size_t n) { return _mm256_maskload_ps(p, First(n)); }
    LATHE_INLINE void StorePartial(float* p, F v, size_t n) { _mm256_maskstore_ps(p, First(n), v); }

    LATHE_INLINE F Add(F a, F b) { return _mm256_add_ps(a, b); }
    LATHE_INLINE F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
    LATHE_INLINE F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
    LATHE_INLINE F Div(F a, F b) { return _mm256_div_ps(a, b); }
    LATHE_INLINE F Max(F a, F b) { return _mm256_max_ps(a, b); }
    LATHE_INLINE F Min(F a, F b) { return _mm256_min_ps(a, b); }
    LATHE_INLINE F MulAdd(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
    LATHE_INLINE float ReduceAdd(F v) {
        __m128 sum = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
        return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
    }
    LATHE_INLINE float ReduceMax(F v) {
        __m128 max = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
        max = _mm_max_ps(max, _mm_movehl_ps(max, max));
        return _mm_cvtss_f32(_mm_max_ss(max, _mm_movehdup_ps(max)));
    }
    LATHE_INLINE F Round(F x) {
        return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    LATHE_INLINE F ZeroWhereLess(F value, F x, F limit) {
        return _mm256_and_ps(_mm256_cmp_ps(x, limit, _CMP_NLT_UQ), value);
    }
    LATHE_INLINE F ScaleByPower(F x, F n) {
        I whole = _mm256_cvtps_epi32(n);
        I half = _mm256_srai_epi32(whole, 1);
        auto power = [](I exponent) __attribute__((always_inline)) {
            return _mm256_castsi256_ps(
                _mm256_slli_epi32(_mm256_add_epi32(exponent, _mm256_set1_epi32(127)), 23));
        };
        return _mm256_mul_ps(_mm256_mul_ps(x, power(half)), power(_mm256_sub_epi32(whole, half)));
    }

    template <int kStep>
    LATHE_INLINE F Butterfly(F x) {
        if constexpr (kStep == 4)
            return _mm256_add_ps(
                _mm256_permute2f128_ps(x, x, 1),
                _mm256_xor_ps(x, _mm256_setr_ps(0, 0, 0, 0, -0.0f, -0.0f, -0.0f, -0.0f)));
        else if constexpr (kStep == 2)
            return _mm256_add_ps(
                _mm256_permute_ps(x, 0x4E),
                _mm256_xor_ps(x, _mm256_setr_ps(0, 0, -0.0f, -0.0f, 0, 0, -0.0f, -0.0f)));
        else
            return _mm256_add_ps(
                _mm256_permute_ps(x, 0xB1),
                _mm256_xor_ps(x, _mm256_setr_ps(0, -0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f)));
    }

    LATHE_INLINE F LoadHalf(const uint16_t* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    LATHE_INLINE F LoadHalfPartial(const uint16_t* p, size_t n) {
        uint16_t copy[kLanes] = {};
        for (size_t i = 0; i < kLanes; ++i)
            if (i < n) copy[i] = p[i];
        return LoadHalf(copy);
    }
    LATHE_INLINE void StoreHalfPartial(uint16_t* p, F v, size_t n) {
        __m128i halves = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
        if (n == kLanes) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(p), halves);
            return;
        }
        uint16_t copy[kLanes];
        _mm_storeu_si128(reinterpret_cast<__m128i*>(copy), halves);
        for (size_t i = 0; i < n; ++i) p[i] = copy[i];
    }
    LATHE_INLINE F LoadBf16(const uint16_t* p) {
        __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }

    LATHE_INLINE __m128i LoadBytes(const uint8_t* p) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    }
    LATHE_INLINE F LoadU8(const uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(LoadBytes(p)));
    }
    LATHE_INLINE F LoadI8(const uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(LoadBytes(p)));
    }
    LATHE_INLINE F LoadLowNibbles(const uint8_t* p) {
        return _mm256_cvtepi32_ps(
            _mm256_and_si256(_mm256_cvtepu8_epi32(LoadBytes(p)), _mm256_set1_epi32(15)));
    }
    LATHE_INLINE F LoadHighNibbles(const uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_srli_epi32(_mm256_cvtepu8_epi32(LoadBytes(p)), 4));
    }

    LATHE_INLINE I ZeroI() { return _mm256_setzero_si256(); }
    LATHE_INLINE F ToFloat(I v) { return _mm256_cvtepi32_ps(v); }
    LATHE_INLINE I RoundToInt(F v) { return _mm256_cvtps_epi32(Round(v)); }
    LATHE_INLINE I AbsBits(F v) {
        return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7FFFFFFF));
    }
    LATHE_INLINE I MaxI(I a, I b) { return _mm256_max_epi32(a, b); }
    LATHE_INLINE I AddI(I a, I b) { return _mm256_add_epi32(a, b); }
    LATHE_INLINE int32_t ReduceMaxI(I v) {
        __m128i max = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        max = _mm_max_epi32(max, _mm_shuffle_epi32(max, 0x4E));
        return _mm_cvtsi128_si32(_mm_max_epi32(max, _mm_shuffle_epi32(max, 0xB1)));
    }
    LATHE_INLINE int32_t ReduceAddI(I v) {
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
        return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1)));
    }
    LATHE_INLINE void StoreI8(int8_t* p, I v) {
        __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
    }

    struct DoubleSum {
        __m256d low = _mm256_setzero_pd();
        __m256d high = _mm256_setzero_pd();
    };
    LATHE_INLINE void AddTo(DoubleSum& sum, F v) {
        sum.low = _mm256_add_pd(sum.low, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
        sum.high = _mm256_add_pd(sum.high, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
    }
    LATHE_INLINE double Total(const DoubleSum& sum) {
        double lanes[4];
        _mm256_storeu_pd(lanes, _mm256_add_pd(sum.low, sum.high));
        return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    }

    LATHE_INLINE B LoadB(const uint8_t* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    LATHE_INLINE void StoreB(uint8_t* p, B v) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
    }
    template <int kShift, int kMask>
    LATHE_INLINE B Field(B v) {
        B shifted = v;
        if constexpr (kShift > 0) shifted = _mm256_srli_epi16(v, kShift);
        if constexpr (kShift < 0) shifted = _mm256_slli_epi16(v, -kShift);
        return _mm256_and_si256(shifted, _mm256_set1_epi8(kMask));
    }
    LATHE_INLINE B Or(B a, B b) { return _mm256_or_si256(a, b); }
    template <int kByte>
    LATHE_INLINE F ByteToFloat(B v) {
        if constexpr (kByte == 3) return _mm256_cvtepi32_ps(_mm256_srli_epi32(v, 24));
        return _mm256_cvtepi32_ps(
            _mm256_and_si256(_mm256_srli_epi32(v, 8 * kByte), _mm256_set1_epi32(255)));
    }

    // vpmaddubsw adds two products of a code and an activation in 16 bits, saturating:
    // codes of up to 7 bits are safe (2 * 127 * 127). Codes of 4 bits leave room for a
    // block's eight groups (8 * 2 * 15 * 127 = 30480), so they are widened once.
    template <int kBits>
    struct Dot {
        static constexpr bool kWidenOnce = kBits <= 4;
        I sum;
        LATHE_INLINE I Widen(I pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }
        LATHE_INLINE Dot Start(int32_t) { return {_mm256_setzero_si256()}; }
        LATHE_INLINE void Step(Dot& dot, B w, const int8_t* x) {
            int32_t four;
            std::memcpy(&four, x, sizeof four);
            I activations = _mm256_set1_epi32(four);
            if constexpr (kBits == 8) {
                // Codes are q + 128: |q| is at most 128, and 2 * 128 * 127 fits; the
                // sign of q goes to the activation.
                I q = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
                I pairs =
                    _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(activations, q));
                dot.sum = _mm256_add_epi32(dot.sum, Widen(pairs));
            } else if constexpr (kWidenOnce) {
                dot.sum = _mm256_add_epi16(dot.sum, _mm256_maddubs_epi16(w, activations));
            } else {
                dot.sum = _mm256_add_epi32(dot.sum, Widen(_mm256_maddubs_epi16(w, activations)));
            }
        }
        LATHE_INLINE I Finish(const Dot& dot, int32_t correction) {
            if constexpr (kBits == 8) return dot.sum;  // already with q
            I total = kWidenOnce ? Widen(dot.sum) : dot.sum;
            return _mm256_add_epi32(total, _mm256_set1_epi32(correction));
        }
    };
};

}  // namespace lathe::kernels
