#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "compute/engine/fair_queue.h"
#include "compute/engine/page_sharing.h"
#include "compute/engine/sequence.h"
#include "core/base/result.h"

namespace lathe::engine {

struct SchedulerOptions {
    uint32_t page_count = 0;
    int32_t page_tokens = 0;
    int32_t sequences_max = 0;        // running at once; not above tokens_per_step_max
    int32_t tokens_per_step_max = 0;  // rows of a step
    bool shares_prefixes = true;
    // A slice is of prompt or of text, and pages of text are not found by prompts.
    bool tells_prompts_apart = false;
};

// Decides what a step runs: first a row for every sequence that is generating, then
// chunks of prompts, of those that run and of those that wait, in order, as long as rows
// and pages last. A step of few rows and no prompt has room for drafts: tokens that a
// sequence may go on with, tried before they are known. Knows neither texts nor threads nor time,
// so that a simulation can drive it.
//
//   Add --> waiting --admission--> running --Finish--> done
//              ^                      |
//              +------preemption------+   pages run out: the last in order gives up all
//                                         of its pages; its tokens are computed again
//
// The order is (promoted, priority, rows served to the tenant, arrival, index); it
// stands still during a step. Nobody starves: the first in order is never preempted
// and moves on in every step, and who has suffered enough is promoted (fair_queue.h);
// among the promoted the first stays the first until it ends. The head of the queue is
// never passed over because it is large, only while another sequence computes what it
// begins with (page_sharing.h).
//
//   loop: Plan() --> run the slices --> Confirm drafts --> Commit() --> Append or Finish
//
// Engine thread only. Steps that admit nothing and preempt nothing allocate no memory.
class Scheduler {
public:
    static constexpr int32_t kOvertakenMax = FairQueue::kOvertakenMax;
    static constexpr int32_t kDraftRowsMax =
        4;  // rows of a step that has drafts: what the weights' stream covers

    // Consecutive tokens of one sequence to run in this step.
    struct Slice {
        Sequence* sequence = nullptr;
        int32_t begin = 0;
        int32_t count = 0;   // known tokens
        int32_t drafts = 0;  // tokens to try after them, at most Sequence::drafts
    };

    static Result<Scheduler> Create(const SchedulerOptions& options);

    // Queues a request. It stays the caller's and where it is until it is removed.
    // Requires: fits(length_max).
    void Add(ScheduledRequest& request);

    // Finishes what is left of a request, frees all of its pages and forgets it.
    void Remove(ScheduledRequest& request);

    // The next step, empty only if no request is left. Valid until Commit. Of prompts
    // it takes at most `prefill_rows_max` rows, which is at least 1.
    std::span<const Slice> Plan(int32_t prefill_rows_max = INT32_MAX);

    // Pages to copy before the planned slices run, in this order.
    std::span<const PageSharing::Copy> copies() const { return pages_.copies(); }

    // The first drafts of a planned slice, which has run, were right: they are tokens of
    // the sequence. The others leave no trace.
    void Confirm(size_t slice, std::span<const TokenId> drafts);

    // The planned slices were computed.
    void Commit();

    // One more token of a running sequence is known. Requires: left() == 0.
    void Append(Sequence& sequence, TokenId token);

    // The sequence, running or waiting, needs no more steps: frees its pages.
    void Finish(Sequence& sequence);

    // Whether a sequence of so many tokens fits when it is alone.
    bool fits(int32_t length) const {
        return static_cast<size_t>(pages_.PagesFor(length)) <= pool().page_count();
    }

    const SchedulerOptions& options() const { return options_; }
    const PageSharing& pages() const { return pages_; }
    const kvcache::PagePool& pool() const { return pages_.pool(); }
    std::span<Sequence* const> running() const { return running_; }  // in order
    int32_t generating() const;  // sequences that run and have one row left
    size_t waiting_requests() const { return waiting_.size(); }
    uint64_t preemptions() const { return preemptions_; }

    // Recounts every reference to every page; aborts if the accounts are wrong.
    // `requests`: all that were added and not removed. For tests.
    void CheckAccounts(std::span<ScheduledRequest* const> requests) const;

private:
    Scheduler(const SchedulerOptions& options, PageSharing pages);

    void PlanSlice(Sequence& sequence, int32_t count);
    int32_t PlanChunk(Sequence& sequence, int32_t rows);
    static void Charge(Sequence& sequence, int32_t end);
    int32_t PlanDecode();
    void PlanDrafts();
    int32_t DraftsThatFit(Sequence& sequence, int32_t count);
    void PlanPrefill(int32_t rows, bool admits);
    bool Admit(int32_t& rows, const Sequence* before);
    bool Grow(Sequence& sequence);
    void NotePrompt(const Sequence& sequence);
    void Preempt(Sequence& sequence);
    void CountOvertaken(const ScheduledRequest& by);
    void Promote();
    void Enter(Sequence& sequence);
    void Leave(Sequence& sequence);

    SchedulerOptions options_;
    PageSharing pages_;
    FairQueue waiting_;                  // requests with a waiting sequence
    std::vector<Sequence*> running_;     // in order
    std::vector<Sequence*> prefilling_;  // of them, when the step began
    std::vector<Slice> slices_;
    uint64_t preemptions_ = 0;
};

}  // namespace lathe::engine
