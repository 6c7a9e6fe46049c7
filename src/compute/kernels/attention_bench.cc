// Attention of one KV head: decode (one row, the heads of a group) and prefill.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>

#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

struct Case {
    size_t tokens;
    size_t rows;
    size_t group;
    size_t head_dim;
    KvType type = KvType::kF16;
    bool bf16 = false;
};

void RunAttend(benchmark::State& state, const Case& test) {
    const Table& table = *SelectTable("").value();
    Random random(1);
    size_t pages = (test.tokens + kPageTokens - 1) / kPageTokens;
    size_t bytes = KvKeyPageBytes(test.type, test.head_dim);
    std::vector<std::byte> memory(2 * pages * bytes + 64);
    std::vector<const void*> keys, values;
    for (size_t page = 0; page < pages; ++page) {
        keys.push_back(&memory[2 * page * bytes]);
        values.push_back(&memory[(2 * page + 1) * bytes]);
    }
    for (size_t token = 0; token < test.tokens; ++token) {
        auto row = RandomFloats(test.head_dim, random);
        size_t page = token / kPageTokens;
        table.store_kv({test.type, test.head_dim, token % kPageTokens, row.data(), row.data(),
                        &memory[2 * page * bytes], &memory[(2 * page + 1) * bytes]});
    }
    auto queries = RandomFloats(test.rows * test.group * test.head_dim, random);
    std::vector<float> out(queries.size());
    AttentionTask task;
    task.queries = queries.data();
    task.query_head_stride = test.head_dim;
    task.query_row_stride = test.group * test.head_dim;
    task.out = out.data();
    task.key_pages = keys.data();
    task.value_pages = values.data();
    task.kv_type = test.type;
    task.row_count = test.rows;
    task.group = test.group;
    task.head_dim = test.head_dim;
    task.first_position = test.tokens - test.rows;
    task.scale = 1 / std::sqrt(static_cast<float>(test.head_dim));
    std::vector<float> scratch(table.attention_scratch_floats(task));
    task.scratch = scratch.data();
    for (auto _ : state) {
        (test.bf16 ? table.attend_bf16 : table.attend)(task);
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    double seen = static_cast<double>(test.rows) *
                  (static_cast<double>(test.tokens) - static_cast<double>(test.rows - 1) / 2);
    double ops = 4.0 * seen * static_cast<double>(test.group * test.head_dim);
    using benchmark::Counter;
    state.counters["GFLOPS"] = Counter(ops / 1e9, Counter::kIsIterationInvariantRate);
    state.counters["GBps"] =
        Counter(static_cast<double>(memory.size()) / 1e9, Counter::kIsIterationInvariantRate);
}

int RegisterAll() {
    std::vector<Case> cases = {Case{128, 1, 3, 64},
                               Case{512, 1, 3, 64},
                               Case{2048, 1, 3, 64},
                               Case{2048, 1, 7, 64},
                               Case{2048, 1, 4, 256},
                               Case{2048, 1, 1, 128},
                               Case{128, 128, 3, 64},
                               Case{512, 512, 3, 64},
                               Case{512, 512, 7, 64},
                               Case{512, 512, 4, 256},
                               Case{2048, 64, 3, 64},
                               Case{512, 512, 3, 64, KvType::kF32},
                               Case{512, 1, 3, 64, KvType::kI8},
                               Case{512, 512, 3, 64, KvType::kI8},
                               Case{512, 512, 4, 256, KvType::kI8}};
    if (SelectTable("").value()->attend_bf16 != nullptr)
        for (KvType type : {KvType::kF16, KvType::kI8})
            for (size_t rows : {16, 32}) {
                cases.push_back({512, rows, 3, 64, type, true});
                cases.push_back({512, rows, 7, 64, type, true});
                cases.push_back({512, rows, 4, 256, type, true});
            }
    for (const Case& test : cases)
        benchmark::RegisterBenchmark(
            fmt::format("attend{}/{}/tokens{}/rows{}/group{}/dim{}", test.bf16 ? "_bf16" : "",
                        test.type == KvType::kF16  ? "f16"
                        : test.type == KvType::kI8 ? "i8"
                                                   : "f32",
                        test.tokens, test.rows, test.group, test.head_dim)
                .c_str(),
            RunAttend, test)
            ->Unit(benchmark::kMicrosecond);
    return 0;
}

const int kRegistered = RegisterAll();

}  // namespace
}  // namespace lathe::kernels
