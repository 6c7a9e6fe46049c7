#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compute/tensor/dtype.h"

namespace lathe::tensor {

// A named tensor in a file: borrowed bytes, row-major, outermost dimension first
// ([rows, cols] for a matrix; GGUF writes its dimensions the other way round).
// `data` spans exactly the tensor and lies inside the file (the reader checked it).
struct TensorView {
    std::string name;
    DType type = DType::kF32;
    std::vector<uint64_t> shape;
    std::span<const std::byte> data;

    uint64_t cols() const { return shape.empty() ? 1 : shape.back(); }
    uint64_t rows() const { return element_count() / (cols() == 0 ? 1 : cols()); }
    uint64_t element_count() const {
        uint64_t count = 1;
        for (uint64_t size : shape) count *= size;
        return count;
    }
};

}  // namespace lathe::tensor
