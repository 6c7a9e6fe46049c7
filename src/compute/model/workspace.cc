#include "compute/model/workspace.h"

#include <algorithm>

namespace lathe::model {
namespace {

constexpr size_t kBlock = kernels::PackedMatrix::kBlock;

size_t ScoredRows(size_t vocab) {
    size_t rows = Workspace::kLogitsBytes / (vocab * sizeof(float)) / 16 * 16;
    return std::clamp(rows, Workspace::kHeadRows, Workspace::kScoredRowsMax);
}

}  // namespace

ActivationBuffer::ActivationBuffer(size_t rows, size_t cols, bool bf16)
    : cols_(cols),
      codes_stride_((cols + kBlock - 1) / kBlock * kBlock),
      blocks_stride_(codes_stride_ / kBlock),
      floats_(rows * cols),
      codes_(rows * codes_stride_),
      scales_(rows * blocks_stride_),
      sums_(rows * 2 * blocks_stride_) {
    if (!bf16) return;
    constexpr size_t kTile = kernels::Bf16Rows::kTileRows;
    tiles_ = ZeroedArray<uint16_t>((rows + kTile - 1) / kTile * kTile * codes_stride_);
}

kernels::QuantizedRows ActivationBuffer::quantized(size_t count, size_t column) {
    return {.codes = codes_.data() + column,
            .scales = scales_.data() + column / kBlock,
            .sums = sums_.data() + 2 * (column / kBlock),
            .codes_stride = codes_stride_,
            .blocks_stride = blocks_stride_,
            .count = count};
}

kernels::Bf16Rows ActivationBuffer::bf16(size_t first, size_t count, size_t column) {
    size_t tile = first / kernels::Bf16Rows::kTileRows * blocks_stride_ + column / kBlock;
    return {tiles_.data() + tile * kernels::Bf16Rows::kTileElements, blocks_stride_, count};
}

Workspace::PerWorker::PerWorker(const ModelConfig& c, size_t rows, bool bf16)
    : residual(kPrivateRows * c.width),
      normed(kPrivateRows, c.width, bf16),
      projected(c.width),
      head_piece(kHeadRows * kHeadPiecePanels * kernels::PackedMatrix::kPanelRows),
      gate_piece(bf16 ? rows * kGatePiecePanels * kernels::PackedMatrix::kPanelRows : 0),
      up_piece(gate_piece.size()),
      top(kHeadRows) {}

Workspace::Workspace(const ModelConfig& c, size_t rows, bool bf16)
    : residual(rows * c.width),
      normed(rows, c.width, bf16),
      query(rows * c.query_width()),
      key(rows * c.kv_width()),
      value(rows * c.kv_width()),
      attended(rows, c.query_width(), bf16),
      projected(rows * c.width),
      gate(rows, c.feed_forward_width, bf16),
      up(rows * c.feed_forward_width),
      scored_rows(bf16 ? ScoredRows(c.vocab_size) : kHeadRows),
      head_input(scored_rows, c.width, bf16),
      logits_stride(c.vocab_size / 16 * 16 + 32),
      logits(scored_rows * logits_stride) {}

}  // namespace lathe::model
