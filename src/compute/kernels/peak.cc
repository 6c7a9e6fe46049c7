#include "compute/kernels/peak.h"

#include <time.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace lathe::kernels {
namespace {

// Processor time of this thread: other programs on the machine do not count.
double ThreadSeconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// The best of several rates, in billions a second, summed over the workers:
// `work(worker, rounds)` does a part and returns its size. Rounds grow until a part
// takes `seconds`.
template <typename Work>
double BestRate(platform::Team& team, double seconds, Work work) {
    constexpr int kAttempts = 5;
    std::vector<double> rates(static_cast<size_t>(team.size()));
    size_t rounds = 1;
    double taken = 0;
    auto run = [&] {
        team.Run([&](int worker) {
            double start = ThreadSeconds();
            double done = work(worker, rounds);
            double own = std::max(ThreadSeconds() - start, 1e-9);
            rates[static_cast<size_t>(worker)] = done / own / 1e9;
            if (worker == 0) taken = own;
        });
        return std::accumulate(rates.begin(), rates.end(), 0.0);
    };
    for (run(); taken < seconds && rounds < (size_t{1} << 40); run())
        rounds *= taken < seconds / 20 ? 10 : 2;
    double best = 0;
    for (int attempt = 0; attempt < kAttempts; ++attempt) best = std::max(best, run());
    return best;
}

}  // namespace

MachinePeaks MeasurePeaks(const Table& table, platform::Team& team, const PeakOptions& options) {
    MachinePeaks peaks;
    peaks.threads = team.size();
    peaks.read_bytes = options.read_bytes;
    peaks.int8_gops = BestRate(team, options.seconds,
                               [&](int, size_t rounds) { return table.probe_dots(rounds); });
    peaks.f32_gflops = BestRate(team, options.seconds, [&](int, size_t rounds) {
        return table.probe_multiply_adds(rounds);
    });
    if (table.probe_tiles != nullptr)
        peaks.bf16_gflops = BestRate(team, options.seconds,
                                     [&](int, size_t rounds) { return table.probe_tiles(rounds); });
    std::vector<std::byte> memory(options.read_bytes, std::byte{1});
    auto read = [&](size_t bytes, int worker, size_t rounds) {
        size_t begin = bytes * static_cast<size_t>(worker);
        for (size_t i = 0; i < rounds; ++i) table.probe_read(memory.data() + begin, bytes);
        return static_cast<double>(bytes) * static_cast<double>(rounds);
    };
    size_t share = options.read_bytes / static_cast<size_t>(team.size()) / 4096 * 4096;
    peaks.read_gbps = BestRate(team, options.seconds, [&](int worker, size_t rounds) {
        return read(share, worker, rounds);
    });
    size_t cached = std::min<size_t>(share, size_t{256} << 10);
    peaks.cached_gbps = BestRate(team, options.seconds, [&](int worker, size_t rounds) {
        return read(cached, worker, rounds);
    });
    return peaks;
}

}  // namespace lathe::kernels
