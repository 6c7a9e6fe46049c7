// Codes and scales to the bytes of a block, as compute/tensor/dequantize.cc reads them.
#pragma once

#include <cstring>

#include "learn/quant/algorithm/lanes.h"

namespace lathe::quant {
namespace {

inline void PutHalf(float value, uint8_t* out) {
    uint16_t bits = tensor::F32ToF16(value);
    out[0] = static_cast<uint8_t>(bits & 255);
    out[1] = static_cast<uint8_t>(bits >> 8);
}

// 32 codes of four bits (of more, the low four): byte j holds columns j and j + 16.
inline void PutNibbles(const uint8_t* codes, uint8_t* out) {
    for (int j = 0; j < 16; ++j)
        out[j] = static_cast<uint8_t>((codes[j] & 15) | codes[j + 16] << 4);
}

inline void PutFifthBits(const uint8_t* codes, uint8_t* out) {
    uint32_t bits = 0;
    for (uint32_t j = 0; j < 32; ++j) bits |= static_cast<uint32_t>(codes[j] >> 4 & 1) << j;
    std::memcpy(out, &bits, sizeof bits);
}

// 256 codes of two bits (of more, the low two).
inline void PutPairs(const uint8_t* codes, uint8_t* out) {
    for (int half = 0; half < 2; ++half)
        for (int l = 0; l < 32; ++l) {
            const uint8_t* at = codes + half * 128 + l;
            out[half * 32 + l] = static_cast<uint8_t>((at[0] & 3) | (at[32] & 3) << 2 |
                                                      (at[64] & 3) << 4 | (at[96] & 3) << 6);
        }
}

// 256 codes of four bits (of more, the low four).
inline void PutQuarters(const uint8_t* codes, uint8_t* out) {
    for (int k = 0; k < 4; ++k)
        for (int l = 0; l < 32; ++l)
            out[32 * k + l] =
                static_cast<uint8_t>((codes[64 * k + l] & 15) | codes[64 * k + 32 + l] << 4);
}

// Bit kBit of code 32 k + l becomes bit k of byte l.
template <int kBit>
void PutBits(const uint8_t* codes, uint8_t* out) {
    for (int l = 0; l < 32; ++l) {
        int byte = 0;
        for (int k = 0; k < 8; ++k) byte |= (codes[32 * k + l] >> kBit & 1) << k;
        out[l] = static_cast<uint8_t>(byte);
    }
}

// Eight pairs of six-bit numbers in twelve bytes (Q4_K, Q5_K).
inline void PutSixBitPairs(const uint8_t* steps, const uint8_t* leasts, uint8_t* out) {
    for (int k = 0; k < 4; ++k) {
        out[k] = static_cast<uint8_t>(steps[k] | steps[k + 4] >> 4 << 6);
        out[k + 4] = static_cast<uint8_t>(leasts[k] | leasts[k + 4] >> 4 << 6);
        out[k + 8] = static_cast<uint8_t>((steps[k + 4] & 15) | (leasts[k + 4] & 15) << 4);
    }
}

// Sixteen six-bit numbers in twelve bytes (Q3_K).
inline void PutSixBits(const uint8_t* numbers, uint8_t* out) {
    std::memset(out, 0, 12);
    for (int k = 0; k < 16; ++k) {
        int low = numbers[k] & 15;
        out[k % 8] = static_cast<uint8_t>(out[k % 8] | (k < 8 ? low : low << 4));
        out[8 + k % 4] = static_cast<uint8_t>(out[8 + k % 4] | numbers[k] >> 4 << (k / 4 * 2));
    }
}

inline void PutQ6Codes(const uint8_t* codes, uint8_t* out) {
    for (int half = 0; half < 2; ++half)
        for (int l = 0; l < 32; ++l) {
            const uint8_t* at = codes + half * 128 + l;
            uint8_t* low = out + half * 64 + l;
            low[0] = static_cast<uint8_t>((at[0] & 15) | (at[64] & 15) << 4);
            low[32] = static_cast<uint8_t>((at[32] & 15) | (at[96] & 15) << 4);
            out[128 + half * 32 + l] = static_cast<uint8_t>(at[0] >> 4 | at[32] >> 4 << 2 |
                                                            at[64] >> 4 << 4 | at[96] >> 4 << 6);
        }
}

}  // namespace
}  // namespace lathe::quant
