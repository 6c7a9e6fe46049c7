#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace lathe::platform {

// A non-owning reference to a callable `void(int worker)`.
class WorkerFunction {
public:
    template <typename F>
    WorkerFunction(F& function)  // NOLINT: implicit by intent, as a function_ref
        : object_(&function), call_([](void* object, int worker) {
              (*static_cast<F*>(object))(worker);
          }) {}
    void operator()(int worker) const { call_(object_, worker); }

private:
    void* object_;
    void (*call_)(void*, int);
};

// A fixed set of threads that run one function together, each with its number
// (SPMD). The caller of Run() is worker 0. Inside the function workers may meet at
// Barrier(). Between runs the others wait: a short spin, then asleep, so that an
// idle engine burns no core.
//
//   team.Run([&](int worker) { Phase1(worker); team.Barrier(); Phase2(worker); });
//
// One thread at a time may call Run(); it is not reentrant. Allocates nothing after
// construction.
class Team {
public:
    // `size` workers in all, at least 1.
    explicit Team(int size);
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    int size() const { return size_; }

    template <typename F>
    void Run(F&& function) {
        RunFunction(WorkerFunction(function));
    }

    // Every worker of the current run must call it equally often.
    void Barrier();

private:
    void RunFunction(WorkerFunction function);
    void WorkerLoop(int worker);

    const int size_;
    const WorkerFunction* function_ = nullptr;      // of the current run
    alignas(64) std::atomic<uint32_t> run_{0};      // counts runs; workers wait for a change
    alignas(64) std::atomic<int> unfinished_{0};    // workers still in the current run
    alignas(64) std::atomic<int> arrived_{0};       // at the barrier
    alignas(64) std::atomic<uint32_t> phase_{0};    // counts barriers
    std::atomic<bool> stopping_{false};
    std::vector<std::jthread> threads_;
};

// The part of [0, count) that `worker` of `workers` takes, in units of `grain`.
struct Range {
    size_t begin = 0;
    size_t end = 0;
};
Range Share(size_t count, int worker, int workers, size_t grain = 1);

}  // namespace lathe::platform
