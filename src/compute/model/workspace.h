// The buffers of a step, taken once. Rows are tokens of the batch.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/kernels/table.h"
#include "compute/model/config.h"
#include "compute/model/top_logits.h"
#include "compute/model/zeroed_array.h"

namespace lathe::model {

// A buffer of rows with its twins in int8 and, if `bf16`, in bf16, filled by
// quantize_row and to_bf16_row.
class ActivationBuffer {
public:
    ActivationBuffer(size_t rows, size_t cols, bool bf16);

    float* row(size_t index) { return floats_.data() + index * cols_; }
    size_t stride() const { return cols_; }
    kernels::Rows rows(size_t count) const { return {floats_.data(), cols_, count}; }
    kernels::MutableRows mutable_rows() { return {floats_.data(), cols_}; }
    // Columns [column, ...) of all rows; `column` is a multiple of the block size.
    kernels::QuantizedRows quantized(size_t count, size_t column = 0);
    // Rows [first, first + count) of the bf16 ones; `first` is a multiple of a tile's rows.
    kernels::Bf16Rows bf16(size_t first, size_t count, size_t column = 0);

private:
    size_t cols_;
    size_t codes_stride_;
    size_t blocks_stride_;
    ZeroedArray<float> floats_;
    ZeroedArray<int8_t> codes_;
    ZeroedArray<float> scales_;
    ZeroedArray<int16_t> sums_;
    ZeroedArray<uint16_t> tiles_;
};

struct Workspace {
    // Rows whose logits are computed together; of scored prompts as many as kLogitsBytes hold.
    static constexpr size_t kHeadRows = 32;
    static constexpr size_t kScoredRowsMax = 128;
    static constexpr size_t kLogitsBytes = size_t{96} << 20;
    // Panels of the head whose logits are searched for the best before the next ones.
    static constexpr size_t kHeadPiecePanels = 64;
    // Up to so many rows every worker keeps its own residual (step.h).
    static constexpr size_t kPrivateRows = 4;
    // Query rows of one attention task: enough to reuse a page of keys in cache.
    static constexpr size_t kAttentionRows = 16;
    static constexpr size_t kBf16AttentionRows = 32;
    // With so many bf16 rows a worker, expanding all panels for each pays (step.h).
    static constexpr size_t kSplitRows = 64;
    // Panels of gate and up that a worker takes a step further at once, for prompts' rows.
    static constexpr size_t kGatePiecePanels = 8;

    // `bf16`: for kernels that have it.
    Workspace(const ModelConfig& config, size_t rows, bool bf16);

    ZeroedArray<float> residual;   // [rows][width]
    ActivationBuffer normed;       // [rows][width]: input of q, k, v, gate and up
    ZeroedArray<float> query;      // [rows][query_width]
    ZeroedArray<float> key;        // [rows][kv_width]
    ZeroedArray<float> value;      // [rows][kv_width]
    ActivationBuffer attended;     // [rows][query_width]
    ZeroedArray<float> projected;  // [rows][width]: output of a block before the residual
    ActivationBuffer gate;         // [rows][feed_forward_width]
    ZeroedArray<float> up;         // [rows][feed_forward_width]
    size_t scored_rows;            // at once
    ActivationBuffer head_input;   // [scored_rows][width]
    // [scored_rows][logits_stride]; untouched, and no memory, while only the best are wanted.
    // The stride, more than the vocabulary, keeps rows out of each other's way in the cache.
    size_t logits_stride;
    ZeroedArray<float> logits;

    struct PerWorker {
        PerWorker(const ModelConfig& config, size_t rows, bool bf16);

        ZeroedArray<float> residual;    // [kPrivateRows][width]
        ActivationBuffer normed;        // [kPrivateRows][width]
        ZeroedArray<float> projected;   // [width]
        ZeroedArray<float> head_piece;  // [kHeadRows][kHeadPiecePanels * kPanelRows]
        ZeroedArray<float> gate_piece;  // [rows][kGatePiecePanels * kPanelRows]
        ZeroedArray<float> up_piece;    // likewise; empty without bf16
        std::vector<TopLogits> top;     // [kHeadRows]: of this worker's panels
        TopLogits merged;
        ZeroedArray<float> gemm;
        ZeroedArray<float> attention;
        std::vector<const void*> key_pages;
        std::vector<const void*> value_pages;
    };
    std::vector<PerWorker> workers;
};

}  // namespace lathe::model
