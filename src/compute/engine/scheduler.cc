#include "compute/engine/scheduler.h"

#include <algorithm>
#include <tuple>

#include "core/base/check.h"

namespace lathe::engine {
namespace {

auto Rank(const ScheduledRequest& request) {
    return std::tuple(!request.promoted, request.promoted ? 0 : request.priority, request.arrival);
}

bool RanksBefore(const Sequence* a, const Sequence* b) {
    return std::tuple(Rank(*a->request), a->index) < std::tuple(Rank(*b->request), b->index);
}

Sequence& FirstWaiting(ScheduledRequest& request) {
    auto found = std::ranges::find(request.sequences, Sequence::State::kWaiting, &Sequence::state);
    LATHE_CHECK(found != request.sequences.end());
    return *found;
}

}  // namespace

ScheduledRequest::ScheduledRequest(uint64_t arrival_number, int32_t request_priority,
                                   int32_t completions, int32_t tokens, int32_t tokens_max)
    : arrival(arrival_number),
      priority(request_priority),
      prompt_length(tokens),
      length_max(tokens_max),
      sequences(static_cast<size_t>(completions)) {
    for (size_t i = 0; i < sequences.size(); ++i) {
        sequences[i].request = this;
        sequences[i].index = static_cast<int32_t>(i);
        sequences[i].length = prompt_length;
    }
}

bool Scheduler::RequestOrder::operator()(const ScheduledRequest* a,
                                         const ScheduledRequest* b) const {
    return Rank(*a) < Rank(*b);
}

Result<Scheduler> Scheduler::Create(const SchedulerOptions& options) {
    LATHE_CHECK(options.page_tokens >= 1);
    LATHE_CHECK(options.sequences_max >= 1);
    LATHE_CHECK(options.sequences_max <= options.tokens_per_step_max);
    LATHE_TRY(kvcache::PagePool pool, kvcache::PagePool::Create(options.page_count));
    return Scheduler(options, std::move(pool));
}

Scheduler::Scheduler(const SchedulerOptions& options, kvcache::PagePool pool)
    : options_(options), pool_(std::move(pool)) {
    running_.reserve(static_cast<size_t>(options.sequences_max));
    slices_.reserve(static_cast<size_t>(options.sequences_max));
}

int32_t Scheduler::PagesFor(int32_t length) const {
    return (length + options_.page_tokens - 1) / options_.page_tokens;
}

// The last token of a prompt is always computed: its logits are wanted.
int32_t Scheduler::PrefixPages(const ScheduledRequest& request) const {
    if (request.sequences.size() == 1) return 0;
    return (request.prompt_length - 1) / options_.page_tokens;
}

void Scheduler::Add(ScheduledRequest& request) {
    LATHE_CHECK(request.prompt_length >= 1 && request.length_max >= request.prompt_length);
    LATHE_CHECK(fits(request.length_max));
    request.waiting = static_cast<int32_t>(request.sequences.size());
    waiting_.insert(&request);
}

void Scheduler::Remove(ScheduledRequest& request) {
    for (Sequence& sequence : request.sequences)
        if (sequence.state != Sequence::State::kDone) Finish(sequence);
    DropPrefix(request);
}

std::span<const Scheduler::Slice> Scheduler::Plan() {
    slices_.clear();
    int32_t rows = options_.tokens_per_step_max;
    uint64_t preemptions_before = preemptions_;
    PlanDecode(rows);
    PlanPrefill(rows);
    // What was just preempted must not come back before the others have moved on.
    if (preemptions_ == preemptions_before) AdmitWaiting(rows);
    Promote();
    return slices_;
}

// Walks from the first in order; victims are taken from the last, so that a planned
// sequence is never preempted.
void Scheduler::PlanDecode(int32_t& rows) {
    for (size_t i = 0; i < running_.size(); ++i) {
        Sequence& sequence = *running_[i];
        LATHE_CHECK(sequence.left() >= 1);
        if (sequence.left() != 1 || !Grow(sequence)) continue;
        slices_.push_back({&sequence, sequence.computed, 1});
        --rows;
    }
}

void Scheduler::PlanPrefill(int32_t& rows) {
    for (Sequence* sequence : running_) {
        if (rows == 0) return;
        if (sequence->left() <= 1) continue;
        int32_t count = std::min(rows, sequence->left());
        slices_.push_back({sequence, sequence->computed, count});
        rows -= count;
    }
}

void Scheduler::AdmitWaiting(int32_t& rows) {
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        if (rows == 0 || running_.size() == static_cast<size_t>(options_.sequences_max)) return;
        ScheduledRequest& request = **next;
        // A sibling is computing the prompt that this one will share.
        if (request.running > 0 && request.prefix.empty() && PrefixPages(request) > 0) {
            ++next;
            continue;
        }
        Sequence& sequence = FirstWaiting(request);
        if (!TryAdmit(sequence)) return;
        int32_t count = std::min(rows, sequence.left());
        slices_.push_back({&sequence, sequence.computed, count});
        rows -= count;
        if (request.waiting == 0) next = waiting_.erase(next);
    }
}

// Takes pages for all known tokens, and leaves one for each running sequence to grow.
bool Scheduler::TryAdmit(Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    size_t shared = request.prefix.size();
    size_t wanted = static_cast<size_t>(PagesFor(sequence.length)) - shared;
    while (pool_.free_count() < wanted + running_.size())
        if (!DropIdlePrefix(&request)) return false;
    sequence.pages = request.prefix;
    for (PageId page : request.prefix) pool_.Retain(page);
    sequence.pages.resize(shared + wanted);
    LATHE_CHECK(pool_.TryAllocate(std::span(sequence.pages).subspan(shared)));
    sequence.shared = static_cast<int32_t>(shared) * options_.page_tokens;
    sequence.computed = sequence.shared;
    --request.waiting;
    Enter(sequence);
    CountOvertaken(request);
    return true;
}

// A page for the next token. False if the sequence itself had to be preempted.
bool Scheduler::Grow(Sequence& sequence) {
    PageId page{};
    if (sequence.pages.size() > static_cast<size_t>(sequence.computed / options_.page_tokens))
        return true;
    while (!pool_.TryAllocate(std::span(&page, 1))) {
        if (DropIdlePrefix(nullptr)) continue;
        Sequence& victim = *running_.back();
        Preempt(victim);
        if (&victim == &sequence) return false;
    }
    sequence.pages.push_back(page);
    return true;
}

void Scheduler::Preempt(Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    ReleasePages(sequence);
    Leave(sequence);
    sequence.state = Sequence::State::kWaiting;
    sequence.computed = 0;
    sequence.shared = 0;
    if (request.waiting++ == 0) waiting_.insert(&request);
    ++request.preemptions;
    ++preemptions_;
}

void Scheduler::Commit() {
    for (const Slice& slice : slices_) {
        LATHE_CHECK(slice.sequence->computed == slice.begin);
        slice.sequence->computed += slice.count;
        SharePrefix(*slice.sequence);
    }
    slices_.clear();
}

// Keeps the full pages of the prompt for the other completions.
void Scheduler::SharePrefix(Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    int32_t pages = PrefixPages(request);
    if (pages == 0 || !request.prefix.empty()) return;
    if (sequence.computed < pages * options_.page_tokens) return;
    request.prefix.assign(sequence.pages.begin(), sequence.pages.begin() + pages);
    for (PageId page : request.prefix) pool_.Retain(page);
    with_prefix_.push_back(&request);
}

void Scheduler::Append(Sequence& sequence) {
    LATHE_CHECK(sequence.state == Sequence::State::kRunning && sequence.left() == 0);
    ++sequence.length;
    LATHE_CHECK(sequence.length <= sequence.request->length_max);
}

void Scheduler::Finish(Sequence& sequence) {
    ScheduledRequest& request = *sequence.request;
    if (sequence.state == Sequence::State::kRunning) {
        ReleasePages(sequence);
        Leave(sequence);
    } else {
        LATHE_CHECK(sequence.state == Sequence::State::kWaiting);
        if (--request.waiting == 0) waiting_.erase(&request);
    }
    sequence.state = Sequence::State::kDone;
}

// Frees the prompt pages of a request of which nothing runs: pages that only spare work.
bool Scheduler::DropIdlePrefix(const ScheduledRequest* except) {
    for (ScheduledRequest* request : with_prefix_) {
        if (request == except || request->running > 0) continue;
        DropPrefix(*request);
        return true;
    }
    return false;
}

void Scheduler::DropPrefix(ScheduledRequest& request) {
    if (request.prefix.empty()) return;
    for (PageId page : request.prefix) pool_.Release(page);
    request.prefix.clear();
    std::erase(with_prefix_, &request);
}

void Scheduler::ReleasePages(Sequence& sequence) {
    for (PageId page : sequence.pages) pool_.Release(page);
    sequence.pages.clear();
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
    for (ScheduledRequest* request : waiting_)
        if (request->arrival < by.arrival) ++request->overtaken;
    for (Sequence* sequence : running_)
        if (sequence->request->arrival < by.arrival && sequence->left() > 1)
            ++sequence->request->overtaken;
}

void Scheduler::Promote() {
    auto due = [](const ScheduledRequest* request) {
        return !request->promoted &&
               (request->overtaken >= kOvertakenMax || request->preemptions >= kPreemptionsMax);
    };
    bool promoted = false;
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        ScheduledRequest* request = *next;
        ++next;
        if (!due(request)) continue;
        waiting_.erase(request);  // its key is about to change
        request->promoted = true;
        waiting_.insert(request);
        promoted = true;
    }
    for (Sequence* sequence : running_) {
        if (!due(sequence->request)) continue;
        sequence->request->promoted = true;
        promoted = true;
    }
    if (promoted) std::ranges::sort(running_, RanksBefore);
}

void Scheduler::CheckAccounts(std::span<ScheduledRequest* const> requests) const {
    std::vector<uint32_t> references(pool_.page_count(), 0);
    size_t running = 0;
    size_t with_waiting = 0;
    for (ScheduledRequest* request : requests) {
        int32_t waiting = 0;
        for (PageId page : request->prefix) ++references[page];
        LATHE_CHECK(request->prefix.empty() ||
                    std::ranges::find(with_prefix_, request) != with_prefix_.end());
        for (const Sequence& sequence : request->sequences) {
            for (PageId page : sequence.pages) ++references[page];
            bool runs = sequence.state == Sequence::State::kRunning;
            LATHE_CHECK(runs || sequence.pages.empty());
            LATHE_CHECK(PagesFor(sequence.computed) <=
                            static_cast<int32_t>(sequence.pages.size()) ||
                        !runs);
            running += runs;
            waiting += sequence.state == Sequence::State::kWaiting;
        }
        LATHE_CHECK(waiting == request->waiting);
        LATHE_CHECK((waiting > 0) == waiting_.contains(request));
        with_waiting += waiting > 0;
    }
    LATHE_CHECK(running == running_.size());
    LATHE_CHECK(with_waiting == waiting_.size());
    LATHE_CHECK(running <= static_cast<size_t>(options_.sequences_max));
    LATHE_CHECK(std::ranges::is_sorted(running_, RanksBefore));
    size_t free = 0;
    for (size_t page = 0; page < references.size(); ++page) {
        LATHE_CHECK(references[page] == pool_.references(static_cast<PageId>(page)));
        free += references[page] == 0;
    }
    LATHE_CHECK(free == pool_.free_count());
}

}  // namespace lathe::engine
