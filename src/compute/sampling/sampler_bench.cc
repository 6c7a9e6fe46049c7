#include <benchmark/benchmark.h>

#include <random>

#include "compute/sampling/logprobs.h"
#include "compute/sampling/sampler.h"

namespace lathe::sampling {
namespace {

// Logits shaped like a model's: a wide bell with a few tokens far above it.
std::vector<float> ModelLikeRow(size_t size) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(-5, 3);
    std::vector<float> row(size);
    for (float& x : row) x = normal(random);
    for (int i = 0; i < 20; ++i) row[random() % size] = 8 + static_cast<float>(random() % 8);
    return row;
}

void Run(benchmark::State& state, const SamplingParams& params) {
    std::vector<float> row = ModelLikeRow(static_cast<size_t>(state.range(0)));
    Scratch scratch;
    Sampler sampler(params, 1, 0);
    for (auto _ : state) {
        TokenId token = sampler.Choose(row, {}, scratch).value();
        benchmark::DoNotOptimize(token);
        sampler.Accept(token);
    }
}

void BM_Logprobs(benchmark::State& state) {
    std::vector<float> row = ModelLikeRow(static_cast<size_t>(state.range(0)));
    Scratch scratch;
    std::vector<TokenLogprob> top;
    for (auto _ : state) {
        RowLogprobs(row, scratch).Top(8, top);
        benchmark::DoNotOptimize(top.data());
    }
}

#define SAMPLER_BENCH(name, ...) \
    BENCHMARK_CAPTURE(Run, name, SamplingParams{__VA_ARGS__})->Arg(49152)->Arg(262144)

SAMPLER_BENCH(greedy, .temperature = 0);
SAMPLER_BENCH(plain, .temperature = 1);
SAMPLER_BENCH(top_k_50, .top_k = 50);
SAMPLER_BENCH(top_p_0_9, .top_p = 0.9f);
SAMPLER_BENCH(hot_top_p_0_9, .temperature = 50, .top_p = 0.9f);
SAMPLER_BENCH(min_p_0_05, .min_p = 0.05f);
SAMPLER_BENCH(typical_0_9, .typical_p = 0.9f);
SAMPLER_BENCH(top_k_50_penalized, .top_k = 50, .repetition_penalty = 1.1f);
BENCHMARK(BM_Logprobs)->Arg(49152)->Arg(262144);

}  // namespace
}  // namespace lathe::sampling
