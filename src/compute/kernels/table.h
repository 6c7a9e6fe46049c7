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
//   x[r][c] ~= scales[r][c / 32] * codes[r][c].
// Written by quantize_row into arrays of the caller; columns past the last are zero.
struct QuantizedRows {
    int8_t* codes = nullptr;   // [count][codes_stride]
    float* scales = nullptr;   // [count][blocks_stride]
    int16_t* sums = nullptr;   // [count][2 * blocks_stride]: of the codes of 16 columns each
    size_t codes_stride = 0;   // >= cols rounded up to 32
    size_t blocks_stride = 0;  // >= codes_stride / 32
    size_t count = 0;
};

// Activations in bf16, in the order in which tile instructions take them: tiles of 16
// rows by 32 columns. Element (r, c) is tiles[((r / 16) * blocks + c / 32) * 512 +
// r % 16 * 32 + c % 32]; the last rows' tiles are whole in memory.
struct Bf16Rows {
    static constexpr size_t kTileRows = 16;
    static constexpr size_t kTileElements = kTileRows * PackedMatrix::kBlock;
    uint16_t* tiles = nullptr;
    size_t blocks = 0;  // of 32 columns
    size_t count = 0;
};

constexpr size_t kPageTokens = 32;

// kI8: codes with a scale per token and head (algorithm/kv_int8.h).
enum class KvType : uint8_t { kF32, kF16, kI8 };

// Bytes of a page of keys of one KV head, and of a page of values. What is inside
// belongs to store_kv and attend: keys lie [head_dim][kPageTokens], so that a page
// is scored with tokens as lanes; values lie [kPageTokens][head_dim].
constexpr size_t KvValuePageBytes(KvType type, size_t head_dim) {
    size_t elements = kPageTokens * head_dim;
    if (type == KvType::kI8) return elements + kPageTokens * sizeof(uint16_t);
    return elements * (type == KvType::kF32 ? sizeof(float) : sizeof(uint16_t));
}
constexpr size_t KvKeyPageBytes(KvType type, size_t head_dim) {
    size_t reference = type == KvType::kI8 ? (head_dim * sizeof(uint16_t) + 63) / 64 * 64 : 0;
    return KvValuePageBytes(type, head_dim) + reference;
}
constexpr size_t kHeadDimMax = 1024;

// Key and value of one token, to be written into slot `slot` of its page. The slots of
// a page are written in order: later ones of an int8 page depend on the first.
struct KvEntry {
    KvType type = KvType::kF16;
    size_t head_dim = 0;
    size_t slot = 0;               // position % kPageTokens
    const float* key = nullptr;    // [head_dim]
    const float* value = nullptr;  // [head_dim]
    void* key_page = nullptr;      // KvKeyPageBytes(); pages start at multiples of 32 bytes
    void* value_page = nullptr;
};

// Attention of some query rows of one sequence for one group of heads that share a
// KV head. Page i of the arrays holds positions [32 i, 32 i + 32). Pages wholly
// before every row's window are not touched and may be null.
struct AttentionTask {
    const float* queries = nullptr;  // [row_count][group][head_dim], strides below
    size_t query_row_stride = 0;     // floats between two rows (tokens)
    size_t query_head_stride = 0;    // floats between two heads of the group
    float* out = nullptr;            // same strides as the queries; may be the queries
    const void* const* key_pages = nullptr;
    const void* const* value_pages = nullptr;
    KvType kv_type = KvType::kF16;
    size_t row_count = 0;
    size_t group = 1;  // query heads per KV head
    size_t head_dim = 0;
    size_t first_position = 0;  // position of query row 0; row r sees keys [0, first + r]
    size_t window = 0;          // 0: all; else only the last `window` positions, itself included
    float scale = 1;            // multiplies q.k
    float softcap = 0;          // 0: none; else cap * tanh(score / cap)
    float* scratch = nullptr;   // attention_scratch_floats() floats
};

struct Table {
    std::string_view name;

    // y[r][n] = sum over k of W[n][k] x[r][k], for the rows n of the panels given.
    // `scratch` holds gemm_scratch_floats(w) floats, one area per thread.
    void (*gemm_f32)(const PackedMatrix& w, PanelRange panels, Rows x, MutableRows y,
                     float* scratch);
    // The same with int8 activations. Requires: w.quantized().
    void (*gemm_i8)(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x, MutableRows y,
                    float* scratch);
    size_t (*gemm_scratch_floats)(const PackedMatrix& w);

    // Fills row `row` of `out` from x [cols]: scale = max |x| / 127 per 32 columns,
    // codes rounded to nearest even; the same bits in every table. A block with an
    // infinity or NaN gets a NaN scale, one below 1e-30 a zero scale; codes are zero.
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

    // Writes a token's key and value into its pages.
    void (*store_kv)(const KvEntry& entry);
    void (*attend)(const AttentionTask& task);
    // For attend and attend_bf16; grows with row_count, group and head_dim only.
    size_t (*attention_scratch_floats)(const AttentionTask& task);

    void (*f32_to_f16)(const float* x, size_t n, uint16_t* y);

    // max over x, and sum of e^(x - max) in double order-independent of threads.
    void (*max_and_sum_exp)(const float* x, size_t n, float* max, double* sum);

    // For peak.h. `rounds` of a tile of integer dots, or of float multiply-adds, in
    // registers; returns the operations done. And reading memory.
    double (*probe_dots)(size_t rounds);
    double (*probe_multiply_adds)(size_t rounds);
    void (*probe_read)(const std::byte* data, size_t bytes);

    // Where the machine multiplies bf16 several times faster than int8 with a scale per
    // block, else null: gemm_i8 and attend with weights, activations, keys and values
    // rounded to bf16 instead, sums in float32. The bits differ from theirs, the
    // promises are the same.
    // Requires: w.quantized().
    void (*gemm_bf16)(const PackedMatrix& w, PanelRange panels, const Bf16Rows& x, MutableRows y,
                      float* scratch) = nullptr;
    // Columns past the last, to a multiple of 32, are zero.
    void (*to_bf16_row)(const float* x, size_t cols, const Bf16Rows& out, size_t row) = nullptr;
    void (*attend_bf16)(const AttentionTask& task) = nullptr;
    // As probe_dots, of bf16 tiles.
    double (*probe_tiles)(size_t rounds) = nullptr;
};

// The table that works everywhere, and the oracle of the others' tests.
const Table& GenericTable();

// Tables this machine can run, generic first, fastest last.
std::span<const Table* const> AvailableTables();

// By name; empty means $LATHE_KERNELS if set, else the fastest available. Error
// (kFailedPrecondition) names the instruction set this machine lacks and what it has.
Result<const Table*> SelectTable(std::string_view name);

}  // namespace lathe::kernels
