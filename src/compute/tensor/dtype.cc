#include "compute/tensor/dtype.h"

#include <algorithm>
#include <array>

#include "core/base/check.h"

namespace lathe::tensor {
namespace {

constexpr std::array<DTypeInfo, 14> kTypes = {{
    {DType::kF32, "F32", 1, 4},
    {DType::kF16, "F16", 1, 2},
    {DType::kQ4_0, "Q4_0", 32, 18},
    {DType::kQ4_1, "Q4_1", 32, 20},
    {DType::kQ5_0, "Q5_0", 32, 22},
    {DType::kQ5_1, "Q5_1", 32, 24},
    {DType::kQ8_0, "Q8_0", 32, 34},
    {DType::kQ2_K, "Q2_K", 256, 84},
    {DType::kQ3_K, "Q3_K", 256, 110},
    {DType::kQ4_K, "Q4_K", 256, 144},
    {DType::kQ5_K, "Q5_K", 256, 176},
    {DType::kQ6_K, "Q6_K", 256, 210},
    {DType::kIQ4_NL, "IQ4_NL", 32, 18},
    {DType::kBF16, "BF16", 1, 2},
}};

}  // namespace

std::span<const DTypeInfo> AllDTypes() {
    return kTypes;
}

const DTypeInfo& Info(DType type) {
    auto found = std::ranges::find(kTypes, type, &DTypeInfo::type);
    LATHE_CHECK(found != kTypes.end());
    return *found;
}

std::optional<DType> DTypeFromGgml(uint32_t number) {
    for (const DTypeInfo& info : kTypes)
        if (static_cast<uint32_t>(info.type) == number) return info.type;
    return std::nullopt;
}

std::optional<DType> DTypeFromName(std::string_view name) {
    for (const DTypeInfo& info : kTypes)
        if (info.name == name) return info.type;
    return std::nullopt;
}

size_t RowBytes(DType type, size_t elements) {
    const DTypeInfo& info = Info(type);
    LATHE_CHECK(elements % info.block_size == 0);
    return elements / info.block_size * info.block_bytes;
}

}  // namespace lathe::tensor
