#include "compute/model/architectures/gguf_keys.h"

#include <algorithm>

#include "compute/model/architectures/formulas.h"
#include "compute/model/architectures/limits.h"
#include "compute/modelfile/gguf.h"
#include "compute/modelfile/printable.h"

namespace lathe::model {
namespace {

using modelfile::Gguf;
using modelfile::GgufValue;

// Rows of the embedding matrix; a file without one (or whose type is not supported)
// still says how many tokens it has.
Result<uint32_t> VocabularySize(const Gguf& file, const GgufKeys& keys) {
    uint64_t size = 0;
    if (const tensor::TensorView* embedding = file.FindTensor("token_embd.weight")) {
        size = embedding->rows();
    } else if (keys.Has("vocab_size")) {
        return keys.Count("vocab_size", kVocabularyMax);
    } else if (const GgufValue* tokens = file.Find("tokenizer.ggml.tokens")) {
        size = tokens->count();
    }
    if (size < 1 || size > kVocabularyMax)
        return InvalidArgument(
            "{}: the vocabulary has {} tokens, not 1 to {}; the file is damaged or no language "
            "model",
            file.path().string(), size, kVocabularyMax);
    return static_cast<uint32_t>(size);
}

Result<RopeConfig> ReadRope(const Gguf& file, const GgufKeys& keys, const ModelConfig& config) {
    RopeConfig rope;
    LATHE_TRY(rope.dims, keys.CountOr("rope.dimension_count", config.head_dim, kHeadDimMax));
    LATHE_TRY(rope.base, keys.RealOr("rope.freq_base", 10000));
    // Files of 2023 know only linear scaling, under a key of its own.
    bool old_linear = keys.Has("rope.scale_linear") && !keys.Has("rope.scaling.type");
    LATHE_TRY(std::string_view type,
              keys.StringOr("rope.scaling.type", old_linear ? "linear" : "none"));
    LATHE_TRY(rope.factor,
              keys.RealOr(old_linear ? "rope.scale_linear" : "rope.scaling.factor", 1));
    if (type == "none" || type.empty()) {
        rope.factor = 1;
    } else if (type == "linear") {
        rope.scaling = RopeScaling::kLinear;
    } else if (type == "yarn") {
        rope.scaling = RopeScaling::kYarn;
        LATHE_TRY(float attention, keys.RealOr("rope.scaling.attn_factor", 1));
        LATHE_TRY(rope.beta_fast, keys.RealOr("rope.scaling.yarn_beta_fast", 32));
        LATHE_TRY(rope.beta_slow, keys.RealOr("rope.scaling.yarn_beta_slow", 1));
        LATHE_TRY(rope.original_context, keys.RealOr("rope.scaling.original_context_length",
                                                     static_cast<float>(config.context_length)));
        rope.attention_factor = attention * YarnAttentionFactor(rope.factor);
    } else {
        return MakeError(Code::kUnimplemented,
                         "{}: rope scaling '{}' is not supported, only none, linear, yarn, and "
                         "Llama 3's frequency factors",
                         file.path().string(), modelfile::Printable(type));
    }
    return rope;
}

}  // namespace

GgufKeys::GgufKeys(const Gguf& file, std::string_view architecture)
    : file_(file), prefix_(std::string(architecture) + ".") {}

std::string GgufKeys::Full(std::string_view key) const {
    return prefix_ + std::string(key);
}

bool GgufKeys::Has(std::string_view key) const {
    return file_.Find(Full(key)) != nullptr;
}

bool GgufKeys::HasTensor(std::string_view name) const {
    return file_.FindTensor(name) != nullptr ||
           std::ranges::any_of(file_.unsupported_tensors(),
                               [&](const auto& tensor) { return tensor.name == name; });
}

Result<uint32_t> GgufKeys::Count(std::string_view key, uint32_t max) const {
    LATHE_TRY(uint64_t value, file_.GetUnsigned(Full(key)));
    if (value < 1 || value > max)
        return InvalidArgument(
            "{}: metadata key '{}' is {}, not 1 to {}; the file is damaged, download it again",
            file_.path().string(), Full(key), value, max);
    return static_cast<uint32_t>(value);
}

Result<uint32_t> GgufKeys::CountOr(std::string_view key, uint32_t fallback, uint32_t max) const {
    if (!Has(key)) return fallback;
    return Count(key, max);
}

Result<float> GgufKeys::RealOr(std::string_view key, float fallback) const {
    if (!Has(key)) return fallback;
    LATHE_TRY(double value, file_.GetReal(Full(key)));
    return ToFloat(value);
}

Result<std::string_view> GgufKeys::StringOr(std::string_view key, std::string_view fallback) const {
    if (!Has(key)) return fallback;
    return file_.GetString(Full(key));
}

Result<std::vector<bool>> GgufKeys::SlidingLayers(std::string_view key, uint32_t default_period,
                                                  uint32_t layer_count) const {
    std::vector<bool> slides(layer_count);
    const GgufValue* value = file_.Find(Full(key));
    if (value && value->type() == modelfile::GgufType::kArray) {
        LATHE_TRY(std::vector<int64_t> flags, file_.GetIntegers(Full(key)));
        if (flags.size() != layer_count)
            return InvalidArgument(
                "{}: metadata key '{}' has {} entries for {} layers; the file is "
                "damaged, download it again",
                file_.path().string(), Full(key), flags.size(), layer_count);
        for (uint32_t i = 0; i < layer_count; ++i) slides[i] = flags[i] != 0;
        return slides;
    }
    LATHE_TRY(uint32_t period, CountOr(key, default_period, kLayersMax));
    for (uint32_t i = 0; i < layer_count; ++i) slides[i] = (i + 1) % period != 0;
    return slides;
}

Result<ModelConfig> ReadGgufCommon(const Gguf& file, const GgufKeys& keys) {
    ModelConfig config;
    config.name = file.path().stem().string();
    if (auto name = file.GetString("general.name"); name && !name->empty())
        config.name = modelfile::Printable(*name);
    LATHE_TRY(config.layer_count, keys.Count("block_count", kLayersMax));
    LATHE_TRY(config.context_length, keys.Count("context_length", kContextMax));
    LATHE_TRY(config.width, keys.Count("embedding_length", kWidthMax));
    LATHE_TRY(config.feed_forward_width, keys.Count("feed_forward_length", kFeedForwardMax));
    LATHE_TRY(config.head_count, keys.Count("attention.head_count", kHeadsMax));
    LATHE_TRY(config.kv_head_count,
              keys.CountOr("attention.head_count_kv", config.head_count, kHeadsMax));
    LATHE_TRY(config.head_dim,
              keys.CountOr("attention.key_length", config.width / config.head_count, kHeadDimMax));
    LATHE_TRY(uint32_t value_dim,
              keys.CountOr("attention.value_length", config.head_dim, kHeadDimMax));
    if (value_dim != config.head_dim)
        return MakeError(Code::kUnimplemented,
                         "{}: keys have {} dimensions a head but values {}; only equal sizes are "
                         "supported",
                         file.path().string(), config.head_dim, value_dim);
    LATHE_TRY(config.norm_epsilon, keys.RealOr("attention.layer_norm_rms_epsilon", 1e-5f));
    LATHE_TRY(config.vocab_size, VocabularySize(file, keys));
    LATHE_TRY(config.rope, ReadRope(file, keys, config));
    config.rope_local = config.rope;
    config.layer_slides.assign(config.layer_count, false);
    config.attention_scale = InverseSquareRoot(config.head_dim);
    config.tied_head = !keys.HasTensor("output.weight");
    config.qkv_bias = keys.HasTensor("blk.0.attn_q.bias");
    config.output_bias = keys.HasTensor("blk.0.attn_output.bias");
    return config;
}

}  // namespace lathe::model
