// Floats to the blocks of a weight type.
//
// Thread-safe: free functions only.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "compute/tensor/dtype.h"
#include "core/base/result.h"

namespace lathe::quant {

// The encoders of one instruction set. All tables give the same bytes: every block is
// searched in a lane of its own, in one order, without contraction.
struct EncodeTable {
    std::string_view name;

    // `count` elements, whole blocks. `importance` [cols] or null: how much an error in a
    // column weighs; element i belongs to column i % cols.
    void (*encode)(tensor::DType type, const float* values, size_t count, const float* importance,
                   size_t cols, std::byte* out);
    // The greatest magnitude, NaN if one of them is.
    float (*magnitude)(const float* values, size_t count);
};

// The fastest that this machine runs, or the one LATHE_KERNELS asks for (kernels' names;
// those that have no encoders of their own mean the next lower). Errors as
// kernels::SelectTable's.
Result<const EncodeTable*> SelectEncodeTable();

// Every table that runs here, slowest first.
std::span<const EncodeTable* const> AvailableEncodeTables();

// Whole rows of `cols` elements. Without `importance` ([cols], or empty) Q8_0, Q4_0, Q4_1,
// Q5_0 and Q5_1 give the bytes of the format's reference; with it, and for the K-quants
// and IQ4_NL, scales are searched (algorithm/search.h). Errors (kInvalidArgument): a value
// that is not finite, or too large for the half-precision scales of the type.
// Requires: `cols` is a multiple of the type's block size, `out` has
// RowBytes(type, values.size()).
Status EncodeRows(const EncodeTable& table, tensor::DType type, std::span<const float> values,
                  size_t cols, std::span<const float> importance, std::span<std::byte> out);

// Whether a type's encoder looks at the importance.
bool UsesImportance(tensor::DType type);

}  // namespace lathe::quant
