#include "compute/engine/scheduler.h"

#include <algorithm>

#include "core/base/check.h"

namespace lathe::engine {
namespace {

Sequence& FirstWaiting(ScheduledRequest& request) {
    auto found = std::ranges::find(request.sequences, Sequence::State::kWaiting, &Sequence::state);
    LATHE_CHECK(found != request.sequences.end());
    return *found;
}

}  // namespace

Result<Scheduler> Scheduler::Create(const SchedulerOptions& options) {
    LATHE_CHECK(options.sequences_max >= 1);
    LATHE_CHECK(options.sequences_max <= options.tokens_per_step_max);
    LATHE_TRY(PageSharing pages,
              PageSharing::Create({options.page_count, options.page_tokens, options.shares_prefixes,
                                   options.tells_prompts_apart}));
    return Scheduler(options, std::move(pages));
}

Scheduler::Scheduler(const SchedulerOptions& options, PageSharing pages)
    : options_(options), pages_(std::move(pages)) {
    running_.reserve(static_cast<size_t>(options.sequences_max));
    prefilling_.reserve(static_cast<size_t>(options.sequences_max));
    slices_.reserve(static_cast<size_t>(options.sequences_max));
}

void Scheduler::Add(ScheduledRequest& request) {
    LATHE_CHECK(!request.spec.prompt.empty());
    LATHE_CHECK(request.spec.prompt.size() <= static_cast<size_t>(request.spec.length_max));
    LATHE_CHECK(fits(request.spec.length_max));
    pages_.SetKeys(request);
    request.waiting = static_cast<int32_t>(request.sequences.size());
    waiting_.Arrive(request);
}

void Scheduler::Remove(ScheduledRequest& request) {
    for (Sequence& sequence : request.sequences)
        if (sequence.state != Sequence::State::kDone) Finish(sequence);
    pages_.DropPromptEnd(request);
    waiting_.Depart(request);
}

int32_t Scheduler::generating() const {
    return static_cast<int32_t>(std::ranges::count(running_, 1, &Sequence::left));
}

std::span<const Scheduler::Slice> Scheduler::Plan(int32_t prefill_rows_max) {
    LATHE_CHECK(prefill_rows_max >= 1);
    slices_.clear();
    waiting_.BeginStep();
    std::ranges::sort(running_, RanksBefore);
    uint64_t preemptions_before = preemptions_;
    int32_t decode_rows = PlanDecode();
    int32_t rows = std::min(options_.tokens_per_step_max - decode_rows, prefill_rows_max);
    // What was just preempted must not come back before the others have moved on.
    PlanPrefill(rows, /*admits=*/preemptions_ == preemptions_before);
    if (slices_.size() == static_cast<size_t>(decode_rows)) PlanDrafts();
    Promote();
    return slices_;
}

void Scheduler::PlanSlice(Sequence& sequence, int32_t count) {
    slices_.push_back({&sequence, sequence.computed, count});
    Charge(sequence, sequence.computed + count);
}

// As many of the next tokens as may be one slice of at most `rows`; returns how many.
int32_t Scheduler::PlanChunk(Sequence& sequence, int32_t rows) {
    auto prompt = static_cast<int32_t>(sequence.request->spec.prompt.size());
    int32_t count = std::min(rows, sequence.left());
    if (options_.tells_prompts_apart && sequence.computed < prompt &&
        !sequence.request->has_continuations())
        count = std::min(count, prompt - sequence.computed);
    PlanSlice(sequence, count);
    return count;
}

// Charges a row when it is planned first, not when it is repeated after a preemption; one
// of a draft when it turns out to be right.
void Scheduler::Charge(Sequence& sequence, int32_t end) {
    int32_t fresh = end - std::max(sequence.charged, sequence.computed);
    if (fresh <= 0) return;
    FairQueue::Charge(*sequence.request, fresh);
    sequence.charged = end;
}

// Walks from the first in order; victims are taken from the last, so that a planned
// sequence is never preempted. Returns the rows.
int32_t Scheduler::PlanDecode() {
    for (size_t i = 0; i < running_.size(); ++i) {
        Sequence& sequence = *running_[i];
        LATHE_CHECK(sequence.left() >= 1);
        if (sequence.left() == 1 && Grow(sequence)) PlanSlice(sequence, 1);
    }
    return static_cast<int32_t>(slices_.size());
}

// Deals out what is left of the few rows with which a step costs little more than with one.
void Scheduler::PlanDrafts() {
    auto slices = static_cast<int32_t>(slices_.size());
    int32_t rows = std::min(kDraftRowsMax, options_.tokens_per_step_max) - slices;
    for (int32_t i = 0; i < slices && rows > 0; ++i) {
        Slice& slice = slices_[static_cast<size_t>(i)];
        int32_t share = (rows + slices - i - 1) / (slices - i);
        slice.drafts = DraftsThatFit(*slice.sequence, std::min(share, slice.sequence->drafts));
        rows -= slice.drafts;
    }
}

// As many of `count` as have slots. A guess preempts nobody, and takes no page of those
// that are left for running sequences to grow.
int32_t Scheduler::DraftsThatFit(Sequence& sequence, int32_t count) {
    count = std::min(count, sequence.request->spec.length_max - sequence.length);
    auto pages = [&] { return static_cast<int32_t>(sequence.pages.size()); };
    while (pages_.PagesFor(sequence.length + count) > pages())
        if (pool().free_count() <= running_.size() || !pages_.TryGrow(sequence)) break;
    return std::min(count, pages() * options_.page_tokens - sequence.length);
}

void Scheduler::PlanPrefill(int32_t rows, bool admits) {
    prefilling_.clear();
    for (Sequence* sequence : running_)
        if (sequence->left() > 1) prefilling_.push_back(sequence);
    waiting_.Rewind();
    for (Sequence* sequence : prefilling_) {
        if (admits) admits = Admit(rows, sequence);
        if (rows == 0) return;
        if (!pages_.Advance(*sequence)) continue;
        rows -= PlanChunk(*sequence, rows);
    }
    if (admits) Admit(rows, nullptr);
}

// Gives places to those who wait, as far as they rank before `before`. False if there is
// no room for the next one, so that nobody may get a place who comes after it.
bool Scheduler::Admit(int32_t& rows, const Sequence* before) {
    while (ScheduledRequest* request = waiting_.Best()) {
        if (rows == 0 || running_.size() == static_cast<size_t>(options_.sequences_max))
            return false;
        Sequence& sequence = FirstWaiting(*request);
        if (before != nullptr && !RanksBefore(&sequence, before)) return true;
        PageSharing::Match match = pages_.Look(sequence);
        bool stands_on_first =
            request->computes_prompt || (request->has_continuations() && !request->prompt_done);
        if (match.waits || (stands_on_first && sequence.index > 0)) {
            waiting_.Skip(*request);
            continue;
        }
        // Each running sequence has a page left to grow: that spares most preemptions.
        if (!pages_.TryTake(sequence, match, /*spare=*/running_.size())) return false;
        if (--request->waiting == 0) {
            waiting_.Erase(*request);
            pages_.DropPromptEnd(*request);  // copies are made before anybody writes there
        }
        Enter(sequence);
        CountOvertaken(*request);
        rows -= PlanChunk(sequence, rows);
    }
    return true;
}

// A page for the next token. False if the sequence itself had to be preempted.
bool Scheduler::Grow(Sequence& sequence) {
    if (sequence.pages.size() > static_cast<size_t>(sequence.computed / options_.page_tokens))
        return true;
    while (!pages_.TryGrow(sequence)) {
        Sequence& victim = *running_.back();
        Preempt(victim);
        if (&victim == &sequence) return false;
    }
    return true;
}

void Scheduler::Preempt(Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    pages_.Drop(sequence);
    Leave(sequence);
    sequence.state = Sequence::State::kWaiting;
    if (request.waiting++ == 0) waiting_.Insert(request);
    ++request.preemptions;
    ++preemptions_;
}

void Scheduler::Confirm(size_t slice, std::span<const TokenId> drafts) {
    Slice& planned = slices_[slice];
    LATHE_CHECK(drafts.size() <= static_cast<size_t>(planned.drafts));
    Sequence& sequence = *planned.sequence;
    sequence.tokens.insert(sequence.tokens.end(), drafts.begin(), drafts.end());
    sequence.length += static_cast<int32_t>(drafts.size());
    planned.count += static_cast<int32_t>(drafts.size());
    Charge(sequence, planned.begin + planned.count);
}

void Scheduler::Commit() {
    for (const Slice& slice : slices_) {
        LATHE_CHECK(slice.sequence->computed == slice.begin);
        slice.sequence->computed += slice.count;
        pages_.Commit(*slice.sequence, slice.begin);
        NotePrompt(*slice.sequence);
    }
    pages_.ForgetCopies();
    slices_.clear();
}

// Lets the other continuations of a prompt begin when it is computed.
void Scheduler::NotePrompt(const Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    bool computed = sequence.computed >= static_cast<int32_t>(request.spec.prompt.size());
    if (!request.has_continuations() || request.prompt_done || !computed) return;
    request.prompt_done = true;
    if (request.waiting > 0) pages_.KeepPromptEnd(sequence);
}

void Scheduler::Append(Sequence& sequence, TokenId token) {
    LATHE_CHECK(sequence.state == Sequence::State::kRunning && sequence.left() == 0);
    ++sequence.length;
    sequence.tokens.push_back(token);
    LATHE_CHECK(sequence.length <= sequence.request->spec.length_max);
}

void Scheduler::Finish(Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    if (sequence.state == Sequence::State::kRunning) {
        pages_.Drop(sequence);
        Leave(sequence);
    } else {
        LATHE_CHECK(sequence.state == Sequence::State::kWaiting);
        if (--request.waiting == 0) waiting_.Erase(request);
    }
    sequence.state = Sequence::State::kDone;
    sequence.tokens = {};
    sequence.keys = {};
}

void Scheduler::Enter(Sequence& sequence) {
    sequence.state = Sequence::State::kRunning;
    ++sequence.request->running;
    running_.insert(std::ranges::upper_bound(running_, &sequence, RanksBefore), &sequence);
}

void Scheduler::Leave(Sequence& sequence) {
    --sequence.request->running;
    std::erase(running_, &sequence);
}

// `by` got a place: whoever came before it and still waits for rows was overtaken.
void Scheduler::CountOvertaken(const ScheduledRequest& by) {
    waiting_.CountOvertaken(by);
    for (Sequence* sequence : running_)
        if (sequence->left() > 1 && FairQueue::Overtakes(by, *sequence->request))
            ++sequence->request->overtaken;
}

void Scheduler::Promote() {
    bool promoted = waiting_.Promote();
    for (Sequence* sequence : running_) {
        if (!FairQueue::Due(*sequence->request)) continue;
        sequence->request->promoted = true;
        promoted = true;
    }
    if (promoted) std::ranges::sort(running_, RanksBefore);
}

void Scheduler::CheckAccounts(std::span<ScheduledRequest* const> requests) const {
    size_t running = 0;
    size_t with_waiting = 0;
    for (ScheduledRequest* request : requests) {
        int32_t waiting = 0;
        for (const Sequence& sequence : request->sequences) {
            bool runs = sequence.state == Sequence::State::kRunning;
            LATHE_CHECK(runs || sequence.pages.empty());
            LATHE_CHECK(pages_.PagesFor(sequence.computed) <=
                            static_cast<int32_t>(sequence.pages.size()) ||
                        !runs);
            LATHE_CHECK(!runs || sequence.tokens.size() == static_cast<size_t>(sequence.length));
            running += runs;
            waiting += sequence.state == Sequence::State::kWaiting;
        }
        LATHE_CHECK(waiting == request->waiting);
        LATHE_CHECK((waiting > 0) == waiting_.contains(*request));
        with_waiting += waiting > 0;
    }
    LATHE_CHECK(running == running_.size());
    LATHE_CHECK(with_waiting == waiting_.size());
    LATHE_CHECK(running <= static_cast<size_t>(options_.sequences_max));
    LATHE_CHECK(std::ranges::is_sorted(running_, RanksBefore));
    pages_.CheckAccounts(requests);
}

}  // namespace lathe::engine
