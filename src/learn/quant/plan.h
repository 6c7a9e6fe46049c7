#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "learn/quant/source.h"

namespace lathe::quant {

// `pattern` matches whole names of tensors; `*` stands for any text, `?` for one character.
struct TypeOverride {
    std::string pattern;
    tensor::DType type = tensor::DType::kF16;
};

// "blk.*.attn_v.weight=Q6_K". Errors name the option, the pattern and the types there are.
Result<TypeOverride> ParseOverride(std::string_view text);

bool Matches(std::string_view pattern, std::string_view name);

// The type that each tensor of a source is going to have, in the source's order.
struct Plan {
    std::vector<tensor::DType> types;
    uint32_t file_type = 0;  // GGUF's general.file_type

    uint64_t FileBytes(const Source& source) const;
};

// The mix, then the overrides in their order (the last that matches wins). Errors
// (kInvalidArgument): an override that matches no matrix, or a type that does not fit the
// rows of a matrix it names.
Result<Plan> PlanMix(const Source& source, const Mix& mix, std::span<const TypeOverride> overrides,
                     bool has_importance);

// Changes the types of the matrices that overrides name. Errors as PlanMix's.
Status ApplyOverrides(const Source& source, std::span<const TypeOverride> overrides, Plan& plan);

}  // namespace lathe::quant
