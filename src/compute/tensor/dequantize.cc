// One function per block layout. Every product and sum is rounded separately and in
// the order of the format's reference, so that values agree to the bit.
#include <cstring>

#include "compute/tensor/dtype.h"
#include "core/base/check.h"

namespace lathe::tensor {
namespace {

using Bytes = const uint8_t*;

float HalfAt(Bytes at) {
    return F16ToF32(static_cast<uint16_t>(at[0] | (at[1] << 8)));
}

uint32_t WordAt(Bytes at) {
    uint32_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// Blocks of 32: element j and element j + 16 share byte j.

void ExpandQ4_0(Bytes block, float* out) {  // d:f16, codes[16]
    float d = HalfAt(block);
    for (int j = 0; j < 16; ++j) {
        int code = block[2 + j];
        out[j] = static_cast<float>((code & 15) - 8) * d;
        out[j + 16] = static_cast<float>((code >> 4) - 8) * d;
    }
}

void ExpandQ4_1(Bytes block, float* out) {  // d, m:f16, codes[16]
    float d = HalfAt(block);
    float m = HalfAt(block + 2);
    for (int j = 0; j < 16; ++j) {
        int code = block[4 + j];
        out[j] = static_cast<float>(code & 15) * d + m;
        out[j + 16] = static_cast<float>(code >> 4) * d + m;
    }
}

void ExpandQ5_0(Bytes block, float* out) {  // d:f16, fifth bits[4], codes[16]
    float d = HalfAt(block);
    uint32_t high = WordAt(block + 2);
    for (int j = 0; j < 16; ++j) {
        int code = block[6 + j];
        int low_half = (code & 15) | static_cast<int>((high >> j & 1) << 4);
        int high_half = (code >> 4) | static_cast<int>((high >> (j + 16) & 1) << 4);
        out[j] = static_cast<float>(low_half - 16) * d;
        out[j + 16] = static_cast<float>(high_half - 16) * d;
    }
}

void ExpandQ5_1(Bytes block, float* out) {  // d, m:f16, fifth bits[4], codes[16]
    float d = HalfAt(block);
    float m = HalfAt(block + 2);
    uint32_t high = WordAt(block + 4);
    for (int j = 0; j < 16; ++j) {
        int code = block[8 + j];
        int low_half = (code & 15) | static_cast<int>((high >> j & 1) << 4);
        int high_half = (code >> 4) | static_cast<int>((high >> (j + 16) & 1) << 4);
        out[j] = static_cast<float>(low_half) * d + m;
        out[j + 16] = static_cast<float>(high_half) * d + m;
    }
}

void ExpandQ8_0(Bytes block, float* out) {  // d:f16, codes:i8[32]
    float d = HalfAt(block);
    for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(static_cast<int8_t>(block[2 + j])) * d;
}

void ExpandIQ4_NL(Bytes block, float* out) {  // d:f16, codes[16]
    float d = HalfAt(block);
    for (int j = 0; j < 16; ++j) {
        int code = block[2 + j];
        out[j] = d * static_cast<float>(kIq4NlValues[code & 15]);
        out[j + 16] = d * static_cast<float>(kIq4NlValues[code >> 4]);
    }
}

// Blocks of 256, in two halves of 128. In Q2_K and Q3_K a half has 32 bytes of codes;
// bits 2k, 2k + 1 of byte l are element 32k + l, and every 16 elements have a scale.

void ExpandQ2_K(Bytes block, float* out) {  // scale | minimum << 4 [16], codes[64], d, dmin:f16
    Bytes scales = block;
    Bytes codes = block + 16;
    float d = HalfAt(block + 80);
    float dmin = HalfAt(block + 82);
    for (int i = 0; i < 256; ++i) {
        uint8_t scale = scales[i / 16];
        int code = codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        float step = d * static_cast<float>(scale & 15);
        float minimum = dmin * static_cast<float>(scale >> 4);
        out[i] = step * static_cast<float>(code) - minimum;
    }
}

void ExpandQ3_K(Bytes block, float* out) {  // third bits[32], codes[64], scales[12], d:f16
    Bytes high = block;
    Bytes codes = block + 32;
    Bytes packed = block + 96;
    float d = HalfAt(block + 108);
    float steps[16];
    for (int k = 0; k < 16; ++k) {  // six bits: four from a nibble, two from the last bytes
        int low = k < 8 ? packed[k] & 15 : packed[k - 8] >> 4;
        int top = packed[8 + k % 4] >> (k / 4 * 2) & 3;
        steps[k] = d * static_cast<float>((low | top << 4) - 32);
    }
    for (int i = 0; i < 256; ++i) {
        int code = codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
        int third = high[i % 32] >> (i / 32) & 1;  // set: the code is not lowered by 4
        out[i] = steps[i / 16] * static_cast<float>(code - (third ? 0 : 4));
    }
}

struct StepAndMinimum {
    float step;
    float minimum;
};

// Q4_K and Q5_K: eight pairs of six-bit numbers in twelve bytes. The first four pairs
// are the low bits of bytes 0-7; the others' nibbles are bytes 8-11 and their top bits
// the top bits of bytes 0-7.
StepAndMinimum SubBlock(Bytes packed, int k, float d, float dmin) {
    int scale, minimum;
    if (k < 4) {
        scale = packed[k] & 63;
        minimum = packed[k + 4] & 63;
    } else {
        scale = (packed[k + 4] & 15) | (packed[k - 4] >> 6 << 4);
        minimum = (packed[k + 4] >> 4) | (packed[k] >> 6 << 4);
    }
    return {d * static_cast<float>(scale), dmin * static_cast<float>(minimum)};
}

void ExpandQ4_K(Bytes block, float* out) {  // d, dmin:f16, scales[12], codes[128]
    float d = HalfAt(block);
    float dmin = HalfAt(block + 2);
    for (int k = 0; k < 8; ++k) {
        StepAndMinimum sub = SubBlock(block + 4, k, d, dmin);
        Bytes codes = block + 16 + k / 2 * 32;
        int shift = k % 2 * 4;
        for (int l = 0; l < 32; ++l) {
            int code = codes[l] >> shift & 15;
            out[32 * k + l] = sub.step * static_cast<float>(code) - sub.minimum;
        }
    }
}

void ExpandQ5_K(Bytes block, float* out) {  // d, dmin:f16, scales[12], fifth bits[32], codes[128]
    float d = HalfAt(block);
    float dmin = HalfAt(block + 2);
    Bytes high = block + 16;
    for (int k = 0; k < 8; ++k) {
        StepAndMinimum sub = SubBlock(block + 4, k, d, dmin);
        Bytes codes = block + 48 + k / 2 * 32;
        int shift = k % 2 * 4;
        for (int l = 0; l < 32; ++l) {
            int code = (codes[l] >> shift & 15) | (high[l] >> k & 1) << 4;
            out[32 * k + l] = sub.step * static_cast<float>(code) - sub.minimum;
        }
    }
}

void ExpandQ6_K(Bytes block, float* out) {  // low bits[128], top bits[64], scales:i8[16], d:f16
    float d = HalfAt(block + 208);
    for (int i = 0; i < 256; ++i) {
        int half = i / 128;
        int quarter = i % 128 / 32;  // quarters 0, 1 are low nibbles, 2, 3 high ones
        int low = block[half * 64 + quarter % 2 * 32 + i % 32] >> (quarter / 2 * 4) & 15;
        int top = block[128 + half * 32 + i % 32] >> (quarter * 2) & 3;
        float step = d * static_cast<float>(static_cast<int8_t>(block[192 + i / 16]));
        out[i] = step * static_cast<float>((low | top << 4) - 32);
    }
}

void ExpandF32(Bytes block, float* out) {
    std::memcpy(out, block, sizeof *out);
}

void ExpandF16(Bytes block, float* out) {
    *out = HalfAt(block);
}

void ExpandBF16(Bytes block, float* out) {
    *out = BF16ToF32(static_cast<uint16_t>(block[0] | (block[1] << 8)));
}

template <void (*Expand)(Bytes, float*), size_t kBlockSize, size_t kBlockBytes>
void ExpandAll(Bytes data, std::span<float> out) {
    for (size_t i = 0; i < out.size(); i += kBlockSize, data += kBlockBytes)
        Expand(data, out.data() + i);
}

}  // namespace

void Dequantize(DType type, const std::byte* data, std::span<float> out) {
    LATHE_CHECK(out.size() % Info(type).block_size == 0);
    Bytes bytes = reinterpret_cast<Bytes>(data);
    switch (type) {
        case DType::kF32:
            return ExpandAll<ExpandF32, 1, 4>(bytes, out);
        case DType::kF16:
            return ExpandAll<ExpandF16, 1, 2>(bytes, out);
        case DType::kBF16:
            return ExpandAll<ExpandBF16, 1, 2>(bytes, out);
        case DType::kQ4_0:
            return ExpandAll<ExpandQ4_0, 32, 18>(bytes, out);
        case DType::kQ4_1:
            return ExpandAll<ExpandQ4_1, 32, 20>(bytes, out);
        case DType::kQ5_0:
            return ExpandAll<ExpandQ5_0, 32, 22>(bytes, out);
        case DType::kQ5_1:
            return ExpandAll<ExpandQ5_1, 32, 24>(bytes, out);
        case DType::kQ8_0:
            return ExpandAll<ExpandQ8_0, 32, 34>(bytes, out);
        case DType::kQ2_K:
            return ExpandAll<ExpandQ2_K, 256, 84>(bytes, out);
        case DType::kQ3_K:
            return ExpandAll<ExpandQ3_K, 256, 110>(bytes, out);
        case DType::kQ4_K:
            return ExpandAll<ExpandQ4_K, 256, 144>(bytes, out);
        case DType::kQ5_K:
            return ExpandAll<ExpandQ5_K, 256, 176>(bytes, out);
        case DType::kQ6_K:
            return ExpandAll<ExpandQ6_K, 256, 210>(bytes, out);
        case DType::kIQ4_NL:
            return ExpandAll<ExpandIQ4_NL, 32, 18>(bytes, out);
    }
    LATHE_CHECK(false);  // Info() above knows every type
}

}  // namespace lathe::tensor
