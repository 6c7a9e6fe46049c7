#include "bench/roofline.h"

namespace lathe::app {

Roofline::Roofline(const model::Model& model, bool int8, uint64_t kv_bytes_per_token,
                   const kernels::MachinePeaks& peaks)
    : kv_token_bytes_(static_cast<double>(kv_bytes_per_token)), peaks_(peaks) {
    const model::ModelConfig& config = model.config;
    double width = config.width;
    double attention = width * (2.0 * config.query_width() + 2.0 * config.kv_width());
    double feed_forward = 3.0 * width * config.feed_forward_width;
    row_operations_ = 2 * config.layer_count * (attention + feed_forward);
    head_operations_ = 2.0 * config.vocab_size * width;
    // An untied embedding is looked up, not read.
    step_bytes_ = static_cast<double>(model.weights.bytes());
    if (!config.tied_head && model.weights.head.rows() > 0)
        step_bytes_ -= static_cast<double>(model.weights.embedding.bytes());
    int8_ = int8 && !model.weights.layers.empty() && model.weights.layers[0].up.quantized();
}

Shares Roofline::Of(const Work& work) const {
    double operations = work.rows * row_operations_ + work.head_rows * head_operations_;
    double bytes = work.steps * step_bytes_ + work.kv_tokens * kv_token_bytes_;
    Shares shares;
    if (int8_) shares.int8 = operations / work.seconds / 1e9 / peaks_.int8_gops;
    shares.f32 = operations / work.seconds / 1e9 / peaks_.f32_gflops;
    shares.bandwidth = bytes / work.seconds / 1e9 / peaks_.read_gbps;
    return shares;
}

}  // namespace lathe::app
