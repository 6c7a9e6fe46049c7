#include "compute/model/tensor_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "compute/modelfile/ggml_types.h"
#include "compute/modelfile/model_package.h"
#include "compute/modelfile/printable.h"

namespace lathe::model {
namespace {

using modelfile::ModelPackage;
using modelfile::Printable;

void PlanLayer(const ModelConfig& c, uint32_t index, std::vector<PlannedTensor>& plan) {
    auto add = [&](std::string_view name, std::vector<uint64_t> shape) {
        plan.push_back({fmt::format("blk.{}.{}", index, name), std::move(shape), true});
    };
    add("attn_norm.weight", {c.width});
    add("attn_q.weight", {c.query_width(), c.width});
    add("attn_k.weight", {c.kv_width(), c.width});
    add("attn_v.weight", {c.kv_width(), c.width});
    add("attn_output.weight", {c.width, c.query_width()});
    if (c.qkv_bias) {
        add("attn_q.bias", {c.query_width()});
        add("attn_k.bias", {c.kv_width()});
        add("attn_v.bias", {c.kv_width()});
    }
    if (c.output_bias) add("attn_output.bias", {c.width});
    if (c.qk_norm) {
        add("attn_q_norm.weight", {c.head_dim});
        add("attn_k_norm.weight", {c.head_dim});
    }
    if (c.post_norms) add("post_attention_norm.weight", {c.width});
    add("ffn_norm.weight", {c.width});
    add("ffn_gate.weight", {c.feed_forward_width, c.width});
    add("ffn_up.weight", {c.feed_forward_width, c.width});
    add("ffn_down.weight", {c.width, c.feed_forward_width});
    if (c.post_norms) add("post_ffw_norm.weight", {c.width});
}

Status CheckShape(const ModelPackage& package, const PlannedTensor& planned) {
    const tensor::TensorView* tensor = package.FindTensor(planned.name);
    if (!tensor) {
        for (const auto& other : package.unsupported_tensors())
            if (other.name == planned.name)
                return MakeError(Code::kUnimplemented,
                                 "{}: tensor '{}' has type {}, which is not supported; use a file "
                                 "of the model whose tensors are {}",
                                 package.path().string(), planned.name, other.type_name,
                                 modelfile::SupportedTypeNames());
        if (!planned.required) return {};
        return InvalidArgument(
            "{}: tensor '{}' is missing; the model is incomplete, download or convert it again",
            package.path().string(), planned.name);
    }
    if (tensor->shape != planned.shape)
        return InvalidArgument(
            "{}: tensor '{}' is [{}], but the model's configuration needs [{}]; "
            "the file is damaged or was converted wrongly",
            package.path().string(), planned.name, fmt::join(tensor->shape, ", "),
            fmt::join(planned.shape, ", "));
    return {};
}

// Tables that some converters store although they follow from the configuration.
bool IsDerived(std::string_view name) {
    return name.ends_with(".attn_rot_embd.weight") || name.ends_with("rotary_emb.inv_freq");
}

// Packers of old checkpoints gave every matrix a bias, also where the model has none.
bool AddsNothing(const tensor::TensorView& tensor) {
    if (!tensor.name.ends_with(".bias") || tensor.source != nullptr) return false;
    std::vector<float> values(tensor.element_count());
    tensor::Dequantize(tensor.type, tensor.data.data(), values);
    return std::ranges::all_of(values, [](float value) { return value == 0; });
}

}  // namespace

std::vector<PlannedTensor> TensorPlan(const ModelConfig& config) {
    std::vector<PlannedTensor> plan;
    plan.push_back({"token_embd.weight", {config.vocab_size, config.width}, true});
    plan.push_back({"rope_freqs.weight", {config.rope.dims / 2}, false});
    for (uint32_t i = 0; i < config.layer_count; ++i) PlanLayer(config, i, plan);
    plan.push_back({"output_norm.weight", {config.width}, true});
    if (!config.tied_head)
        plan.push_back({"output.weight", {config.vocab_size, config.width}, true});
    return plan;
}

Status CheckTensors(const ModelPackage& package, const ModelConfig& config) {
    std::vector<PlannedTensor> plan = TensorPlan(config);
    std::unordered_set<std::string_view> names;
    for (const PlannedTensor& planned : plan) {
        LATHE_RETURN_IF_ERROR(CheckShape(package, planned));
        names.insert(planned.name);
    }
    for (const tensor::TensorView& tensor : package.tensors())
        if (tensor.name.starts_with("blk.") && !names.contains(tensor.name) &&
            !IsDerived(tensor.name) && !AddsNothing(tensor))
            return MakeError(
                Code::kUnimplemented,
                "{}: tensor '{}' is no part of the architecture {} as it is supported; "
                "the model is of another kind than it says",
                package.path().string(), Printable(tensor.name), config.architecture);
    return {};
}

}  // namespace lathe::model
