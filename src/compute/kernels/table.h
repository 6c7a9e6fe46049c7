// The SIMD maths of the engine behind one table of function pointers per
// instruction set. A table is chosen once at start (LATHE_KERNELS=generic|avx2|
// avx512 forces one) and handed down; code above never asks what the machine is.
//
// Promises that every table keeps, on which the engine's reproducibility rests:
//  - A row of a result depends on that row's input only: not on how many rows are
//    computed together, nor on how panels are shared between threads, to the bit.
//  - gemm_i8 computes the integer dots of a block exactly, as generic does.
//
// Kernels allocate nothing and keep no state. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "compute/kernels/packed_matrix.h"
#include "core/base/result.h"

namespace lathe::kernels {

struct PanelRange {
    size_t begin = 0;
    size_t end = 0;
};

// Rows of floats: row r starts at data + r * stride.
struct Rows {
    const float* data = nullptr;
    size_t stride = 0;
    size_t count = 0;
};
struct MutableRows {
    float* data = nullptr;
    size_t stride = 0;
};

// Activations in int8 with one scale per PackedMatrix::kBlock columns:
//   x[r][c] ~= scales[r][c / 32] * codes[r][c],  sums[r][b] = scale * sum of codes.
// Caller-owned arrays; cols padded to a multiple of 32 with zero codes.
struct QuantizedRows {
    int8_t* codes = nullptr;   // [count][codes_stride]
    float* scales = nullptr;   // [count][blocks_stride]
    float* sums = nullptr;     // [count][blocks_stride]
    size_t codes_stride = 0;   // >= cols rounded up to 32
    size_t blocks_stride = 0;
    size_t count = 0;
};

enum class KvType : uint8_t { kF32, kF16 };

// Attention of some query rows of one sequence for one group of heads that share a
// KV head. Keys and values of `token_count` positions lie in pages of kPageTokens:
// page p holds [kPageTokens][head_dim] keys, and as many values.
struct AttentionTask {
    const float* queries = nullptr;  // [row_count][group][head_dim], strides below
    size_t query_row_stride = 0;     // floats between two rows (tokens)
    size_t query_head_stride = 0;    // floats between two heads of the group
    float* out = nullptr;            // same strides as the queries
    const void* const* key_pages = nullptr;
    const void* const* value_pages = nullptr;
    KvType kv_type = KvType::kF16;
    size_t row_count = 0;
    size_t group = 1;            // query heads per KV head
    size_t head_dim = 0;
    size_t first_position = 0;   // position of query row 0; row r sees keys [0, first + r]
    size_t window = 0;           // 0: all; else only the last `window` positions, itself included
    float scale = 1;             // multiplies q.k
    float softcap = 0;           // 0: none; else cap * tanh(score / cap)
    float* scratch = nullptr;    // attention_scratch_floats() floats
};

constexpr size_t kPageTokens = 32;

struct Table {
    std::string_view name;

    // y[r][n] = sum over k of W[n][k] x[r][k], for the rows n of the panels given.
    // `scratch` holds gemm_scratch_floats(w) floats, one area per thread.
    void (*gemm_f32)(const PackedMatrix& w, PanelRange panels, Rows x, MutableRows y,
                     float* scratch);
    // The same with int8 activations. Requires: w.quantized().
    void (*gemm_i8)(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x,
                    MutableRows y, float* scratch);
    size_t (*gemm_scratch_floats)(const PackedMatrix& w);

    // Fills row `row` of `out` from x [cols]: scale = max |x| / 127 per 32 columns,
    // codes rounded to nearest even.
    void (*quantize_row)(const float* x, size_t cols, const QuantizedRows& out, size_t row);

    // y = x / sqrt(mean(x^2) + epsilon) * weight, elementwise over n; y may be x.
    void (*rms_norm)(const float* x, const float* weight, float epsilon, size_t n, float* y);
    // y += x
    void (*add)(const float* x, size_t n, float* y);
    // gate = activation(gate) * up; silu(x) = x / (1 + e^-x), or tanh-approximated GELU.
    void (*silu_mul)(float* gate, const float* up, size_t n);
    void (*gelu_mul)(float* gate, const float* up, size_t n);
    // Rotates one head in place. cos_sin [dims / 2][2]. Pairs are (2i, 2i + 1) when
    // interleaved, else (i, i + dims / 2). Dimensions from `dims` on stay.
    void (*rope_interleaved)(float* head, const float* cos_sin, size_t dims);
    void (*rope_halves)(float* head, const float* cos_sin, size_t dims);

    void (*attend)(const AttentionTask& task);
    size_t (*attention_scratch_floats)(const AttentionTask& task);

    void (*f32_to_f16)(const float* x, size_t n, uint16_t* y);

    // max over x, and sum of e^(x - max) in double order-independent of threads.
    void (*max_and_sum_exp)(const float* x, size_t n, float* max, double* sum);
};

// The table that works everywhere, and the oracle of the others' tests.
const Table& GenericTable();

// Tables this machine can run, generic first, fastest last.
std::span<const Table* const> AvailableTables();

// By name; empty means $LATHE_KERNELS if set, else the fastest available. Error
// (kFailedPrecondition) names the instruction set this machine lacks and what it has.
Result<const Table*> SelectTable(std::string_view name);

}  // namespace lathe::kernels
