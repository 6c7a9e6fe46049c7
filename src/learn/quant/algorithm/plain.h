// The encoders whose bytes are fixed by the format's reference, to the bit: plain types,
// and the blocks of 32 without importance.
#pragma once

#include "learn/quant/algorithm/pack.h"

namespace lathe::quant {
namespace {

inline float Magnitude(const float* values, size_t count) {
    // Bits of magnitudes compare as the magnitudes do, NaN above all.
    uint32_t most = 0;
    for (size_t i = 0; i < count; ++i) {
        uint32_t bits;
        std::memcpy(&bits, values + i, sizeof bits);
        bits &= 0x7FFFFFFFu;
        most = bits > most ? bits : most;
    }
    float magnitude;
    std::memcpy(&magnitude, &most, sizeof magnitude);
    return magnitude;
}

inline void EncodeF16(const float* values, size_t count, uint8_t* out) {
    for (size_t i = 0; i < count; ++i) PutHalf(values[i], out + 2 * i);
}

inline void EncodeBF16(const float* values, size_t count, uint8_t* out) {
    for (size_t i = 0; i < count; ++i) {
        uint16_t bits = tensor::F32ToBF16(values[i]);
        std::memcpy(out + 2 * i, &bits, sizeof bits);
    }
}

// The element of the greatest magnitude, the first of equals.
inline float SignedPeak(const float* x) {
    float most = 0, peak = 0;
    for (int j = 0; j < 32; ++j) {
        float magnitude = x[j] < 0 ? -x[j] : x[j];
        if (magnitude > most) {
            most = magnitude;
            peak = x[j];
        }
    }
    return peak;
}

inline void EncodeQ8_0(const float* x, uint8_t* out) {
    float most = Magnitude(x, 32);
    float step = most / 127;
    float inverse = step == 0 ? 0 : 1 / step;
    PutHalf(step, out);
    for (int j = 0; j < 32; ++j) {  // to the nearest, halves away from zero
        float scaled = x[j] * inverse;
        float magnitude = scaled < 0 ? -scaled : scaled;
        int whole = static_cast<int>(magnitude);
        if (magnitude - static_cast<float>(whole) >= 0.5f) ++whole;
        out[2 + j] = static_cast<uint8_t>(scaled < 0 ? -whole : whole);
    }
}

// Codes 0 .. 2 * code_zero - 1 of step * (code - code_zero). The reference rounds the
// product and the sum once: both are exact in double.
inline float SymmetricCodes(const float* x, int code_zero, uint8_t* codes) {
    float step = SignedPeak(x) / static_cast<float>(-code_zero);
    double inverse = step == 0 ? 0 : 1 / step;
    for (int j = 0; j < 32; ++j) {
        auto raised = static_cast<float>(static_cast<double>(x[j]) * inverse + code_zero + 0.5);
        int code = static_cast<int>(raised);
        int most = 2 * code_zero - 1;
        codes[j] = static_cast<uint8_t>(code > most ? most : code);
    }
    return step;
}

struct StepAndLeast {
    float step;
    float least;
};

// Codes 0 .. code_max of step * code + least.
inline StepAndLeast AffineCodes(const float* x, int code_max, uint8_t* codes) {
    float low = x[0], high = x[0];
    for (int j = 1; j < 32; ++j) {
        low = x[j] < low ? x[j] : low;
        high = x[j] > high ? x[j] : high;
    }
    float step = (high - low) / static_cast<float>(code_max);
    float inverse = step == 0 ? 0 : 1 / step;
    for (int j = 0; j < 32; ++j) {
        int code = static_cast<int>((x[j] - low) * inverse + 0.5f);
        codes[j] = static_cast<uint8_t>(code > code_max ? code_max : code);
    }
    return {step, low};
}

inline void EncodeQ4_0(const float* x, uint8_t* out) {
    uint8_t codes[32];
    PutHalf(SymmetricCodes(x, 8, codes), out);
    PutNibbles(codes, out + 2);
}

inline void EncodeQ5_0(const float* x, uint8_t* out) {
    uint8_t codes[32];
    PutHalf(SymmetricCodes(x, 16, codes), out);
    PutFifthBits(codes, out + 2);
    PutNibbles(codes, out + 6);
}

inline void EncodeQ4_1(const float* x, uint8_t* out) {
    uint8_t codes[32];
    StepAndLeast scale = AffineCodes(x, 15, codes);
    PutHalf(scale.step, out);
    PutHalf(scale.least, out + 2);
    PutNibbles(codes, out + 4);
}

inline void EncodeQ5_1(const float* x, uint8_t* out) {
    uint8_t codes[32];
    StepAndLeast scale = AffineCodes(x, 31, codes);
    PutHalf(scale.step, out);
    PutHalf(scale.least, out + 2);
    PutFifthBits(codes, out + 4);
    PutNibbles(codes, out + 8);
}

}  // namespace
}  // namespace lathe::quant
