#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "compute/kvcache/page_pool.h"
#include "core/base/result.h"

namespace lathe::engine {

using kvcache::PageId;

struct ScheduledRequest;

// One completion of a request, as the scheduler sees it: how many tokens it has and
// which pages hold their keys and values.
struct Sequence {
    enum class State : uint8_t { kWaiting, kRunning, kDone };

    ScheduledRequest* request = nullptr;
    int32_t index = 0;  // among the request's completions
    State state = State::kWaiting;
    int32_t length = 0;         // tokens known: prompt and text
    int32_t computed = 0;       // of them, how many are in the pages
    int32_t shared = 0;         // of them, how many came with shared pages at admission
    std::vector<PageId> pages;  // page table

    int32_t left() const { return length - computed; }
};

// A request in the scheduler: its completions, its place in the order, and the full
// pages of its prompt once they are computed, which all its completions share.
struct ScheduledRequest {
    // `arrival` rises from request to request; `length_max` is the most tokens a
    // completion can need in the pages.
    ScheduledRequest(uint64_t arrival, int32_t priority, int32_t completions, int32_t prompt_length,
                     int32_t length_max);
    ScheduledRequest(const ScheduledRequest&) = delete;
    ScheduledRequest& operator=(const ScheduledRequest&) = delete;

    const uint64_t arrival;
    const int32_t priority;  // lower runs first
    const int32_t prompt_length;
    const int32_t length_max;
    std::vector<Sequence> sequences;  // [completions]

    // The scheduler's own:
    bool promoted = false;  // has suffered enough: before all priorities
    int32_t overtaken = 0;  // by requests that arrived later
    int32_t preemptions = 0;
    int32_t waiting = 0;  // sequences by state
    int32_t running = 0;
    std::vector<PageId> prefix;  // a reference of the request's own to each page
};

struct SchedulerOptions {
    uint32_t page_count = 0;
    int32_t page_tokens = 0;
    int32_t sequences_max = 0;        // running at once; not above tokens_per_step_max
    int32_t tokens_per_step_max = 0;  // rows of a step
};

// Decides what a step runs: first a row for every sequence that is generating, then
// chunks of prompts, oldest first, then what waits, as long as rows and pages last.
// Knows neither texts nor threads nor time, so that a simulation can drive it.
//
//   Add --> waiting --admission--> running --Finish--> done
//              ^                      |
//              +------preemption------+   pages run out: the last in order gives up all
//                                         of its pages; its tokens are computed again
//
// The order is (promoted, priority, arrival, index). Nobody starves: the first in
// order is never preempted and moves on in every step; a request that later ones have
// overtaken kOvertakenMax times, or that was preempted kPreemptionsMax times, is
// promoted. The head of the queue is never passed over because it is large.
//
// A page with more than one reference is full and never written: completions of one
// request share the full pages of their prompt, and each computes the rest itself.
//
//   loop: Plan() --> run the slices --> Commit() --> Append or Finish
//
// Engine thread only.
class Scheduler {
public:
    static constexpr int32_t kOvertakenMax = 32;
    static constexpr int32_t kPreemptionsMax = 3;

    // Consecutive tokens of one sequence to run in this step.
    struct Slice {
        Sequence* sequence = nullptr;
        int32_t begin = 0;
        int32_t count = 0;
    };

    static Result<Scheduler> Create(const SchedulerOptions& options);

    // Queues a request. It stays the caller's and where it is until it is removed.
    // Requires: fits(request.length_max).
    void Add(ScheduledRequest& request);

    // Finishes what is left of a request, frees all of its pages and forgets it.
    void Remove(ScheduledRequest& request);

    // The next step, empty only if no request is left. Valid until Commit.
    std::span<const Slice> Plan();

    // The planned slices were computed.
    void Commit();

    // One more token of a running sequence is known. Requires: left() == 0.
    void Append(Sequence& sequence);

    // The sequence, running or waiting, needs no more steps: frees its pages.
    void Finish(Sequence& sequence);

    // Whether a sequence of so many tokens fits when it is alone.
    bool fits(int32_t length) const {
        return static_cast<size_t>(PagesFor(length)) <= pool_.page_count();
    }
    int32_t PagesFor(int32_t length) const;

    const SchedulerOptions& options() const { return options_; }
    const kvcache::PagePool& pool() const { return pool_; }
    std::span<Sequence* const> running() const { return running_; }  // in order
    size_t waiting_requests() const { return waiting_.size(); }
    uint64_t preemptions() const { return preemptions_; }

    // Recounts every reference to every page; aborts if the accounts are wrong.
    // `requests`: all that were added and not removed. For tests.
    void CheckAccounts(std::span<ScheduledRequest* const> requests) const;

private:
    struct RequestOrder {
        bool operator()(const ScheduledRequest* a, const ScheduledRequest* b) const;
    };

    Scheduler(const SchedulerOptions& options, kvcache::PagePool pool);

    void PlanDecode(int32_t& rows);
    void PlanPrefill(int32_t& rows);
    void AdmitWaiting(int32_t& rows);
    bool TryAdmit(Sequence& sequence);
    bool Grow(Sequence& sequence);
    void Preempt(Sequence& sequence);
    bool DropIdlePrefix(const ScheduledRequest* except);
    void DropPrefix(ScheduledRequest& request);
    void SharePrefix(Sequence& sequence);
    void ReleasePages(Sequence& sequence);
    void CountOvertaken(const ScheduledRequest& by);
    void Promote();
    int32_t PrefixPages(const ScheduledRequest& request) const;
    void Enter(Sequence& sequence);
    void Leave(Sequence& sequence);

    SchedulerOptions options_;
    kvcache::PagePool pool_;
    std::set<ScheduledRequest*, RequestOrder> waiting_;  // with a waiting sequence
    std::vector<Sequence*> running_;                     // in order
    std::vector<ScheduledRequest*> with_prefix_;         // that hold a prefix
    std::vector<Slice> slices_;
    uint64_t preemptions_ = 0;
};

}  // namespace lathe::engine
