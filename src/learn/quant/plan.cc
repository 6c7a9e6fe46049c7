#include "learn/quant/plan.h"

#include <algorithm>

#include "compute/modelfile/ggml_types.h"
#include "compute/modelfile/printable.h"

namespace lathe::quant {
namespace {

using tensor::DType;

Status Apply(const Source& source, const TypeOverride& override, Plan& plan) {
    bool any = false;
    const tensor::DTypeInfo& info = tensor::Info(override.type);
    for (size_t i = 0; i < source.tensors().size(); ++i) {
        const SourceTensor& tensor = source.tensors()[i];
        if (!Matches(override.pattern, tensor.name)) continue;
        if (!IsQuantizable(tensor.name, tensor.shape.size())) continue;
        if (tensor.cols() % info.block_size != 0)
            return InvalidParam("tensor-type",
                                "--tensor-type {}={}: {} has rows of {} elements, which are no "
                                "whole blocks of {}; {} would fit",
                                override.pattern, info.name, tensor.name, tensor.cols(),
                                info.block_size,
                                tensor::Info(FittingType(override.type, tensor.cols())).name);
        plan.types[i] = override.type;
        any = true;
    }
    if (any) return {};
    return InvalidParam("tensor-type",
                        "--tensor-type {}={} matches no matrix of the model; `lathe inspect "
                        "--tensors` shows their names",
                        override.pattern, info.name);
}

}  // namespace

Result<TypeOverride> ParseOverride(std::string_view text) {
    size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0)
        return InvalidParam("tensor-type",
                            "--tensor-type {}: not of the form PATTERN=TYPE, as "
                            "blk.*.attn_v.weight=Q6_K",
                            modelfile::Printable(text, 80));
    std::string name(text.substr(equals + 1));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    auto type = tensor::DTypeFromName(name);
    if (!type)
        return InvalidParam("tensor-type", "--tensor-type {}: the type is none of {}",
                            modelfile::Printable(text, 80), modelfile::SupportedTypeNames());
    return TypeOverride{std::string(text.substr(0, equals)), *type};
}

bool Matches(std::string_view pattern, std::string_view name) {
    // Where the last `*` stood, and how much of the name it stands for.
    size_t p = 0, n = 0, star = std::string_view::npos, after_star = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after_star = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++after_star;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

uint64_t Plan::FileBytes(const Source& source) const {
    std::vector<modelfile::GgufTensor> tensors;
    for (size_t i = 0; i < types.size(); ++i) {
        const SourceTensor& tensor = source.tensors()[i];
        tensors.push_back({tensor.name, static_cast<uint32_t>(types[i]), tensor.shape});
    }
    return modelfile::GgufWriter::FileBytes(source.metadata(), tensors);
}

Result<Plan> PlanMix(const Source& source, const Mix& mix, std::span<const TypeOverride> overrides,
                     bool has_importance) {
    Plan plan;
    plan.file_type = mix.file_type;
    MixModel model = source.mix_model();
    model.has_importance = has_importance;
    for (const SourceTensor& tensor : source.tensors()) {
        bool quantized = IsQuantizable(tensor.name, tensor.shape.size());
        // Vectors stay as they are, in the precision that every program reads.
        DType kept = tensor::Info(tensor.type).block_size == 1 ? DType::kF32 : tensor.type;
        plan.types.push_back(quantized ? TypeInMix(mix, model, tensor.name, tensor.cols()) : kept);
    }
    LATHE_RETURN_IF_ERROR(ApplyOverrides(source, overrides, plan));
    return plan;
}

Status ApplyOverrides(const Source& source, std::span<const TypeOverride> overrides, Plan& plan) {
    for (const TypeOverride& override : overrides)
        LATHE_RETURN_IF_ERROR(Apply(source, override, plan));
    return {};
}

}  // namespace lathe::quant
