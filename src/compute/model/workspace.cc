#include "compute/model/workspace.h"

namespace lathe::model {
namespace {

constexpr size_t kBlock = kernels::PackedMatrix::kBlock;

}  // namespace

ActivationBuffer::ActivationBuffer(size_t rows, size_t cols)
    : cols_(cols),
      codes_stride_((cols + kBlock - 1) / kBlock * kBlock),
      blocks_stride_(codes_stride_ / kBlock),
      floats_(rows * cols),
      codes_(rows * codes_stride_),
      scales_(rows * blocks_stride_),
      sums_(rows * 2 * blocks_stride_) {}

kernels::QuantizedRows ActivationBuffer::quantized(size_t count, size_t column) {
    return {.codes = codes_.data() + column,
            .scales = scales_.data() + column / kBlock,
            .sums = sums_.data() + 2 * (column / kBlock),
            .codes_stride = codes_stride_,
            .blocks_stride = blocks_stride_,
            .count = count};
}

Workspace::PerWorker::PerWorker(const ModelConfig& c)
    : residual(kPrivateRows * c.width),
      normed(kPrivateRows, c.width),
      projected(c.width),
      head_piece(kHeadRows * kHeadPiecePanels * kernels::PackedMatrix::kPanelRows),
      top(kHeadRows) {}

Workspace::Workspace(const ModelConfig& c, size_t rows)
    : residual(rows * c.width),
      normed(rows, c.width),
      query(rows * c.query_width()),
      key(rows * c.kv_width()),
      value(rows * c.kv_width()),
      attended(rows, c.query_width()),
      projected(rows * c.width),
      gate(rows, c.feed_forward_width),
      up(rows * c.feed_forward_width),
      head_input(kHeadRows, c.width),
      logits(new float[kHeadRows * c.vocab_size]) {}

}  // namespace lathe::model
