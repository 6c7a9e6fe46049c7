#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compute/tensor/dtype.h"

namespace lathe::tensor {

// Makes the rows of a matrix that its file holds in a form of its own. Const-safe.
class RowSource {
public:
    virtual ~RowSource() = default;
    // Rows from `first` on as blocks of the view's type; `out` holds whole rows.
    virtual void CopyRows(uint64_t first, std::span<std::byte> out) const = 0;
};

// A named tensor in a file: borrowed bytes, row-major, outermost dimension first
// ([rows, cols] for a matrix; GGUF writes its dimensions the other way round).
// `data` spans exactly the tensor and lies inside the file (the reader checked it), or is
// empty and `source` makes the rows when they are wanted.
struct TensorView {
    std::string name;
    DType type = DType::kF32;
    std::vector<uint64_t> shape;
    std::span<const std::byte> data;
    const RowSource* source = nullptr;

    uint64_t cols() const { return shape.empty() ? 1 : shape.back(); }
    uint64_t rows() const { return element_count() / (cols() == 0 ? 1 : cols()); }
    uint64_t element_count() const {
        uint64_t count = 1;
        for (uint64_t size : shape) count *= size;
        return count;
    }
    // As blocks of `type`, wherever they come from.
    uint64_t byte_count() const { return RowBytes(type, cols()) * rows(); }
};

// Rows of `view` from `first` on, as blocks of its type or as floats. `out` holds whole rows.
void CopyRows(const TensorView& view, uint64_t first, std::span<std::byte> out);
void ReadRows(const TensorView& view, uint64_t first, std::span<float> out);

}  // namespace lathe::tensor
