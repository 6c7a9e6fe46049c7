// Gemma 3 (text): as Gemma 2 with an RMS norm of queries and keys instead of the soft
// caps; five sliding layers with their own rotary base before each one that sees all.
#include <cmath>

#include "compute/model/architectures/architecture.h"
#include "compute/model/architectures/formulas.h"
#include "compute/model/architectures/limits.h"

namespace lathe::model {
namespace {

constexpr std::string_view kTypes[] = {"gemma3_text", "gemma3"};
constexpr uint32_t kSlidingPeriod = 6;
constexpr float kRopeBase = 1'000'000;
constexpr float kLocalRopeBase = 10'000;
constexpr uint32_t kLayersOf27B = 62;  // the size that scales by width / heads instead

void SetShared(ModelConfig& config) {
    config.activation = Activation::kGeluTanh;
    config.post_norms = true;
    config.qk_norm = true;
    config.embedding_scale = std::sqrt(static_cast<float>(config.width));
}

Status FromGguf(const GgufKeys& keys, ModelConfig& config) {
    SetShared(config);
    config.rope_pairs = RopePairs::kHalves;
    LATHE_TRY(config.rope.base, keys.RealOr("rope.freq_base", kRopeBase));
    config.rope_local = {.dims = config.rope.dims};
    LATHE_TRY(config.rope_local.base, keys.RealOr("rope.freq_base_swa", kLocalRopeBase));
    LATHE_TRY(config.sliding_window, keys.Count("attention.sliding_window", kContextMax));
    LATHE_TRY(config.layer_slides, keys.SlidingLayers("attention.sliding_window_pattern",
                                                      kSlidingPeriod, config.layer_count));
    LATHE_TRY(config.attention_softcap, keys.RealOr("attn_logit_softcapping", 0));
    LATHE_TRY(config.logit_softcap, keys.RealOr("final_logit_softcapping", 0));
    uint32_t scalar =
        config.layer_count == kLayersOf27B ? config.width / config.head_count : config.head_dim;
    LATHE_TRY(config.attention_scale, keys.RealOr("attention.scale", InverseSquareRoot(scalar)));
    return {};
}

Status FromHuggingFace(const HfKeys& keys, ModelConfig& config) {
    SetShared(config);
    config.norm_weight_plus_one = true;
    LATHE_RETURN_IF_ERROR(keys.Refuse("attention_bias", "is not supported for gemma3"));
    LATHE_RETURN_IF_ERROR(keys.Refuse("use_bidirectional_attention",
                                      "is for embedding models, which are not supported"));
    LATHE_TRY(float local_base, keys.RealOr("rope_local_base_freq", kLocalRopeBase));
    LATHE_TRY(config.rope_local, ReadHfRope(keys, config, "sliding_attention", local_base));
    LATHE_TRY(config.sliding_window, keys.CountOr("sliding_window", 4096, kContextMax));
    LATHE_TRY(uint32_t old_period,
              keys.CountOr("_sliding_window_pattern", kSlidingPeriod, kLayersMax));
    LATHE_TRY(uint32_t period, keys.CountOr("sliding_window_pattern", old_period, kLayersMax));
    LATHE_TRY(std::optional<std::vector<bool>> types, keys.LayerTypes(config.layer_count));
    for (uint32_t i = 0; i < config.layer_count; ++i)
        config.layer_slides[i] = types ? (*types)[i] : (i + 1) % period != 0;
    LATHE_TRY(config.attention_softcap, keys.SoftcapOr("attn_logit_softcapping", 0));
    LATHE_TRY(config.logit_softcap, keys.SoftcapOr("final_logit_softcapping", 0));
    LATHE_TRY(float scalar, keys.RealOr("query_pre_attn_scalar", 256));
    config.attention_scale = InverseSquareRoot(scalar);
    return {};
}

}  // namespace

constinit const Architecture kGemma3 = {
    .name = "gemma3",
    .huggingface_types = kTypes,
    .huggingface_defaults = {.vocab_size = 262208,
                             .context_length = 131072,
                             .width = 2304,
                             .layer_count = 26,
                             .head_count = 8,
                             .kv_head_count = 4,
                             .head_dim = 256,
                             .feed_forward_width = 9216,
                             .rope_base = kRopeBase,
                             .tied_head = true,
                             .activation = "gelu_pytorch_tanh"},
    .from_gguf = FromGguf,
    .from_huggingface = FromHuggingFace,
};

}  // namespace lathe::model
