#include "compute/model/architectures/hf_keys.h"

#include <algorithm>
#include <cmath>

#include "compute/model/architectures/formulas.h"
#include "compute/model/architectures/limits.h"
#include "compute/modelfile/packing.h"
#include "compute/modelfile/printable.h"

namespace lathe::model {
namespace {

std::string Shown(const Json& value) {
    return modelfile::Printable(DumpJson(value), 60);
}

std::unexpected<Error> Wrong(std::string_view key, const Json& value, std::string_view wanted) {
    return InvalidArgument("config.json: \"{}\" is {}, not {}; correct it or download it again",
                           key, Shown(value), wanted);
}

// 1 to max, also written as 8.0.
std::optional<uint32_t> ToCount(const Json& value, uint32_t max) {
    if (!value.is_number()) return std::nullopt;
    auto number = value.get<double>();
    if (!(number >= 1 && number <= max) || number != std::floor(number)) return std::nullopt;
    return static_cast<uint32_t>(number);
}

// The object that holds the scaling of `layer_type`; nullptr if there is none.
const Json* RopeObject(const HfKeys& keys, std::string_view layer_type) {
    const Json* object = keys.Find("rope_parameters");
    if (object && object->is_object()) {
        auto nested = object->find(std::string(layer_type));
        return nested != object->end() ? &*nested : object;
    }
    object = keys.Find("rope_scaling");
    // Without rope_parameters, sliding layers of their own base are never scaled.
    return layer_type == "full_attention" ? object : nullptr;
}

Status ReadYarn(const HfKeys& scaling, float context, RopeConfig& rope) {
    rope.scaling = RopeScaling::kYarn;
    LATHE_TRY(rope.beta_fast, scaling.RealOr("beta_fast", 32));
    LATHE_TRY(rope.beta_slow, scaling.RealOr("beta_slow", 1));
    LATHE_TRY(rope.original_context, scaling.RealOr("original_max_position_embeddings", context));
    LATHE_TRY(rope.attention_factor,
              scaling.RealOr("attention_factor", YarnAttentionFactor(rope.factor)));
    LATHE_RETURN_IF_ERROR(scaling.Refuse("mscale", "of DeepSeek's YaRN is not supported"));
    LATHE_TRY(bool truncate, scaling.BoolOr("truncate", true));
    if (!truncate) return Wrong("truncate", false, "true, the only way of YaRN that is supported");
    return {};
}

Status ReadLlama3(const HfKeys& scaling, float context, RopeConfig& rope) {
    rope.scaling = RopeScaling::kLlama3;
    LATHE_TRY(rope.low_frequency_factor, scaling.RealOr("low_freq_factor", 1));
    LATHE_TRY(rope.high_frequency_factor, scaling.RealOr("high_freq_factor", 4));
    LATHE_TRY(rope.original_context, scaling.RealOr("original_max_position_embeddings", context));
    return {};
}

}  // namespace

const Json* HfKeys::Find(std::string_view key) const {
    auto found = json_.find(std::string(key));
    return found == json_.end() || found->is_null() ? nullptr : &*found;
}

Result<uint32_t> HfKeys::Count(std::string_view key, uint32_t max) const {
    const Json* value = Find(key);
    if (!value)
        return InvalidArgument("config.json: \"{}\" is missing; download the file again", key);
    if (auto count = ToCount(*value, max)) return *count;
    return Wrong(key, *value, fmt::format("a whole number from 1 to {}", max));
}

Result<uint32_t> HfKeys::CountOr(std::string_view key, uint32_t fallback, uint32_t max) const {
    if (!Find(key) && fallback != 0) return fallback;
    return Count(key, max);
}

Result<float> HfKeys::RealOr(std::string_view key, float fallback) const {
    const Json* value = Find(key);
    if (!value) return fallback;
    if (!value->is_number()) return Wrong(key, *value, "a number");
    return ToFloat(value->get<double>());
}

Result<float> HfKeys::SoftcapOr(std::string_view key, float fallback) const {
    return RealOr(key, Stated(key) ? 0 : fallback);
}

Result<bool> HfKeys::BoolOr(std::string_view key, bool fallback) const {
    const Json* value = Find(key);
    if (!value) return fallback;
    if (!value->is_boolean()) return Wrong(key, *value, "true or false");
    return value->get<bool>();
}

Result<std::string> HfKeys::StringOr(std::string_view key, std::string_view fallback) const {
    const Json* value = Find(key);
    if (!value) return std::string(fallback);
    if (!value->is_string()) return Wrong(key, *value, "a string");
    return value->get<std::string>();
}

Result<std::optional<std::vector<bool>>> HfKeys::LayerTypes(uint32_t layer_count) const {
    const Json* types = Find("layer_types");
    if (!types) return std::nullopt;
    if (!types->is_array() || types->size() != layer_count)
        return Wrong("layer_types", *types, fmt::format("an array of {} entries", layer_count));
    std::vector<bool> slides;
    for (const Json& type : *types) {
        if (type != "sliding_attention" && type != "full_attention")
            return Wrong("layer_types", type, "\"sliding_attention\" or \"full_attention\"");
        slides.push_back(type == "sliding_attention");
    }
    return slides;
}

Status HfKeys::Refuse(std::string_view key, std::string_view why) const {
    const Json* value = Find(key);
    if (!value || *value == false || *value == 0 || value->empty()) return {};
    return MakeError(Code::kUnimplemented, "config.json: \"{}\": {} {}", key, Shown(*value), why);
}

Result<RopeConfig> ReadHfRope(const HfKeys& keys, const ModelConfig& config,
                              std::string_view layer_type, float default_base) {
    static const Json kEmpty = Json::object();
    const Json* object = RopeObject(keys, layer_type);
    if (object && !object->is_object()) return Wrong("rope_scaling", *object, "an object");
    HfKeys scaling(object ? *object : kEmpty);
    RopeConfig rope;
    LATHE_TRY(float outer_share, keys.RealOr("partial_rotary_factor", 1));
    LATHE_TRY(float share, scaling.RealOr("partial_rotary_factor", outer_share));
    if (!(share > 0 && share <= 1))
        return Wrong("partial_rotary_factor", share, "a number above 0, at most 1");
    rope.dims = static_cast<uint32_t>(static_cast<float>(config.head_dim) * share);
    LATHE_TRY(rope.base, scaling.RealOr("rope_theta", default_base));
    LATHE_TRY(std::string old_type, scaling.StringOr("type", "default"));
    LATHE_TRY(std::string type, scaling.StringOr("rope_type", old_type));
    LATHE_TRY(rope.factor, scaling.RealOr("factor", 1));
    auto context = static_cast<float>(config.context_length);
    if (type == "default") {
        rope.factor = 1;
    } else if (type == "linear") {
        rope.scaling = RopeScaling::kLinear;
    } else if (type == "llama3") {
        LATHE_RETURN_IF_ERROR(ReadLlama3(scaling, context, rope));
    } else if (type == "yarn") {
        LATHE_RETURN_IF_ERROR(ReadYarn(scaling, context, rope));
    } else {
        return MakeError(Code::kUnimplemented,
                         "config.json: rope scaling \"{}\" is not supported, only default, linear, "
                         "llama3 and yarn",
                         modelfile::Printable(type));
    }
    return rope;
}

Result<ModelConfig> ReadHfCommon(const HfKeys& keys, const HfDefaults& defaults) {
    ModelConfig config;
    LATHE_TRY(config.layer_count,
              keys.CountOr("num_hidden_layers", defaults.layer_count, kLayersMax));
    LATHE_TRY(config.context_length,
              keys.CountOr("max_position_embeddings", defaults.context_length, kContextMax));
    LATHE_TRY(config.width, keys.CountOr("hidden_size", defaults.width, kWidthMax));
    LATHE_TRY(config.feed_forward_width,
              keys.CountOr("intermediate_size", defaults.feed_forward_width, kFeedForwardMax));
    LATHE_TRY(config.head_count,
              keys.CountOr("num_attention_heads", defaults.head_count, kHeadsMax));
    uint32_t kv_heads = defaults.kv_head_count ? defaults.kv_head_count : config.head_count;
    LATHE_TRY(config.kv_head_count, keys.CountOr("num_key_value_heads", kv_heads, kHeadsMax));
    uint32_t head_dim = defaults.head_dim ? defaults.head_dim : config.width / config.head_count;
    LATHE_TRY(config.head_dim, keys.CountOr("head_dim", head_dim, kHeadDimMax));
    LATHE_TRY(config.vocab_size, keys.CountOr("vocab_size", defaults.vocab_size, kVocabularyMax));
    LATHE_TRY(config.norm_epsilon, keys.RealOr("rms_norm_eps", 1e-6f));
    LATHE_TRY(config.tied_head, keys.BoolOr("tie_word_embeddings", defaults.tied_head));
    LATHE_TRY(std::string old_name, keys.StringOr("hidden_act", defaults.activation));
    LATHE_TRY(std::string activation, keys.StringOr("hidden_activation", old_name));
    if (activation != defaults.activation &&
        !(activation == "gelu" && defaults.activation == "gelu_pytorch_tanh"))
        return MakeError(Code::kUnimplemented,
                         "config.json: activation \"{}\" is not supported for this architecture, "
                         "only \"{}\"",
                         modelfile::Printable(activation), defaults.activation);
    if (const Json* section = keys.Find("quantization_config"))
        LATHE_RETURN_IF_ERROR(modelfile::PackingOf(Json{{"quantization_config", *section}}));
    LATHE_TRY(float base, keys.RealOr("rope_theta", defaults.rope_base));
    LATHE_TRY(config.rope, ReadHfRope(keys, config, "full_attention", base));
    config.rope_local = config.rope;
    config.layer_slides.assign(config.layer_count, false);
    config.attention_scale = InverseSquareRoot(config.head_dim);
    config.rope_pairs = RopePairs::kHalves;
    return config;
}

}  // namespace lathe::model
