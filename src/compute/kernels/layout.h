// The packed layout to the byte, shared by the code that writes panels and the
// kernels that read them. constexpr only, so that every instruction set's translation
// unit may include it.
//
// Scales of a panel (16 rows), by kind:
//   kHalf           per block: f16 step[16]
//   kHalfOffset     per block: f16 step[16], offset[16]
//   kSuper16        per 8 blocks: f16 step[16]; then per block: i8 sub_step[2][16]
//   kSuperOffset32  per 8 blocks: f16 step[16], offset[16];
//                   then per block: u8 sub_step[16], sub_offset[16]
//   kSuperOffset16  per 8 blocks: f16 step[16], offset[16];
//                   then per block: u8 (sub_step | sub_offset << 4)[2][16]
//
// Codes of a block: 8 groups of 4 columns; a group is 64 lanes, lane = 4 row + column.
// Bits are spread over planes of 64 bytes, byte = lane:
//   U8      8 planes: plane g is group g
//   U4      4 planes: plane j holds group j in its low nibble, group j + 4 in its high
//   U5, U6  the planes of U4, then the planes of the high bits:
//           one bit a group: one plane, bit g is group g
//           two bits a group: two planes, bits 2t, 2t + 1 of plane j are group 4 j + t
//   U2      the two-bit planes; U3 these and the one-bit plane
#pragma once

#include <cstddef>

#include "compute/kernels/packed_matrix.h"

namespace lathe::kernels {

constexpr size_t kSuperBlocks = 8;  // blocks that share a super-scale
constexpr size_t kSuperBytes = 32 + kSuperBlocks * 32;
constexpr size_t kSuperOffsetBytes = 64 + kSuperBlocks * 32;
constexpr size_t kPlaneBytes = 64;
constexpr size_t kGroups = 8;  // groups of 4 columns in a block

constexpr size_t CodeBits(PackedMatrix::Codes codes) {
    switch (codes) {
        case PackedMatrix::Codes::kU2:
            return 2;
        case PackedMatrix::Codes::kU3:
            return 3;
        case PackedMatrix::Codes::kU4:
            return 4;
        case PackedMatrix::Codes::kU5:
            return 5;
        case PackedMatrix::Codes::kU6:
            return 6;
        case PackedMatrix::Codes::kU8:
            return 8;
        case PackedMatrix::Codes::kF16:
        case PackedMatrix::Codes::kBF16:
            return 16;
        case PackedMatrix::Codes::kF32:
            return 32;
    }
    return 0;
}

constexpr bool HasOffset(PackedMatrix::Scales scales) {
    return scales == PackedMatrix::Scales::kHalfOffset ||
           scales == PackedMatrix::Scales::kSuperOffset32 ||
           scales == PackedMatrix::Scales::kSuperOffset16;
}

// Steps of a row in a block: one for its 32 columns, or one for each 16.
constexpr size_t StepsPerBlock(PackedMatrix::Scales scales) {
    return scales == PackedMatrix::Scales::kSuper16 ||
                   scales == PackedMatrix::Scales::kSuperOffset16
               ? 2
               : 1;
}

}  // namespace lathe::kernels
