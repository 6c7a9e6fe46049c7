#include "learn/advise/model_work.h"

#include <algorithm>
#include <array>

namespace lathe::advise {
namespace {

// Bits of a block by its bytes: Q8_0 has 34 bytes for 32 elements. Mixes keep half of the
// value and down matrices, and the head, at more bits.
constexpr auto kPrecisions = std::to_array<Precision>({
    {"F32", 32, 32},
    {"BF16", 16, 16},
    {"Q8_0", 8.5, 8.5},
    {"Q6_K", 6.5625, 6.5625},
    {"Q5_K_M", 5.7, 6.5625},
    {"Q4_K_M", 4.85, 6.5625},
    {"Q4_0", 4.5, 6.5625},
    {"Q3_K_M", 3.9, 6.5625},
    {"Q2_K", 2.96, 6.5625},
});

// Everything but bytes of weights.
ModelWork Shape(const model::ModelConfig& config, double kv_element_bytes) {
    ModelWork work;
    double width = config.width, layers = config.layer_count;
    double attention = width * (2.0 * config.query_width() + 2.0 * config.kv_width());
    work.layer_elements = layers * (attention + 3.0 * width * config.feed_forward_width);
    work.head_elements = width * config.vocab_size;
    work.kv_token_bytes = 2.0 * layers * config.kv_width() * kv_element_bytes;
    work.attention_width = layers * config.query_width();
    work.layer_count = config.layer_count;
    // Floats of a row: the stream and its norm, queries, keys, values, attention's result,
    // gate and up; and its logits, of which a step wants few, so that they are left out.
    work.activation_bytes = 4 * (2 * width + 2.0 * config.query_width() + 2.0 * config.kv_width() +
                                 2.0 * config.feed_forward_width);
    return work;
}

}  // namespace

std::span<const Precision> Precisions() {
    return kPrecisions;
}

std::optional<Precision> FindPrecision(std::string_view name) {
    auto found = std::ranges::find(kPrecisions, name, &Precision::name);
    if (found == kPrecisions.end()) return std::nullopt;
    return *found;
}

ModelWork WorkAt(const model::ModelConfig& config, const Precision& precision,
                 double kv_element_bytes) {
    ModelWork work = Shape(config, kv_element_bytes);
    work.precision = precision.name;
    work.quantized = precision.layer_bits < 16;
    double head = work.head_elements * precision.head_bits / 8;
    work.step_bytes = work.layer_elements * precision.layer_bits / 8 + head;
    work.weight_bytes = work.step_bytes + (config.tied_head ? 0 : head);
    return work;
}

ModelWork WorkOf(const model::ModelConfig& config, const modelfile::ModelPackage& package,
                 double kv_element_bytes) {
    ModelWork work = Shape(config, kv_element_bytes);
    work.precision = "as in the file";
    for (const tensor::TensorView& tensor : package.tensors()) {
        work.weight_bytes += static_cast<double>(tensor.byte_count());
        bool looked_up = tensor.name == "token_embd.weight" && !config.tied_head;
        if (!looked_up) work.step_bytes += static_cast<double>(tensor.byte_count());
    }
    work.quantized = work.step_bytes < 2 * (work.layer_elements + work.head_elements);
    return work;
}

MemoryNeed MemoryFor(const ModelWork& work, const MemoryLoad& load) {
    return {.weights = work.weight_bytes,
            .kv = work.kv_token_bytes * load.context * load.sequences,
            .activations = work.activation_bytes * load.step_rows};
}

}  // namespace lathe::advise
