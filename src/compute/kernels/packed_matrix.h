#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "compute/tensor/dtype.h"
#include "core/platform/huge_memory.h"

namespace lathe::kernels {

// Panels [begin, end) of a matrix.
struct PanelRange {
    size_t begin = 0;
    size_t end = 0;
};

// A weight matrix [rows, cols] (y = W x, rows = outputs) repacked once at load into
// panels of kPanelRows output rows, the only copy of the weights that stays in
// memory and no larger than in the file (Q3_K, Q4_K, Q5_K: 2 to 4 % more; IQ4_NL: as
// Q8_0, since its codes are not linear). Rows are
// SIMD lanes, so no horizontal sums are needed and a result does not depend on how
// many activation rows are multiplied together.
//
// A panel of a quantized type is an area of scales, then an area of codes, both
// block-major over blocks of kBlock columns. Codes are unsigned, in groups of four
// columns per row, which is what an int8 dot instruction multiplies:
//   w = step * (u - zero)   or   w = step * u + offset.
// A panel of a plain type is [cols][kPanelRows] elements. A tail panel is padded
// with zero rows. The layout to the byte stands in docs/design/kernels.md.
//
// Const-safe.
class PackedMatrix {
public:
    static constexpr size_t kPanelRows = 16;
    static constexpr size_t kBlock = 32;  // columns of a block, and of an activation scale

    // How the elements of a panel are kept: unsigned codes of 2 to 8 bits, or plain.
    enum class Codes : uint8_t { kU2, kU3, kU4, kU5, kU6, kU8, kF16, kBF16, kF32 };

    // How the scales of a panel are kept.
    enum class Scales : uint8_t {
        kNone,           // plain types
        kHalf,           // step: f16 per row and block. Q4_0, Q5_0, Q8_0, IQ4_NL
        kHalfOffset,     // step, offset: f16 per row and block. Q4_1, Q5_1
        kSuper16,        // step: f16 per 256 columns * i8 per 16 columns. Q3_K, Q6_K
        kSuperOffset32,  // step, offset: f16 per 256 columns * u8 per 32. Q4_K, Q5_K
        kSuperOffset16,  // step, offset: f16 per 256 columns * u4 per 16. Q2_K
    };

    struct Format {
        Codes codes = Codes::kF32;
        Scales scales = Scales::kNone;
        int zero = 0;  // subtracted from a code; 0 where there is an offset
    };

    PackedMatrix() = default;

    // Packs `data` (row-major, `type`). `cols` is a multiple of the type's block size;
    // any number of rows, and any cols for the plain types.
    static PackedMatrix Pack(tensor::DType type, size_t rows, size_t cols, const std::byte* data);

    // The same in two steps, so that several threads can pack disjoint ranges of
    // panels: `data` is the whole matrix each time. Every panel must be packed once.
    static PackedMatrix Allocate(tensor::DType type, size_t rows, size_t cols);
    void PackPanels(PanelRange panels, const std::byte* data);

    // Dequantizes row `row` into `out` [cols], to the bit as tensor::Dequantize does;
    // for embedding look-ups.
    void ExpandRow(size_t row, std::span<float> out) const;

    size_t rows() const { return rows_; }
    size_t cols() const { return cols_; }
    size_t panel_count() const { return (rows_ + kPanelRows - 1) / kPanelRows; }
    size_t bytes() const { return panel_count() * panel_bytes_; }
    tensor::DType type() const { return type_; }
    const Format& format() const { return format_; }
    // True where an int8 kernel exists.
    bool quantized() const { return format_.scales != Scales::kNone; }

    // The areas of a panel. A plain type has codes only.
    const std::byte* panel_scales(size_t panel) const {
        return storage_.data() + panel * panel_bytes_;
    }
    const std::byte* panel_codes(size_t panel) const { return panel_scales(panel) + codes_offset_; }

private:
    size_t rows_ = 0;
    size_t cols_ = 0;
    size_t panel_bytes_ = 0;
    size_t codes_offset_ = 0;
    tensor::DType type_ = tensor::DType::kF32;
    Format format_;
    platform::HugeMemory storage_;
};

}  // namespace lathe::kernels
