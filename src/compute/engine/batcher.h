#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compute/constraint/mask_worker.h"
#include "compute/engine/engine.h"
#include "compute/engine/generation.h"
#include "compute/engine/model_runner.h"
#include "compute/engine/scheduler.h"
#include "compute/engine/step_budget.h"
#include "compute/engine/text_stream.h"
#include "compute/sampling/sampler.h"
#include "compute/sampling/scratch.h"
#include "compute/tokenizer/tokenizer.h"

namespace lathe::engine {

// The engine without its thread: requests in, one step at a time, events out. The
// same calls give the same events, so a simulation can drive it.
//
//   Step: schedule --> forward (rows are sampled as their logits come) --> events
//
// When few rows run, a slice also tries tokens that are only guessed (draft.h). They are
// kept as far as they are what would have been drawn anyway: tokens, text and finish are
// the same as without, only sooner.
//
// A step in which all sequences go on generating allocates no memory, but for what
// events must carry.
//
// Engine thread only.
class Batcher {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Clock = std::function<TimePoint()>;

    // `runner` and `tokenizer` outlive it. `options` with all values filled in.
    static Result<std::unique_ptr<Batcher>> Create(ModelRunner& runner,
                                                   const tokenizer::Tokenizer& tokenizer,
                                                   const EngineOptions& options, Clock clock);
    Batcher(const Batcher&) = delete;
    Batcher& operator=(const Batcher&) = delete;
    ~Batcher();

    // Queues a request. Requires: it passed PrepareRequest and has a seed; ids rise.
    void Add(RequestId id, GenerationRequest request, EventSink sink, TimePoint submitted);

    // Ends a request with kCancelled and frees its pages. Does nothing if it is over.
    void Cancel(RequestId id);
    void CancelAll();

    // Runs one step. False if there was nothing to run: no request is left.
    bool Step();

    bool idle() const { return requests_.empty(); }
    int32_t waiting() const { return waiting_; }  // requests of which nothing has run yet
    // Requests that ended since the last call.
    std::vector<RequestId> TakeEnded();
    EngineStats stats() const;

    const Scheduler& scheduler() const { return scheduler_; }
    // For tests: aborts if an account is wrong.
    void CheckAccounts() const;

private:
    struct Completion;
    struct Request;
    struct Draw;
    struct RowWork;

    Batcher(ModelRunner& runner, const tokenizer::Tokenizer& tokenizer, Scheduler scheduler,
            const EngineOptions& options, Clock clock);

    Request& Find(const ScheduledRequest& scheduled);
    void Start(Request& request, Sequence& sequence, TimePoint now);
    void PrepareSlice(const Scheduler::Slice& slice, TimePoint now);
    void CountRows(double seconds);
    uint32_t TopNeeded(const RowWork& work) const;
    void Visit(size_t slice, size_t token, const LogitsRow& row);
    void Score(RowWork& work, int32_t position, const sampling::RowLogprobs& logprobs);
    void Sample(RowWork& work, size_t ahead, std::span<const float> logits,
                sampling::Scratch& scratch);
    void SampleTop(RowWork& work, size_t ahead, const LogitsRow& row, sampling::Scratch& scratch);
    bool MayDraft(const Request& request) const;
    void ProposeDrafts();
    static std::span<const TokenId> RowsWithDrafts(RowWork& work);
    void ConfirmDrafts();
    void Settle(RowWork& work, TimePoint now);
    static void WantContinuation(const RowWork& work, SequenceSlice& slice);
    void ScoreContinuation(RowWork& work, int32_t position, std::span<const float> logits,
                           sampling::Scratch& scratch);
    void SettleContinuation(RowWork& work, TimePoint now);
    void SendContinuation(Request& request, Sequence& sequence, TimePoint now);
    void AttachPromptScores(Request& request, GenerationEvent& event);
    static void SetNotFinite(GenerationEvent& event);
    void AcceptDraws(RowWork& work, TimePoint now, GenerationEvent& event);
    void AcceptToken(RowWork& work, ScoredToken& chosen, TimePoint now, GenerationEvent& event);
    bool FollowGrammar(RowWork& work, TokenId token, GenerationEvent& event);
    void EndText(RowWork& work, TokenId token, GenerationEvent& event);
    void Send(Request& request, Sequence& sequence, TimePoint now, GenerationEvent& event);
    GenerationEvent& NewEvent(const Request& request, const Sequence& sequence);

    ModelRunner& runner_;
    const tokenizer::Tokenizer& tokenizer_;
    const EngineOptions options_;
    Scheduler scheduler_;
    StepBudget budget_;
    Clock clock_;
    sampling::ScratchPool scratches_;
    constraint::MaskWorker masks_;
    LogitsVisitor visitor_;

    std::map<RequestId, std::unique_ptr<Request>> requests_;  // by arrival
    std::vector<RequestId> ended_;
    int32_t waiting_ = 0;

    // Of the current step.
    std::vector<SequenceSlice> slices_;
    std::vector<RowWork> work_;
    GenerationEvent event_;  // its buffers serve again if the sink leaves them

    uint64_t prompt_tokens_ = 0;
    uint64_t generation_tokens_ = 0;
    uint64_t steps_ = 0;
    uint64_t prefill_rows_ = 0;
    uint64_t decode_rows_ = 0;
    uint64_t draft_tokens_ = 0;
    uint64_t accepted_tokens_ = 0;
};

}  // namespace lathe::engine
