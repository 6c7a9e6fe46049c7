// Weights encoded a second, by type, instruction set and with or without importance.
#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "learn/quant/encode.h"

namespace lathe::quant {
namespace {

constexpr size_t kCols = 1024;
constexpr size_t kRows = 64;

void Encode(benchmark::State& state, const EncodeTable* table, tensor::DType type, bool weighed) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.05f);
    std::vector<float> values(kRows * kCols);
    for (float& value : values) value = normal(random);
    std::vector<float> importance(weighed ? kCols : 0, 1);
    std::vector<std::byte> out(tensor::RowBytes(type, values.size()));
    for (auto _ : state) {
        auto status = EncodeRows(*table, type, values, kCols, importance, out);
        benchmark::DoNotOptimize(status);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(values.size()));
}

const int kRegistered = [] {
    for (const EncodeTable* table : AvailableEncodeTables())
        for (const tensor::DTypeInfo& info : tensor::AllDTypes())
            for (bool weighed : {false, true}) {
                if (weighed && !UsesImportance(info.type)) continue;
                std::string name = std::string(info.name) + (weighed ? "/weighed/" : "/plain/") +
                                   std::string(table->name);
                benchmark::RegisterBenchmark(name.c_str(), Encode, table, info.type, weighed);
            }
    return 0;
}();

}  // namespace
}  // namespace lathe::quant
