// How each weight type of a file becomes the canonical form of PackedMatrix: unsigned
// codes, a step and a zero or an offset. Used while packing only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/kernels/packed_matrix.h"
#include "compute/tensor/dtype.h"

namespace lathe::kernels {

PackedMatrix::Format FormatOf(tensor::DType type);

// Bytes of the scales of one panel and its codes; multiples of 64.
struct PanelBytes {
    size_t scales = 0;
    size_t codes = 0;
};
PanelBytes PanelBytesOf(const PackedMatrix::Format& format, size_t cols);

constexpr size_t kFileBlockColsMax = 256;

// One block of a file (32 or 256 columns) of one row. Halves are kept as bits.
struct FileBlock {
    uint8_t codes[kFileBlockColsMax];
    uint16_t step;
    uint16_t offset;
    uint8_t sub_steps[16];    // per 16 columns (Q2_K, Q3_K, Q6_K) or 32; signed in Q3_K, Q6_K
    uint8_t sub_offsets[16];  // per 16 columns (Q2_K) or 32
};

// Requires: a quantized type.
void ReadFileBlock(tensor::DType type, const std::byte* data, FileBlock& block);

}  // namespace lathe::kernels
