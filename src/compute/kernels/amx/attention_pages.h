// Pages of keys and values as tiles. Included by amx.cc only.
#pragma once

#include "compute/kernels/amx/tiles.h"

namespace lathe::kernels {

// A page's keys become tiles of 16 tokens by 32 dimensions, as pairs of dimensions, its
// values tiles of 32 tokens by 16 dimensions, as pairs of tokens.
struct AmxPages {
    using S = Amx;
    using F = S::F;
    using Int8 = KvInt8<S>;
    static constexpr size_t kTile = 16;
    static constexpr size_t kDepth = 32;

    // Splits x into bf16 high + low, the high part cut off, not rounded.
    LATHE_INLINE __m512i High(__m512i bits) {
        return _mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xFFFF0000)));
    }
    LATHE_INLINE F Low(F x) { return S::Sub(x, _mm512_castsi512_ps(High(_mm512_castps_si512(x)))); }
    // Pairs [a0, b0, a1, ...] of the upper halves of the bits.
    LATHE_INLINE __m512i CutPairs(F a, F b) {
        return _mm512_or_si512(_mm512_srli_epi32(_mm512_castps_si512(a), 16),
                               High(_mm512_castps_si512(b)));
    }

    // Reads 16 elements of row `row` (a dimension of keys, a token of values) of a page.
    struct HalfPage {
        const uint16_t* elements;
        size_t stride;
        __attribute__((always_inline)) F Load(size_t row, size_t column) const {
            return S::LoadHalf(elements + row * stride + column);
        }
    };
    // Keys: rows are dimensions, columns are tokens, each with its scale.
    struct Int8Keys {
        const uint8_t* codes;
        const uint16_t* reference;
        F scales[2];
        explicit Int8Keys(const void* page, size_t head_dim)
            : codes(static_cast<const uint8_t*>(page)), reference(Int8::Reference(page, head_dim)) {
            const uint16_t* magnitudes = Int8::Magnitudes(page, head_dim);
            for (size_t i = 0; i < 2; ++i)
                scales[i] =
                    S::Mul(S::LoadHalf(magnitudes + i * 16), S::Set(Int8::kStepOfMagnitude));
        }
        __attribute__((always_inline)) F Load(size_t row, size_t column) const {
            F first = _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(reference[row])));
            return S::MulAdd(S::LoadI8(codes + row * kPageTokens + column), scales[column / 16],
                             first);
        }
    };
    // Values: rows are tokens.
    struct Int8Values {
        const uint8_t* codes;
        const uint16_t* magnitudes;
        size_t head_dim;
        explicit Int8Values(const void* page, size_t dims)
            : codes(static_cast<const uint8_t*>(page)),
              magnitudes(Int8::Magnitudes(page, dims)),
              head_dim(dims) {}
        __attribute__((always_inline)) F Load(size_t row, size_t column) const {
            F magnitude = _mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(magnitudes[row])));
            return S::Mul(S::LoadI8(codes + row * head_dim + column),
                          S::Mul(magnitude, S::Set(Int8::kStepOfMagnitude)));
        }
    };

    template <class Page>
    LATHE_INLINE void ConvertKeys(const Page& page, size_t head_dim, uint16_t* high,
                                  uint16_t* low) {
        for (size_t token = 0; token < kPageTokens; token += kTile)
            for (size_t d = 0; d < head_dim; d += 2, high += kDepth, low += kDepth) {
                F a = page.Load(d, token), b = page.Load(d + 1, token);
                _mm512_store_si512(high, CutPairs(a, b));
                _mm512_store_si512(low, CutPairs(Low(a), Low(b)));
            }
    }

    // Of the first `tokens` tokens; what lies behind them may be anything.
    template <class Page>
    LATHE_INLINE void ConvertValues(const Page& page, size_t head_dim, size_t tokens,
                                    uint16_t* out) {
        for (size_t d = 0; d < head_dim; d += kTile)
            for (size_t t = 0; t < kPageTokens; t += 2, out += kDepth) {
                F a = t < tokens ? page.Load(t, d) : S::Zero();
                F b = t + 1 < tokens ? page.Load(t + 1, d) : S::Zero();
                _mm512_store_si512(out, Bf16Pairs(a, b));
            }
    }
};

}  // namespace lathe::kernels
