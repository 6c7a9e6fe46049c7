// AVX-512 F, BW, DQ, VL and VNNI. Names as in simd/generic.h. Only for the translation
// unit compiled for it.
#pragma once

#include <immintrin.h>

#include "compute/kernels/simd/generic.h"

namespace lathe::kernels {

struct Avx512 {
    static constexpr std::string_view kName = "avx512";

    static constexpr int kGemmI8Rows = 12;
    static constexpr int kGemmF32Rows = 12, kGemmF32Panels = 2, kGemmF32ThinPanels = 4;
    static constexpr int kScoreRows = 12, kScoreVectors = 2;
    static constexpr int kValueRows = 6, kValueVectors = 4;

    static constexpr size_t kLanes = 16;
    using F = __m512;
    using I = __m512i;
    using B = __m512i;

    LATHE_INLINE __mmask16 First(size_t n) { return static_cast<__mmask16>((1u << n) - 1); }

    LATHE_INLINE F Zero() { return _mm512_setzero_ps(); }
    LATHE_INLINE F Set(float x) { return _mm512_set1_ps(x); }
    LATHE_INLINE F Load(const float* p) { return _mm512_loadu_ps(p); }
    LATHE_INLINE void Store(float* p, F v) { _mm512_storeu_ps(p, v); }
    LATHE_INLINE F LoadPartial(const float* p, size_t n) {
        return _mm512_maskz_loadu_ps(First(n), p);
    }
    LATHE_INLINE void StorePartial(float* p, F v, size_t n) {
        _mm512_mask_storeu_ps(p, First(n), v);
    }

    LATHE_INLINE F Add(F a, F b) { return _mm512_add_ps(a, b); }
    LATHE_INLINE F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
    LATHE_INLINE F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
    LATHE_INLINE F Div(F a, F b) { return _mm512_div_ps(a, b); }
    LATHE_INLINE F Max(F a, F b) { return _mm512_max_ps(a, b); }
    LATHE_INLINE F Min(F a, F b) { return _mm512_min_ps(a, b); }
    LATHE_INLINE F MulAdd(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    LATHE_INLINE float ReduceAdd(F v) { return _mm512_reduce_add_ps(v); }
    LATHE_INLINE float ReduceMax(F v) { return _mm512_reduce_max_ps(v); }
    LATHE_INLINE F Round(F x) {
        return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    LATHE_INLINE F ZeroWhereLess(F value, F x, F limit) {
        return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_NLT_UQ), value);
    }
    LATHE_INLINE F ScaleByPower(F x, F n) { return _mm512_scalef_ps(x, n); }

    template <int kStep>
    LATHE_INLINE F Butterfly(F x) {
        F swapped;
        __mmask16 upper;
        if constexpr (kStep == 8) {
            swapped = _mm512_shuffle_f32x4(x, x, 0x4E);
            upper = 0xFF00;
        } else if constexpr (kStep == 4) {
            swapped = _mm512_shuffle_f32x4(x, x, 0xB1);
            upper = 0xF0F0;
        } else if constexpr (kStep == 2) {
            swapped = _mm512_permute_ps(x, 0x4E);
            upper = 0xCCCC;
        } else {
            swapped = _mm512_permute_ps(x, 0xB1);
            upper = 0xAAAA;
        }
        return _mm512_mask_sub_ps(_mm512_add_ps(swapped, x), upper, swapped, x);
    }

    LATHE_INLINE F LoadHalf(const uint16_t* p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    LATHE_INLINE F LoadHalfPartial(const uint16_t* p, size_t n) {
        return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(First(n), p));
    }
    LATHE_INLINE void StoreHalfPartial(uint16_t* p, F v, size_t n) {
        _mm256_mask_storeu_epi16(p, First(n), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
    LATHE_INLINE F LoadBf16(const uint16_t* p) {
        __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
    }

    LATHE_INLINE __m128i LoadBytes(const uint8_t* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    LATHE_INLINE F LoadU8(const uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(LoadBytes(p)));
    }
    LATHE_INLINE F LoadI8(const uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(LoadBytes(p)));
    }
    LATHE_INLINE F LoadLowNibbles(const uint8_t* p) {
        return _mm512_cvtepi32_ps(
            _mm512_and_si512(_mm512_cvtepu8_epi32(LoadBytes(p)), _mm512_set1_epi32(15)));
    }
    LATHE_INLINE F LoadHighNibbles(const uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_cvtepu8_epi32(LoadBytes(p)), 4));
    }

    LATHE_INLINE I ZeroI() { return _mm512_setzero_si512(); }
    LATHE_INLINE F ToFloat(I v) { return _mm512_cvtepi32_ps(v); }
    LATHE_INLINE I RoundToInt(F v) {
        return _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    LATHE_INLINE I AbsBits(F v) {
        return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7FFFFFFF));
    }
    LATHE_INLINE I MaxI(I a, I b) { return _mm512_max_epi32(a, b); }
    LATHE_INLINE I AddI(I a, I b) { return _mm512_add_epi32(a, b); }
    LATHE_INLINE int32_t ReduceMaxI(I v) { return _mm512_reduce_max_epi32(v); }
    LATHE_INLINE int32_t ReduceAddI(I v) { return _mm512_reduce_add_epi32(v); }
    LATHE_INLINE void StoreI8(int8_t* p, I v) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
    }

    struct DoubleSum {
        __m512d low = _mm512_setzero_pd();
        __m512d high = _mm512_setzero_pd();
    };
    LATHE_INLINE void AddTo(DoubleSum& sum, F v) {
        sum.low = _mm512_add_pd(sum.low, _mm512_cvtps_pd(_mm512_castps512_ps256(v)));
        sum.high = _mm512_add_pd(sum.high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)));
    }
    LATHE_INLINE double Total(const DoubleSum& sum) {
        return _mm512_reduce_add_pd(_mm512_add_pd(sum.low, sum.high));
    }

    LATHE_INLINE B LoadB(const uint8_t* p) { return _mm512_loadu_si512(p); }
    LATHE_INLINE void StoreB(uint8_t* p, B v) { _mm512_storeu_si512(p, v); }
    template <int kShift, int kMask>
    LATHE_INLINE B Field(B v) {
        B shifted = v;
        if constexpr (kShift > 0) shifted = _mm512_srli_epi16(v, kShift);
        if constexpr (kShift < 0) shifted = _mm512_slli_epi16(v, -kShift);
        return _mm512_and_si512(shifted, _mm512_set1_epi8(kMask));
    }
    LATHE_INLINE B Or(B a, B b) { return _mm512_or_si512(a, b); }
    template <int kByte>
    LATHE_INLINE F ByteToFloat(B v) {
        if constexpr (kByte == 3) return _mm512_cvtepi32_ps(_mm512_srli_epi32(v, 24));
        return _mm512_cvtepi32_ps(
            _mm512_and_si512(_mm512_srli_epi32(v, 8 * kByte), _mm512_set1_epi32(255)));
    }

    template <int kBits>
    struct Dot {
        I sum;
        LATHE_INLINE Dot Start(int32_t correction) { return {_mm512_set1_epi32(correction)}; }
        LATHE_INLINE void Step(Dot& dot, B w, const int8_t* x) {
            int32_t four;
            std::memcpy(&four, x, sizeof four);
            dot.sum = _mm512_dpbusd_epi32(dot.sum, w, _mm512_set1_epi32(four));
        }
        LATHE_INLINE I Finish(const Dot& dot, int32_t) { return dot.sum; }
    };
};

}  // namespace lathe::kernels
