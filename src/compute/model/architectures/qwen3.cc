// Qwen3: as Llama, with an RMS norm of every query and key head.
#include "compute/model/architectures/architecture.h"
#include "compute/model/architectures/qwen_sliding.h"

namespace lathe::model {
namespace {

constexpr std::string_view kTypes[] = {"qwen3"};

Status FromGguf(const GgufKeys&, ModelConfig& config) {
    config.rope_pairs = RopePairs::kHalves;
    config.qk_norm = true;
    return {};
}

Status FromHuggingFace(const HfKeys& keys, ModelConfig& config) {
    config.qk_norm = true;
    LATHE_TRY(bool attention_bias, keys.BoolOr("attention_bias", false));
    config.qkv_bias = config.output_bias = attention_bias;
    return ReadQwenSliding(keys, config);
}

}  // namespace

constinit const Architecture kQwen3 = {
    .name = "qwen3",
    .huggingface_types = kTypes,
    .huggingface_defaults = {.context_length = 32768, .head_dim = 128},
    .from_gguf = FromGguf,
    .from_huggingface = FromHuggingFace,
};

}  // namespace lathe::model
