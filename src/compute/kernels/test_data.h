// Weights and activations for the kernels' tests.
#pragma once

#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "compute/kernels/packed_matrix.h"
#include "compute/kernels/table.h"
#include "compute/tensor/dtype.h"

namespace lathe::kernels {

using Random = std::mt19937;

inline std::vector<float> RandomFloats(size_t count, Random& random, float spread = 1) {
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

// Where a block of `type` keeps its halves.
inline std::vector<size_t> HalfOffsets(tensor::DType type) {
    using tensor::DType;
    switch (type) {
        case DType::kQ4_1:
        case DType::kQ5_1:
        case DType::kQ4_K:
        case DType::kQ5_K:
            return {0, 2};
        case DType::kQ2_K:
            return {80, 82};
        case DType::kQ3_K:
            return {108};
        case DType::kQ6_K:
            return {208};
        default:
            return {0};
    }
}

// Rows of random codes and sub-scales whose half-precision scales are normal values, or
// all `scale` if that is not 0.
inline std::vector<std::byte> RandomWeights(tensor::DType type, size_t rows, size_t cols,
                                            Random& random, float scale = 0) {
    const tensor::DTypeInfo& info = tensor::Info(type);
    std::vector<std::byte> data(rows * tensor::RowBytes(type, cols));
    for (std::byte& byte : data) byte = static_cast<std::byte>(random());
    std::normal_distribution<float> normal(0, 0.01f);
    if (info.block_size == 1) {
        for (size_t i = 0; i < rows * cols; ++i) {
            float value = normal(random);
            uint16_t half =
                type == tensor::DType::kF16 ? tensor::F32ToF16(value) : tensor::F32ToBF16(value);
            const void* from = info.block_bytes == 4 ? static_cast<const void*>(&value) : &half;
            std::memcpy(&data[i * info.block_bytes], from, info.block_bytes);
        }
        return data;
    }
    for (size_t block = 0; block < data.size(); block += info.block_bytes)
        for (size_t offset : HalfOffsets(type)) {
            uint16_t half = tensor::F32ToF16(scale != 0 ? scale : normal(random));
            std::memcpy(&data[block + offset], &half, sizeof half);
        }
    return data;
}

inline std::vector<float> Dequantized(tensor::DType type, const std::vector<std::byte>& data,
                                      size_t count) {
    std::vector<float> values(count);
    tensor::Dequantize(type, data.data(), values);
    return values;
}

// Owns the arrays of QuantizedRows.
struct Quantized {
    Quantized(size_t rows, size_t cols)
        : blocks((cols + 31) / 32),
          codes(rows * blocks * 32, 77),
          scales(rows * blocks, -1),
          sums(rows * blocks * 2, -7) {
        view = {codes.data(), scales.data(), sums.data(), blocks * 32, blocks, rows};
    }
    // Rows [first, first + count).
    QuantizedRows Part(size_t first, size_t count) const {
        QuantizedRows part = view;
        part.codes += first * view.codes_stride;
        part.scales += first * view.blocks_stride;
        part.sums += first * 2 * view.blocks_stride;
        part.count = count;
        return part;
    }
    size_t blocks;
    std::vector<int8_t> codes;
    std::vector<float> scales;
    std::vector<int16_t> sums;
    QuantizedRows view;
};

// Owns the tiles of Bf16Rows.
struct Bf16 {
    static constexpr uint16_t kNan = 0x7FC0;
    Bf16(size_t rows, size_t cols)
        : tiles((rows + 15) / 16 * 16 * cols + 32, kNan) {  // what no row fills must not matter
        void* start = tiles.data();
        size_t space = tiles.size() * 2;
        view = {static_cast<uint16_t*>(std::align(64, space - 62, start, space)), cols / 32, rows};
    }
    std::vector<uint16_t> tiles;
    Bf16Rows view;
};

// The columns of the tests: small, those of small models, and whole super-blocks.
inline std::vector<size_t> ColsFor(tensor::DType type) {
    size_t block = tensor::Info(type).block_size;
    if (block == 256) return {256, 512, 1536};
    if (block == 32) return {32, 64, 256, 288, 576, 640, 896, 1536};
    return {1, 7, 64, 129, 576, 1100};
}

}  // namespace lathe::kernels
