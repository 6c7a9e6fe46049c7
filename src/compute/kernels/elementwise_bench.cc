#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

enum class Op { kRmsNorm, kQuantize, kSiluMul, kGeluMul, kMaxAndSumExp, kRopeHalves };

void RunOp(benchmark::State& state, Op op, size_t n) {
    const Table& table = *SelectTable("").value();
    Random random(1);
    auto x = RandomFloats(n, random), weight = RandomFloats(n, random);
    std::vector<float> y = x;
    Quantized codes(1, n);
    float max = 0;
    double sum = 0;
    for (auto _ : state) {
        switch (op) {
            case Op::kRmsNorm:
                table.rms_norm(x.data(), weight.data(), 1e-5f, n, y.data());
                break;
            case Op::kQuantize:
                table.quantize_row(x.data(), n, codes.view, 0);
                break;
            case Op::kSiluMul:
                table.silu_mul(y.data(), weight.data(), n);
                break;
            case Op::kGeluMul:
                table.gelu_mul(y.data(), weight.data(), n);
                break;
            case Op::kMaxAndSumExp:
                table.max_and_sum_exp(x.data(), n, &max, &sum);
                break;
            case Op::kRopeHalves:
                table.rope_halves(y.data(), weight.data(), n);
                break;
        }
        benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * n));
}

int RegisterAll() {
    struct Named {
        const char* name;
        Op op;
        size_t n;
    };
    for (const Named& op :
         {Named{"rms_norm", Op::kRmsNorm, 576}, Named{"quantize_row", Op::kQuantize, 576},
          Named{"silu_mul", Op::kSiluMul, 1536}, Named{"gelu_mul", Op::kGeluMul, 2048},
          Named{"max_and_sum_exp", Op::kMaxAndSumExp, 49152},
          Named{"rope_halves", Op::kRopeHalves, 64}})
        benchmark::RegisterBenchmark(fmt::format("{}/{}", op.name, op.n).c_str(), RunOp, op.op,
                                     op.n);
    return 0;
}

const int kRegistered = RegisterAll();

}  // namespace
}  // namespace lathe::kernels
