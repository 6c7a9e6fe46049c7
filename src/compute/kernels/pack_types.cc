#include "compute/kernels/pack_types.h"

#include <cstring>

#include "compute/kernels/layout.h"
#include "core/base/check.h"

namespace lathe::kernels {
namespace {

using tensor::DType;
using Bytes = const uint8_t*;
using Codes = PackedMatrix::Codes;
using Scales = PackedMatrix::Scales;

uint16_t HalfBits(Bytes at) {
    return static_cast<uint16_t>(at[0] | (at[1] << 8));
}

uint16_t NegatedHalf(uint16_t bits) {
    return static_cast<uint16_t>(bits ^ 0x8000u);
}

uint32_t WordAt(Bytes at) {
    uint32_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// 32 codes: byte j holds those of columns j and j + 16.
void ReadNibbles(Bytes nibbles, uint8_t* codes) {
    for (int j = 0; j < 16; ++j) {
        codes[j] = nibbles[j] & 15;
        codes[j + 16] = nibbles[j] >> 4;
    }
}

// Adds the fifth bits: bit j of `bits` belongs to column j.
void AddFifthBits(uint32_t bits, uint8_t* codes) {
    for (uint32_t j = 0; j < 32; ++j)
        codes[j] = static_cast<uint8_t>(codes[j] | ((bits >> j & 1) << 4));
}

void ReadQ4_0(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    ReadNibbles(in + 2, out.codes);
}

void ReadQ4_1(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    out.offset = HalfBits(in + 2);
    ReadNibbles(in + 4, out.codes);
}

void ReadQ5_0(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    ReadNibbles(in + 6, out.codes);
    AddFifthBits(WordAt(in + 2), out.codes);
}

void ReadQ5_1(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    out.offset = HalfBits(in + 2);
    ReadNibbles(in + 8, out.codes);
    AddFifthBits(WordAt(in + 4), out.codes);
}

void ReadQ8_0(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    for (int j = 0; j < 32; ++j) out.codes[j] = in[2 + j] ^ 0x80;
}

// Kept as its values are in units of the step, not as indices of them: the kernels
// multiply linear codes only.
void ReadIQ4_NL(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    ReadNibbles(in + 2, out.codes);
    for (int j = 0; j < 32; ++j)
        out.codes[j] = static_cast<uint8_t>(tensor::kIq4NlValues[out.codes[j]] + 128);
}

// 256 codes of two bits: bits 2k, 2k + 1 of byte l of a half are column 32 k + l of it.
void ReadPairs(Bytes pairs, uint8_t* codes) {
    for (int half = 0; half < 2; ++half)
        for (int k = 0; k < 4; ++k)
            for (int l = 0; l < 32; ++l)
                codes[half * 128 + k * 32 + l] = pairs[half * 32 + l] >> (2 * k) & 3;
}

void ReadQ2_K(Bytes in, FileBlock& out) {
    for (int k = 0; k < 16; ++k) {
        out.sub_steps[k] = in[k] & 15;
        out.sub_offsets[k] = in[k] >> 4;
    }
    ReadPairs(in + 16, out.codes);
    out.step = HalfBits(in + 80);
    out.offset = NegatedHalf(HalfBits(in + 82));
}

void ReadQ3_K(Bytes in, FileBlock& out) {
    ReadPairs(in + 32, out.codes);
    for (int k = 0; k < 8; ++k)
        for (int l = 0; l < 32; ++l)
            out.codes[32 * k + l] =
                static_cast<uint8_t>(out.codes[32 * k + l] | ((in[l] >> k & 1) << 2));
    Bytes packed = in + 96;  // low nibbles in 8 bytes, top bits in 4
    for (int k = 0; k < 16; ++k) {
        int low = k < 8 ? packed[k] & 15 : packed[k - 8] >> 4;
        int top = packed[8 + k % 4] >> (k / 4 * 2) & 3;
        out.sub_steps[k] = static_cast<uint8_t>((low | top << 4) - 32);
    }
    out.step = HalfBits(in + 108);
}

// Eight pairs of six-bit numbers in twelve bytes: the first four pairs are the low
// bits of bytes 0-7, the others have their low bits in bytes 8-11 and their top bits
// above those of the first.
void ReadSixBitPairs(Bytes packed, FileBlock& out) {
    for (int k = 0; k < 4; ++k) {
        out.sub_steps[k] = packed[k] & 63;
        out.sub_offsets[k] = packed[k + 4] & 63;
        out.sub_steps[k + 4] = static_cast<uint8_t>((packed[k + 8] & 15) | (packed[k] >> 6 << 4));
        out.sub_offsets[k + 4] =
            static_cast<uint8_t>((packed[k + 8] >> 4) | (packed[k + 4] >> 6 << 4));
    }
}

// 256 codes of four bits: byte l of quarter k holds columns 64 k + l and 64 k + 32 + l.
void ReadQuarters(Bytes nibbles, uint8_t* codes) {
    for (int k = 0; k < 4; ++k)
        for (int l = 0; l < 32; ++l) {
            codes[64 * k + l] = nibbles[32 * k + l] & 15;
            codes[64 * k + 32 + l] = nibbles[32 * k + l] >> 4;
        }
}

void ReadQ4_K(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    out.offset = NegatedHalf(HalfBits(in + 2));
    ReadSixBitPairs(in + 4, out);
    ReadQuarters(in + 16, out.codes);
}

void ReadQ5_K(Bytes in, FileBlock& out) {
    out.step = HalfBits(in);
    out.offset = NegatedHalf(HalfBits(in + 2));
    ReadSixBitPairs(in + 4, out);
    ReadQuarters(in + 48, out.codes);
    Bytes fifth = in + 16;
    for (int k = 0; k < 8; ++k)
        for (int l = 0; l < 32; ++l)
            out.codes[32 * k + l] =
                static_cast<uint8_t>(out.codes[32 * k + l] | ((fifth[l] >> k & 1) << 4));
}

void ReadQ6_K(Bytes in, FileBlock& out) {
    for (int half = 0; half < 2; ++half) {
        Bytes low = in + half * 64;
        Bytes top = in + 128 + half * 32;
        uint8_t* codes = out.codes + half * 128;
        for (int l = 0; l < 32; ++l) {
            codes[l] = static_cast<uint8_t>((low[l] & 15) | (top[l] & 3) << 4);
            codes[l + 32] = static_cast<uint8_t>((low[l + 32] & 15) | (top[l] >> 2 & 3) << 4);
            codes[l + 64] = static_cast<uint8_t>((low[l] >> 4) | (top[l] >> 4 & 3) << 4);
            codes[l + 96] = static_cast<uint8_t>((low[l + 32] >> 4) | (top[l] >> 6) << 4);
        }
    }
    std::memcpy(out.sub_steps, in + 192, 16);
    out.step = HalfBits(in + 208);
}

size_t RoundUpTo64(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

}  // namespace

PackedMatrix::Format FormatOf(DType type) {
    switch (type) {
        case DType::kF32:
            return {Codes::kF32, Scales::kNone, 0};
        case DType::kF16:
            return {Codes::kF16, Scales::kNone, 0};
        case DType::kBF16:
            return {Codes::kBF16, Scales::kNone, 0};
        case DType::kQ4_0:
            return {Codes::kU4, Scales::kHalf, 8};
        case DType::kQ4_1:
            return {Codes::kU4, Scales::kHalfOffset, 0};
        case DType::kQ5_0:
            return {Codes::kU5, Scales::kHalf, 16};
        case DType::kQ5_1:
            return {Codes::kU5, Scales::kHalfOffset, 0};
        case DType::kQ8_0:
            return {Codes::kU8, Scales::kHalf, 128};
        case DType::kQ2_K:
            return {Codes::kU2, Scales::kSuperOffset16, 0};
        case DType::kQ3_K:
            return {Codes::kU3, Scales::kSuper16, 4};
        case DType::kQ4_K:
            return {Codes::kU4, Scales::kSuperOffset32, 0};
        case DType::kQ5_K:
            return {Codes::kU5, Scales::kSuperOffset32, 0};
        case DType::kQ6_K:
            return {Codes::kU6, Scales::kSuper16, 32};
        case DType::kIQ4_NL:
            return {Codes::kU8, Scales::kHalf, 128};
    }
    LATHE_CHECK(false);  // every type has a packed form
    return {};
}

PanelBytes PanelBytesOf(const PackedMatrix::Format& format, size_t cols) {
    size_t blocks = cols / PackedMatrix::kBlock;
    size_t supers = blocks / 8;
    size_t scales = 0;
    switch (format.scales) {
        case Scales::kNone:
            break;
        case Scales::kHalf:
            scales = blocks * 32;
            break;
        case Scales::kHalfOffset:
            scales = blocks * 64;
            break;
        case Scales::kSuper16:
            scales = supers * kSuperBytes;
            break;
        case Scales::kSuperOffset32:
        case Scales::kSuperOffset16:
            scales = supers * kSuperOffsetBytes;
            break;
    }
    return {RoundUpTo64(scales),
            RoundUpTo64(cols * PackedMatrix::kPanelRows * CodeBits(format.codes) / 8)};
}

void ReadFileBlock(DType type, const std::byte* data, FileBlock& block) {
    Bytes in = reinterpret_cast<Bytes>(data);
    switch (type) {
        case DType::kQ4_0:
            return ReadQ4_0(in, block);
        case DType::kQ4_1:
            return ReadQ4_1(in, block);
        case DType::kQ5_0:
            return ReadQ5_0(in, block);
        case DType::kQ5_1:
            return ReadQ5_1(in, block);
        case DType::kQ8_0:
            return ReadQ8_0(in, block);
        case DType::kQ2_K:
            return ReadQ2_K(in, block);
        case DType::kQ3_K:
            return ReadQ3_K(in, block);
        case DType::kQ4_K:
            return ReadQ4_K(in, block);
        case DType::kQ5_K:
            return ReadQ5_K(in, block);
        case DType::kQ6_K:
            return ReadQ6_K(in, block);
        case DType::kIQ4_NL:
            return ReadIQ4_NL(in, block);
        case DType::kF32:
        case DType::kF16:
        case DType::kBF16:
            break;
    }
    LATHE_CHECK(false);  // plain types have no blocks
}

}  // namespace lathe::kernels
