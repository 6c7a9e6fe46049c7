#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "compute/tensor/dtype.h"

namespace lathe::kernels {

// A weight matrix [rows, cols] (y = W x, rows = outputs) repacked once at load into
// panels of kPanelRows output rows, the only copy of the weights that stays in
// memory. Rows are SIMD lanes, so no horizontal sums are needed and a result does
// not depend on how many activation rows are multiplied together.
//
// A panel runs block-major over the columns; a block holds kBlock columns of every
// row in the panel (types whose scales change every 16 columns use two scales per
// row and block). A tail panel is padded with zero rows. Layout details stand in
// packed_matrix.cc, next to the code that writes them.
//
// Const-safe.
class PackedMatrix {
public:
    static constexpr size_t kPanelRows = 16;
    static constexpr size_t kBlock = 32;  // columns that share a scale, and activation block

    // How the codes of a panel are kept.
    enum class Codes : uint8_t {
        kU4,   // unsigned 4 bit: Q4_0, Q4_1, Q4_K, Q2_K, Q3_K
        kU8,   // unsigned 8 bit: Q5_0, Q5_1, Q5_K, Q6_K, Q8_0
        kF16,  // halves: F16
        kBF16,
        kF32,
    };

    PackedMatrix() = default;

    // Packs rows [0, rows) of `data` (row-major, `type`). `cols` is a multiple of the
    // type's block size; any number of rows and any cols for the plain types.
    static PackedMatrix Pack(tensor::DType type, size_t rows, size_t cols, const std::byte* data);

    // Dequantizes row `row` into `out` [cols]; for embedding look-ups.
    void ExpandRow(size_t row, std::span<float> out) const;

    size_t rows() const { return rows_; }
    size_t cols() const { return cols_; }
    size_t panel_count() const { return (rows_ + kPanelRows - 1) / kPanelRows; }
    size_t bytes() const { return bytes_; }
    Codes codes() const { return codes_; }
    const std::byte* panel(size_t index) const { return storage_.get() + index * panel_bytes_; }
    // True where an int8 kernel exists (kU4, kU8).
    bool quantized() const { return codes_ == Codes::kU4 || codes_ == Codes::kU8; }

private:
    struct AlignedDelete {
        void operator()(std::byte* bytes) const;
    };
    size_t rows_ = 0;
    size_t cols_ = 0;
    size_t bytes_ = 0;
    size_t panel_bytes_ = 0;
    Codes codes_ = Codes::kF32;
    std::unique_ptr<std::byte[], AlignedDelete> storage_;
};

}  // namespace lathe::kernels
