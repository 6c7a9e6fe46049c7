#include "fit/machine_here.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "bench/bench_text.h"
#include "bench/step_bench.h"
#include "compute/engine/local_runner.h"
#include "compute/kernels/peak.h"
#include "core/platform/cpu.h"
#include "service/registry/model_facts.h"

namespace lathe::app {
namespace {

constexpr int kDepth = 128;   // tokens before the decoded ones
constexpr int kSteps = 6;     // of a run
constexpr int kPrompt = 256;  // tokens, one step
constexpr int kRuns = 4;

double ProcessorSeconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Processor time of each thread, as the machine's rates are measured: threads spin while
// they wait for each other, so that this is the time that passes, but for what other
// processes took.
template <typename Run>
double BestOf(int threads, Run&& run) {
    run();  // warms up
    double best = std::numeric_limits<double>::max();
    for (int i = 0; i < kRuns; ++i) {
        double start = ProcessorSeconds();
        run();
        best = std::min(best, (ProcessorSeconds() - start) / threads);
    }
    return best;
}

}  // namespace

Result<MachineHere> MachineHere::Create(const std::string& kernels, int threads) {
    MachineHere here;
    LATHE_TRY(here.table_, kernels::SelectTable(kernels));
    here.team_ = std::make_unique<platform::Team>(threads > 0 ? threads : platform::UsableCores());
    here.memory_bytes_ = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                         static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    return here;
}

advise::Machine MachineHere::For(double step_bytes) {
    // Three sizes are enough to see caches, and each takes its time.
    size_t bytes = size_t{64} << 20;
    while (bytes < size_t{1} << 30 && static_cast<double>(bytes) < step_bytes) bytes *= 4;
    auto [found, fresh] = measured_.try_emplace(bytes);
    if (!fresh) return found->second;
    kernels::MachinePeaks peaks =
        kernels::MeasurePeaks(*table_, *team_, {.seconds = 0.015, .read_bytes = bytes});
    found->second = {.name = "here",
                     .title = "this machine",
                     .kind = advise::MachineKind::kCpu,
                     .memory_gbps = peaks.read_gbps,
                     .product_tops = peaks.int8_gops / 1e3,
                     .float_tflops = peaks.f32_gflops / 1e3,
                     .memory_gib = static_cast<double>(memory_bytes_) / (1 << 30),
                     .source = "measured"};
    return found->second;
}

Result<MeasuredModel> MeasureModel(const modelfile::ModelPackage& package,
                                   const std::string& kernels, int threads) {
    LATHE_TRY(auto tokenizer, registry::LoadTokenizer(package));
    LATHE_TRY(auto config, model::ConfigFromPackage(package));
    constexpr uint64_t kPagesEach = (kDepth + kSteps) / kernels::kPageTokens + 1;
    uint64_t page_bytes = model::Runner::PageBytes(config, kernels::KvType::kF16);
    LATHE_TRY(auto runner,
              engine::LocalRunner::Create(
                  package, {.kv_type = kernels::KvType::kF16,
                            .kernels = kernels,
                            .threads = threads,
                            .context_length = 2 * kPrompt,
                            .batch_tokens_max = kPrompt,
                            .kv_bytes = page_bytes * kPagesEach * StepBench::kSequencesMax}));
    StepBench bench(*runner,
                    tokenizer.Encode(kBenchText, {.add_special = false, .parse_special = false}));
    MeasuredModel out{.work = advise::WorkOf(config, package), .speed = {}};
    out.speed.depth = kDepth + kSteps / 2.0;
    out.speed.prompt_tokens = kPrompt;
    out.speed.prompt_seconds = BestOf(runner->threads(), [&] { return bench.Prefill(kPrompt); });
    out.speed.one_row_seconds =
        BestOf(runner->threads(), [&] { return bench.Decode(1, kDepth, kSteps); }) / kSteps;
    out.speed.more_rows_seconds =
        BestOf(runner->threads(),
               [&] { return bench.Decode(advise::kCalibrationRows, kDepth, kSteps); }) /
        kSteps;
    return out;
}

}  // namespace lathe::app
