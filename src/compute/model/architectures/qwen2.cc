// Qwen2 and Qwen2.5: as Llama, with biases on queries, keys and values.
#include "compute/model/architectures/architecture.h"
#include "compute/model/architectures/qwen_sliding.h"

namespace lathe::model {
namespace {

constexpr std::string_view kTypes[] = {"qwen2"};

Status FromGguf(const GgufKeys&, ModelConfig& config) {
    config.rope_pairs = RopePairs::kHalves;
    config.qkv_bias = true;
    return {};
}

Status FromHuggingFace(const HfKeys& keys, ModelConfig& config) {
    config.qkv_bias = true;
    return ReadQwenSliding(keys, config);
}

}  // namespace

constinit const Architecture kQwen2 = {
    .name = "qwen2",
    .huggingface_types = kTypes,
    .huggingface_defaults = {.context_length = 32768},
    .from_gguf = FromGguf,
    .from_huggingface = FromHuggingFace,
};

}  // namespace lathe::model
