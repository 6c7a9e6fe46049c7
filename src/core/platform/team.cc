#include "core/platform/team.h"

#include <algorithm>

#include "core/base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lathe::platform {
namespace {

// About 20 to 50 microseconds: longer than the gap between two phases of a step,
// shorter than what another thread on this core would notice.
constexpr int kSpinCount = 2000;

void Relax() {
#if defined(__x86_64__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

// Waits until `value` differs from `old`: spins briefly, then sleeps on the futex.
template <typename T>
void WaitForChange(const std::atomic<T>& value, T old) {
    for (int i = 0; i < kSpinCount; ++i) {
        if (value.load(std::memory_order_acquire) != old) return;
        Relax();
    }
    value.wait(old, std::memory_order_acquire);
}

}  // namespace

Team::Team(int size) : size_(size) {
    LATHE_CHECK(size >= 1);
    threads_.reserve(static_cast<size_t>(size - 1));
    for (int worker = 1; worker < size; ++worker)
        threads_.emplace_back([this, worker] { WorkerLoop(worker); });
}

Team::~Team() {
    stopping_.store(true);
    run_.fetch_add(1, std::memory_order_release);
    run_.notify_all();
}

void Team::RunFunction(WorkerFunction function) {
    if (size_ == 1) return function(0);
    function_ = &function;
    unfinished_.store(size_ - 1, std::memory_order_relaxed);
    run_.fetch_add(1, std::memory_order_release);
    run_.notify_all();
    function(0);
    for (int left = unfinished_.load(std::memory_order_acquire); left != 0;
         left = unfinished_.load(std::memory_order_acquire))
        WaitForChange(unfinished_, left);
}

void Team::WorkerLoop(int worker) {
    uint32_t seen = 0;
    for (;;) {
        WaitForChange(run_, seen);
        ++seen;
        if (stopping_.load()) return;
        (*function_)(worker);
        if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    }
}

void Team::Barrier() {
    if (size_ == 1) return;
    uint32_t phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
        arrived_.store(0, std::memory_order_relaxed);
        phase_.fetch_add(1, std::memory_order_release);
        phase_.notify_all();
    } else {
        WaitForChange(phase_, phase);
    }
}

Range Share(size_t count, int worker, int workers, size_t grain) {
    size_t units = (count + grain - 1) / grain;
    auto part = [&](int index) {
        return std::min(count, units * static_cast<size_t>(index) / static_cast<size_t>(workers) *
                                   grain);
    };
    return {part(worker), part(worker + 1)};
}

}  // namespace lathe::platform
