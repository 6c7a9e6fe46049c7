#include "learn/quant/encode.h"

#include <cmath>
#include <vector>

#include "compute/kernels/table.h"
#include "core/base/check.h"
#include "core/platform/cpu.h"
#include "learn/quant/encode_tables.h"

namespace lathe::quant {

using tensor::DType;

std::span<const EncodeTable* const> AvailableEncodeTables() {
    static const std::vector<const EncodeTable*> tables = [] {
        std::vector<const EncodeTable*> all = {&GenericEncodeTable()};
#if defined(__x86_64__)
        platform::CpuFeatures cpu = platform::DetectCpuFeatures();
        if (cpu.avx2) all.push_back(&Avx2EncodeTable());
        if (cpu.avx2 && cpu.avx512) all.push_back(&Avx512EncodeTable());
#endif
        return all;
    }();
    return tables;
}

Result<const EncodeTable*> SelectEncodeTable() {
    LATHE_TRY(const kernels::Table* chosen, kernels::SelectTable(""));
    std::string_view name = chosen->name;
    std::span<const EncodeTable* const> tables = AvailableEncodeTables();
    if (name == "generic") return tables[0];
    if (name == "avx2" || name == "avxvnni") return tables[std::min<size_t>(1, tables.size() - 1)];
    return tables.back();
}

bool UsesImportance(DType type) {
    return tensor::Info(type).block_size > 1 && type != DType::kQ8_0;
}

Status EncodeRows(const EncodeTable& table, DType type, std::span<const float> values, size_t cols,
                  std::span<const float> importance, std::span<std::byte> out) {
    LATHE_CHECK(out.size() == tensor::RowBytes(type, values.size()));
    LATHE_CHECK(cols % tensor::Info(type).block_size == 0 && values.size() % cols == 0);
    LATHE_CHECK(importance.empty() || importance.size() == cols);
    constexpr float kHalfMax = 65504;
    float magnitude = table.magnitude(values.data(), values.size());
    if (!std::isfinite(magnitude))
        return InvalidArgument("holds a value that is not finite; the model is damaged");
    bool halves = type != DType::kF32 && type != DType::kBF16;
    if (halves && magnitude > kHalfMax)
        return InvalidArgument(
            "holds {}, more than the 65504 that {} can scale to; keep the tensor in BF16 or F32",
            magnitude, tensor::Info(type).name);
    table.encode(type, values.data(), values.size(),
                 importance.empty() ? nullptr : importance.data(), cols, out.data());
    return {};
}

}  // namespace lathe::quant
