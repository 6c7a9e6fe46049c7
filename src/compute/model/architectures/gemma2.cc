// Gemma 2: norms before and after attention and MLP, GELU, every second layer
// slides (the first does), soft caps on attention scores and logits, embeddings
// scaled by sqrt(width).
#include <cmath>

#include "compute/model/architectures/architecture.h"
#include "compute/model/architectures/formulas.h"
#include "compute/model/architectures/limits.h"

namespace lathe::model {
namespace {

constexpr std::string_view kTypes[] = {"gemma2"};
constexpr uint32_t kSlidingWindow = 4096;
constexpr uint32_t kSlidingPeriod = 2;
constexpr float kAttentionSoftcap = 50;
constexpr float kLogitSoftcap = 30;
constexpr uint32_t kLayersOf27B = 46;  // the size that scales by width / heads instead

void SetShared(ModelConfig& config) {
    config.activation = Activation::kGeluTanh;
    config.post_norms = true;
    config.embedding_scale = std::sqrt(static_cast<float>(config.width));
}

Status FromGguf(const GgufKeys& keys, ModelConfig& config) {
    SetShared(config);
    config.rope_pairs = RopePairs::kHalves;
    LATHE_TRY(config.sliding_window,
              keys.CountOr("attention.sliding_window", kSlidingWindow, kContextMax));
    LATHE_TRY(config.layer_slides, keys.SlidingLayers("attention.sliding_window_pattern",
                                                      kSlidingPeriod, config.layer_count));
    LATHE_TRY(config.attention_softcap, keys.RealOr("attn_logit_softcapping", kAttentionSoftcap));
    LATHE_TRY(config.logit_softcap, keys.RealOr("final_logit_softcapping", kLogitSoftcap));
    uint32_t scalar =
        config.layer_count == kLayersOf27B ? config.width / config.head_count : config.head_dim;
    LATHE_TRY(config.attention_scale, keys.RealOr("attention.scale", InverseSquareRoot(scalar)));
    return {};
}

Status FromHuggingFace(const HfKeys& keys, ModelConfig& config) {
    SetShared(config);
    config.norm_weight_plus_one = true;
    LATHE_RETURN_IF_ERROR(keys.Refuse("attention_bias", "is not supported for gemma2"));
    LATHE_TRY(config.sliding_window, keys.CountOr("sliding_window", kSlidingWindow, kContextMax));
    LATHE_TRY(std::optional<std::vector<bool>> types, keys.LayerTypes(config.layer_count));
    for (uint32_t i = 0; i < config.layer_count; ++i)
        config.layer_slides[i] = types ? (*types)[i] : (i + 1) % kSlidingPeriod != 0;
    LATHE_TRY(config.attention_softcap,
              keys.SoftcapOr("attn_logit_softcapping", kAttentionSoftcap));
    LATHE_TRY(config.logit_softcap, keys.SoftcapOr("final_logit_softcapping", kLogitSoftcap));
    LATHE_TRY(float scalar, keys.RealOr("query_pre_attn_scalar", 256));
    config.attention_scale = InverseSquareRoot(scalar);
    return {};
}

}  // namespace

constinit const Architecture kGemma2 = {
    .name = "gemma2",
    .huggingface_types = kTypes,
    .huggingface_defaults = {.vocab_size = 256000,
                             .context_length = 8192,
                             .width = 2304,
                             .layer_count = 26,
                             .head_count = 8,
                             .kv_head_count = 4,
                             .head_dim = 256,
                             .feed_forward_width = 9216,
                             .tied_head = true,
                             .activation = "gelu_pytorch_tanh"},
    .from_gguf = FromGguf,
    .from_huggingface = FromHuggingFace,
};

}  // namespace lathe::model
