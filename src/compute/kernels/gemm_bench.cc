// GEMM and GEMV over the shapes of small models. `share` is the part of the int8 (or
// float) peak that the same process measured on one core, `GBps` what is read of the
// weights. Cold: as many matrices in turn as exceed the last-level cache.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>

#include "compute/kernels/peak.h"
#include "compute/kernels/test_data.h"
#include "core/platform/cpu.h"

namespace lathe::kernels {
namespace {

const Table& BenchTable() {
    static const Table* table = SelectTable("").value();
    return *table;
}

const MachinePeaks& Peaks() {
    static const MachinePeaks peaks = [] {
        platform::Team team(1);
        return MeasurePeaks(BenchTable(), team, PeakOptions());
    }();
    return peaks;
}

struct Case {
    tensor::DType type;
    size_t cols;
    size_t outputs;
    size_t rows;
    bool f32 = false;
    bool cold = false;
    bool bf16 = false;
};

void RunGemm(benchmark::State& state, const Case& test) {
    Random random(1);
    auto data = RandomWeights(test.type, test.outputs, test.cols, random);
    size_t copies = test.cold ? (size_t{96} << 20) / data.size() + 1 : 1;
    std::vector<PackedMatrix> weights;
    for (size_t i = 0; i < copies; ++i)
        weights.push_back(PackedMatrix::Pack(test.type, test.outputs, test.cols, data.data()));
    auto x = RandomFloats(test.rows * test.cols, random);
    Quantized codes(test.rows, test.cols);
    const Table& table = BenchTable();
    for (size_t row = 0; row < test.rows; ++row)
        table.quantize_row(&x[row * test.cols], test.cols, codes.view, row);
    Bf16 halves(test.rows, test.cols);
    if (test.bf16)
        for (size_t row = 0; row < test.rows; ++row)
            table.to_bf16_row(&x[row * test.cols], test.cols, halves.view, row);
    std::vector<float> y(test.rows * test.outputs);
    std::vector<float> scratch(table.gemm_scratch_floats(weights[0]));
    size_t next = 0;
    for (auto _ : state) {
        const PackedMatrix& w = weights[next++ % copies];
        PanelRange all = {0, w.panel_count()};
        if (test.f32)
            table.gemm_f32(w, all, {x.data(), test.cols, test.rows}, {y.data(), test.outputs},
                           scratch.data());
        else if (test.bf16)
            table.gemm_bf16(w, all, halves.view, {y.data(), test.outputs}, scratch.data());
        else
            table.gemm_i8(w, all, codes.view, {y.data(), test.outputs}, scratch.data());
        benchmark::DoNotOptimize(y.data());
        benchmark::ClobberMemory();
    }
    double ops = 2.0 * static_cast<double>(test.rows * test.outputs * test.cols);
    double peak = test.f32    ? Peaks().f32_gflops
                  : test.bf16 ? Peaks().bf16_gflops
                              : Peaks().int8_gops;
    using benchmark::Counter;
    state.counters["GOPS"] = Counter(ops / 1e9, Counter::kIsIterationInvariantRate);
    state.counters["share"] = Counter(ops / 1e9 / peak, Counter::kIsIterationInvariantRate);
    state.counters["GBps"] =
        Counter(static_cast<double>(weights[0].bytes()) / 1e9, Counter::kIsIterationInvariantRate);
}

void RunPack(benchmark::State& state, tensor::DType type) {
    Random random(1);
    auto data = RandomWeights(type, 1536, 1536, random);
    PackedMatrix matrix = PackedMatrix::Allocate(type, 1536, 1536);
    for (auto _ : state) matrix.PackPanels({0, matrix.panel_count()}, data.data());
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * data.size()));
}

void RunPeak(benchmark::State& state, int threads) {
    platform::Team team(threads);
    for (auto _ : state) {
        MachinePeaks peaks = MeasurePeaks(BenchTable(), team, PeakOptions());
        state.counters["int8_GOPS"] = peaks.int8_gops;
        state.counters["f32_GFLOPS"] = peaks.f32_gflops;
        state.counters["bf16_GFLOPS"] = peaks.bf16_gflops;
        state.counters["memory_GBps"] = peaks.read_gbps;
        state.counters["cached_GBps"] = peaks.cached_gbps;
    }
}

void Register(const Case& test) {
    std::string name = fmt::format("{}/{}/{}x{}/M{}{}",
                                   test.f32    ? "f32"
                                   : test.bf16 ? "bf16"
                                               : "i8",
                                   tensor::Info(test.type).name, test.cols, test.outputs, test.rows,
                                   test.cold ? "/cold" : "");
    benchmark::RegisterBenchmark(name.c_str(), RunGemm, test)->Unit(benchmark::kMicrosecond);
}

int RegisterAll() {
    using tensor::DType;
    for (int threads = 1; threads <= platform::UsableCores(); threads *= 2)
        benchmark::RegisterBenchmark(fmt::format("peak/{}", threads).c_str(), RunPeak, threads)
            ->Iterations(1);
    constexpr std::pair<size_t, size_t> kShapes[] = {
        {576, 1536}, {576, 128}, {1536, 576}, {576, 576}, {896, 4864}, {640, 2048}};
    for (auto [cols, outputs] : kShapes)
        for (DType type : {DType::kQ4_1, DType::kQ4_0, DType::kQ5_0, DType::kQ8_0})
            for (size_t rows : {1, 2, 4, 8, 16, 32, 128, 512})
                Register({type, cols, outputs, rows});
    if (BenchTable().gemm_bf16 != nullptr)
        for (auto [cols, outputs] : kShapes)
            for (DType type : {DType::kQ4_1, DType::kQ5_0, DType::kQ8_0, DType::kQ4_0})
                for (size_t rows : {1, 16, 32, 128, 512})
                    Register({type, cols, outputs, rows, false, false, true});
    for (const tensor::DTypeInfo& info : tensor::AllDTypes())
        if (info.block_size > 1)
            for (size_t rows : {1, 4, 16, 128}) Register({info.type, 1536, 1536, rows});
    for (DType type :
         {DType::kQ4_1, DType::kQ4_0, DType::kQ5_0, DType::kQ8_0, DType::kQ4_K, DType::kQ6_K})
        Register({type, 1536, 1536, 1, false, true});
    for (DType type : {DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_1, DType::kQ8_0})
        for (size_t rows : {1, 2, 4, 6, 8, 10, 11, 12, 16, 24, 128, 512})
            Register({type, 576, 1536, rows, true});
    for (const tensor::DTypeInfo& info : tensor::AllDTypes())
        benchmark::RegisterBenchmark(fmt::format("pack/{}", info.name).c_str(), RunPack, info.type)
            ->Unit(benchmark::kMicrosecond);
    return 0;
}

const int kRegistered = RegisterAll();

}  // namespace
}  // namespace lathe::kernels
