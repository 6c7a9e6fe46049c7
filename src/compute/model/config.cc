#include "compute/model/config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compute/model/architectures/architecture.h"
#include "compute/model/architectures/limits.h"
#include "compute/model/tensor_plan.h"
#include "compute/modelfile/gguf.h"
#include "compute/modelfile/model_package.h"
#include "compute/modelfile/printable.h"

namespace lathe::model {
namespace {

using modelfile::Printable;

constexpr std::array kArchitectures = {&kLlama, &kQwen2, &kQwen3, &kGemma2, &kGemma3};

bool Within(float value, float least, float most) {
    return std::isfinite(value) && value >= least && value <= most;
}

Status CheckSizes(const ModelConfig& c) {
    if (c.head_dim < 2 || c.head_dim > kHeadDimMax || c.head_dim % 2 != 0)
        return InvalidArgument("heads of {} dimensions are not supported, only even sizes up to {}",
                               c.head_dim, kHeadDimMax);
    if (c.head_count % c.kv_head_count != 0)
        return InvalidArgument("{} query heads cannot share {} key and value heads evenly",
                               c.head_count, c.kv_head_count);
    if (uint64_t{c.head_count} * c.head_dim > kWidthMax)
        return InvalidArgument("{} heads of {} dimensions are more than the limit of {} together",
                               c.head_count, c.head_dim, kWidthMax);
    if (c.layer_slides.size() != c.layer_count)
        return InvalidArgument("{} layers, but {} of them are described", c.layer_count,
                               c.layer_slides.size());
    if (std::ranges::find(c.layer_slides, true) != c.layer_slides.end() && c.sliding_window == 0)
        return InvalidArgument("layers with a sliding window, but its size is not given");
    return {};
}

Status CheckRope(const RopeConfig& rope, uint32_t head_dim) {
    if (rope.dims < 2 || rope.dims > head_dim || rope.dims % 2 != 0)
        return InvalidArgument(
            "the rotary embedding turns {} of a head's {} dimensions, which is "
            "not possible",
            rope.dims, head_dim);
    if (!Within(rope.base, 1.0001f, 1e15f))
        return InvalidArgument("the rotary base is {}, not a number from 1.0001 to 1e15",
                               rope.base);
    if (!Within(rope.factor, 1e-6f, 1e6f))
        return InvalidArgument("the rotary scaling factor is {}, not a number from 1e-6 to 1e6",
                               rope.factor);
    bool uses_context = rope.scaling == RopeScaling::kLlama3 || rope.scaling == RopeScaling::kYarn;
    if (uses_context && !Within(rope.original_context, 1, kContextMax))
        return InvalidArgument("the original context of the rotary scaling is {}, not 1 to {}",
                               rope.original_context, kContextMax);
    if (rope.scaling == RopeScaling::kLlama3 &&
        !(Within(rope.low_frequency_factor, 1e-6f, 1e6f) &&
          Within(rope.high_frequency_factor, 1e-6f, 1e6f) &&
          rope.low_frequency_factor < rope.high_frequency_factor))
        return InvalidArgument("the rotary scaling's frequency factors {} and {} are no range",
                               rope.low_frequency_factor, rope.high_frequency_factor);
    if (rope.scaling == RopeScaling::kYarn &&
        !(Within(rope.beta_fast, 1e-6f, 1e6f) && Within(rope.beta_slow, 1e-6f, 1e6f) &&
          Within(rope.attention_factor, 1e-6f, 1e6f)))
        return InvalidArgument(
            "the rotary scaling's betas {} and {} or its attention factor {} are "
            "out of range",
            rope.beta_fast, rope.beta_slow, rope.attention_factor);
    return {};
}

// What both formats' readers promise the forward pass.
Status CheckConfig(const ModelConfig& c) {
    LATHE_RETURN_IF_ERROR(CheckSizes(c));
    LATHE_RETURN_IF_ERROR(CheckRope(c.rope, c.head_dim));
    LATHE_RETURN_IF_ERROR(CheckRope(c.rope_local, c.head_dim));
    if (!Within(c.norm_epsilon, 0, 0.1f))
        return InvalidArgument("the norm's epsilon is {}, not a number from 0 to 0.1",
                               c.norm_epsilon);
    if (!Within(c.attention_scale, 1e-6f, 1e3f))
        return InvalidArgument("the attention scale is {}, not a number from 1e-6 to 1000",
                               c.attention_scale);
    if (!Within(c.attention_softcap, 0, 1e6f) || !Within(c.logit_softcap, 0, 1e6f))
        return InvalidArgument("the soft caps {} and {} are not numbers from 0 to 1e6",
                               c.attention_softcap, c.logit_softcap);
    return {};
}

Error OfFile(Error error, const std::string& name) {
    error.message =
        fmt::format("{}: {}; the file is damaged or of another kind", name, error.message);
    return error;
}

// The object of a config.json that describes the text model: models that also see
// images nest it.
Result<Json> TextConfig(const Json& config) {
    if (!config.is_object())
        return InvalidArgument("config.json: not a JSON object; download it again");
    auto text = config.find("text_config");
    if (text == config.end() || !text->is_object()) return config;
    Json merged = *text;
    for (const auto& [key, value] : config.items())  // what concerns the whole model
        if (key == "tie_word_embeddings" || key == "quantization_config") merged[key] = value;
    if (!merged.contains("model_type")) merged["model_type"] = config.value("model_type", Json());
    return merged;
}

}  // namespace

std::string SupportedArchitectures() {
    std::string names;
    for (const Architecture* architecture : kArchitectures) {
        if (!names.empty()) names += ", ";
        names += architecture->name;
    }
    return names;
}

Result<ModelConfig> ConfigFromGguf(const modelfile::Gguf& file) {
    LATHE_TRY(std::string_view name, file.GetString("general.architecture"));
    std::string path = file.path().string();
    if (auto type = file.GetString("general.type"); type && *type != "model")
        return MakeError(
            Code::kUnimplemented,
            "{}: the file holds a '{}', not a language model; open the model's own file", path,
            Printable(*type));
    for (const Architecture* architecture : kArchitectures) {
        if (architecture->name != name) continue;
        GgufKeys keys(file, name);
        LATHE_TRY(ModelConfig config, ReadGgufCommon(file, keys));
        config.architecture = name;
        LATHE_RETURN_IF_ERROR(architecture->from_gguf(keys, config));
        if (Status status = CheckConfig(config); !status)
            return std::unexpected(OfFile(status.error(), path));
        return config;
    }
    return MakeError(Code::kUnimplemented,
                     "{}: architecture '{}' is not supported; supported are {}", path,
                     Printable(name), SupportedArchitectures());
}

Result<ModelConfig> ConfigFromHuggingFace(const Json& config_json) {
    LATHE_TRY(Json text, TextConfig(config_json));
    HfKeys keys(text);
    LATHE_TRY(std::string type, keys.StringOr("model_type", ""));
    if (type.empty())
        return InvalidArgument("config.json: \"model_type\" is missing; download the file again");
    for (const Architecture* architecture : kArchitectures) {
        if (std::ranges::find(architecture->huggingface_types, type) ==
            architecture->huggingface_types.end())
            continue;
        LATHE_TRY(ModelConfig config, ReadHfCommon(keys, architecture->huggingface_defaults));
        config.architecture = architecture->name;
        LATHE_RETURN_IF_ERROR(architecture->from_huggingface(keys, config));
        if (Status status = CheckConfig(config); !status)
            return std::unexpected(OfFile(status.error(), "config.json"));
        return config;
    }
    return MakeError(
        Code::kUnimplemented,
        "config.json: model_type \"{}\" is not supported; supported architectures are {}",
        Printable(type), SupportedArchitectures());
}

Result<ModelConfig> ConfigFromPackage(const modelfile::ModelPackage& package) {
    auto config = package.gguf() ? ConfigFromGguf(*package.gguf())
                                 : ConfigFromHuggingFace(package.hf()->config());
    if (!config) {
        if (package.gguf()) return config;  // names the file already
        return std::unexpected(WithContext(config.error(), package.path().string()));
    }
    config->name = package.name();
    LATHE_RETURN_IF_ERROR(CheckTensors(package, *config));
    return config;
}

}  // namespace lathe::model
