// Llama 1 to 3, SmolLM and Mistral: RMS norms before attention and before a gated
// SiLU MLP, rotary embedding, grouped queries (Touvron et al. 2023).
#include "compute/model/architectures/architecture.h"
#include "compute/model/architectures/limits.h"

namespace lathe::model {
namespace {

constexpr std::string_view kTypes[] = {"llama", "mistral"};

Status FromGguf(const GgufKeys& keys, ModelConfig& config) {
    // Converters reorder the rows of queries and keys so that pairs are neighbours.
    config.rope_pairs = RopePairs::kInterleaved;
    LATHE_TRY(float window, keys.RealOr("attention.sliding_window", 0));
    if (window == 0) return {};
    LATHE_TRY(config.sliding_window, keys.Count("attention.sliding_window", kContextMax));
    config.layer_slides.assign(config.layer_count, true);
    return {};
}

Status FromHuggingFace(const HfKeys& keys, ModelConfig& config) {
    LATHE_TRY(bool attention_bias, keys.BoolOr("attention_bias", false));
    config.qkv_bias = config.output_bias = attention_bias;
    LATHE_RETURN_IF_ERROR(keys.Refuse("mlp_bias", "is not supported for llama"));
    LATHE_TRY(std::string type, keys.StringOr("model_type", "llama"));
    if (type != "mistral") return {};
    // The first Mistral leaves the key out; later ones state null.
    uint32_t fallback = keys.Stated("sliding_window") ? 0 : 4096;
    if (keys.Find("sliding_window") || fallback != 0) {
        LATHE_TRY(config.sliding_window, keys.CountOr("sliding_window", fallback, kContextMax));
    }
    config.layer_slides.assign(config.layer_count, config.sliding_window != 0);
    return {};
}

}  // namespace

constinit const Architecture kLlama = {
    .name = "llama",
    .huggingface_types = kTypes,
    .huggingface_defaults = {.context_length = 2048},
    .from_gguf = FromGguf,
    .from_huggingface = FromHuggingFace,
};

}  // namespace lathe::model
