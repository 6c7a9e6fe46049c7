#include "compute/engine/batcher.h"

#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include "compute/engine/batcher_work.h"
#include "core/base/check.h"

namespace lathe::engine {
namespace {

double Seconds(Batcher::TimePoint from, Batcher::TimePoint to) {
    return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Result<std::unique_ptr<Batcher>> Batcher::Create(ModelRunner& runner,
                                                 const tokenizer::Tokenizer& tokenizer,
                                                 const EngineOptions& options, Clock clock) {
    SchedulerOptions schedule;
    schedule.page_count = static_cast<uint32_t>(runner.page_count());
    schedule.page_tokens = runner.page_tokens();
    schedule.sequences_max = options.sequences_max;
    schedule.tokens_per_step_max = options.tokens_per_step_max;
    schedule.shares_prefixes = options.shares_prefixes;
    schedule.tells_prompts_apart = runner.tells_prompts_apart();
    LATHE_TRY(Scheduler scheduler, Scheduler::Create(schedule));
    return std::unique_ptr<Batcher>(
        new Batcher(runner, tokenizer, std::move(scheduler), options, std::move(clock)));
}

Batcher::Batcher(ModelRunner& runner, const tokenizer::Tokenizer& tokenizer, Scheduler scheduler,
                 const EngineOptions& options, Clock clock)
    : runner_(runner),
      tokenizer_(tokenizer),
      options_(options),
      scheduler_(std::move(scheduler)),
      budget_(options.token_seconds_max, options.tokens_per_step_max),
      clock_(std::move(clock)),
      scratches_(std::thread::hardware_concurrency() + 1),
      masks_(tokenizer, static_cast<size_t>(runner.vocab_size())),
      visitor_(
          [this](size_t slice, size_t token, const LogitsRow& row) { Visit(slice, token, row); }) {
    auto sequences_max = static_cast<size_t>(scheduler_.options().sequences_max);
    slices_.reserve(sequences_max);
    work_.resize(sequences_max);
    event_.tokens.reserve(Scheduler::kDraftRowsMax);
}

Batcher::~Batcher() = default;

void Batcher::Add(RequestId id, GenerationRequest spec, EventSink sink, TimePoint submitted) {
    LATHE_CHECK(spec.sampling.seed.has_value());
    LATHE_CHECK(requests_.empty() || requests_.rbegin()->first < id);
    auto owned = std::make_unique<Request>(id, std::move(spec));
    Request& request = *owned;
    requests_.emplace(id, std::move(owned));
    request.sink = std::move(sink);
    request.submitted = submitted;
    request.usage.prompt_tokens = static_cast<int32_t>(request.spec.prompt.size());
    if (!request.spec.ignore_eos)
        for (TokenId token : tokenizer_.end_of_generation())
            if (token < runner_.vocab_size()) request.end_tokens.push_back(token);
    request.end_tokens.insert(request.end_tokens.end(), request.spec.stop_tokens.begin(),
                              request.spec.stop_tokens.end());
    if (request.spec.prompt_logprobs) {
        request.prompt_scores.resize(request.spec.prompt.size());
        request.prompt_scores[0] = {request.spec.prompt[0], kNotANumber, {}};
    }
    for (const std::vector<TokenId>& continuation : request.spec.continuations)
        request.continuation_scores.emplace_back(continuation.size());
    scheduler_.Add(request.schedule);
    ++waiting_;
}

void Batcher::Cancel(RequestId id) {
    auto found = requests_.find(id);
    if (found == requests_.end()) return;
    Request& request = *found->second;
    TimePoint now = clock_();
    std::vector<Sequence*> unfinished;
    for (Sequence& sequence : request.schedule.sequences)
        if (sequence.state != Sequence::State::kDone) unfinished.push_back(&sequence);
    for (Sequence* sequence : unfinished) {  // the last one erases the request
        GenerationEvent& event = NewEvent(request, *sequence);
        event.finish = FinishReason::kCancelled;
        Send(request, *sequence, now, event);
    }
}

void Batcher::CancelAll() {
    while (!requests_.empty()) Cancel(requests_.begin()->first);
}

bool Batcher::Step() {
    if (requests_.empty()) return false;
    TimePoint begin = clock_();
    ProposeDrafts();
    std::span<const Scheduler::Slice> plan =
        scheduler_.Plan(budget_.PrefillRows(scheduler_.generating()));
    LATHE_CHECK(!plan.empty());
    slices_.clear();
    for (const Scheduler::Slice& slice : plan) PrepareSlice(slice, begin);
    for (auto [from, to] : scheduler_.copies()) runner_.CopyPage(from, to);
    runner_.Forward(slices_, visitor_);
    ConfirmDrafts();
    scheduler_.Commit();
    ++steps_;
    TimePoint end = clock_();
    CountRows(Seconds(begin, end));
    for (size_t i = 0; i < slices_.size(); ++i) Settle(work_[i], end);
    return true;
}

void Batcher::CountRows(double seconds) {
    int32_t decode = 0;
    int32_t prefill = 0;
    size_t drafts = 0;
    for (size_t i = 0; i < slices_.size(); ++i) {
        auto rows = static_cast<int32_t>(slices_[i].tokens.size());
        auto prompt = static_cast<int32_t>(work_[i].request->spec.prompt.size());
        bool generates =
            work_[i].begin >= prompt && slices_[i].tokens.size() == 1 + work_[i].drafts;
        drafts += work_[i].drafts;
        (generates ? decode : prefill) += rows;
    }
    // Where prompts run there are no drafts: what those cost says nothing about such a step.
    if (drafts == 0) budget_.Observe(decode, prefill, seconds);
    decode_rows_ += static_cast<uint64_t>(decode);
    prefill_rows_ += static_cast<uint64_t>(prefill);
}

Batcher::Request& Batcher::Find(const ScheduledRequest& scheduled) {
    auto found = requests_.find(RequestId{scheduled.spec.arrival});
    LATHE_CHECK(found != requests_.end());
    return *found->second;
}

void Batcher::Start(Request& request, Sequence& sequence, TimePoint now) {
    auto index = static_cast<size_t>(sequence.index);
    request.completions[index] =
        std::make_unique<Completion>(tokenizer_, request.spec, sequence.index);
    if (request.spec.grammar)
        request.completions[index]->matcher = masks_.NewMatcher(request.spec.grammar);
    if (MayDraft(request) && !request.completions[index]->sampler.penalizes())
        request.completions[index]->drafter.emplace(
            static_cast<size_t>(request.schedule.spec.length_max));
    if (request.started) return;
    request.started = now;
    request.usage.cached_prompt_tokens = sequence.shared;
    prompt_tokens_ += request.spec.prompt.size();
    --waiting_;
}

void Batcher::PrepareSlice(const Scheduler::Slice& slice, TimePoint now) {
    Sequence& sequence = *slice.sequence;
    Request& request = Find(*sequence.request);
    auto index = static_cast<size_t>(sequence.index);
    if (!request.completions[index]) Start(request, sequence, now);

    RowWork& work = work_[slices_.size()];
    work.request = &request;
    work.sequence = &sequence;
    work.completion = request.completions[index].get();
    work.begin = slice.begin;
    work.scores = request.schedule.computes_prompt && sequence.index == 0;
    work.continues = request.schedule.has_continuations();
    work.samples = slice.begin + slice.count == sequence.length && request.spec.tokens_max > 0;
    work.draws[0].error.reset();
    work.drafts = static_cast<size_t>(slice.drafts);
    work.accepted = 0;
    work.mask = nullptr;
    if (work.samples && work.completion->matcher) work.mask = masks_.Post(work.completion->matcher);

    SequenceSlice& out = slices_.emplace_back();
    out.tokens = std::span(sequence.tokens)
                     .subspan(static_cast<size_t>(slice.begin), static_cast<size_t>(slice.count));
    out.position = slice.begin;
    out.pages = sequence.pages;
    out.kind = slice.begin < request.schedule.generated_from(sequence)
                   ? SequenceSlice::Kind::kPrompt
                   : SequenceSlice::Kind::kGenerated;
    if (work.drafts > 0) out.tokens = RowsWithDrafts(work);
    out.scored = work.continues || work.scores;
    if (work.continues) return WantContinuation(work, out);
    out.logits = work.scores || work.drafts > 0 ? SequenceSlice::Logits::kAll
                 : work.samples                 ? SequenceSlice::Logits::kLast
                                                : SequenceSlice::Logits::kNone;
    out.top = TopNeeded(work);
}

// The rows behind the prompt, and behind the prompt's last token where nobody else has them.
void Batcher::WantContinuation(const RowWork& work, SequenceSlice& slice) {
    auto prompt = static_cast<int32_t>(work.request->spec.prompt.size());
    int32_t first = work.sequence->index == 0 ? prompt - 1 : prompt;
    slice.first_wanted = static_cast<uint32_t>(std::max(0, first - slice.position));
    slice.logits = slice.first_wanted < slice.tokens.size() ? SequenceSlice::Logits::kAll
                                                            : SequenceSlice::Logits::kNone;
}

// The last known token and the guesses that go with it.
std::span<const TokenId> Batcher::RowsWithDrafts(RowWork& work) {
    LATHE_CHECK(work.sequence->left() == 1 && work.drafts < work.tokens.size());
    work.tokens[0] = work.sequence->tokens.back();
    std::ranges::copy(work.completion->drafter->draft().first(work.drafts),
                      work.tokens.begin() + 1);
    for (Draw& draw : std::span(work.draws).first(1 + work.drafts)) draw.error.reset();
    return std::span(work.tokens).first(1 + work.drafts);
}

// Turns what a slice gave into an event, if it gave anything.
void Batcher::Settle(RowWork& work, TimePoint now) {
    Request& request = *work.request;
    if (work.continues) return SettleContinuation(work, now);
    if (work.sequence->left() > 0) return;  // an earlier chunk of a prompt
    GenerationEvent& event = NewEvent(request, *work.sequence);
    if (work.scores) AttachPromptScores(request, event);
    if (!work.samples && !event.finish) event.finish = FinishReason::kLength;
    if (!event.finish) AcceptDraws(work, now, event);
    if (!event.finish) scheduler_.Append(*work.sequence, work.draws[work.accepted].chosen.token);
    Send(request, *work.sequence, now, event);
}

void Batcher::SettleContinuation(RowWork& work, TimePoint now) {
    Request& request = *work.request;
    if (request.schedule.prompt_done && !request.prompt_told) {
        request.prompt_told = true;
        for (Sequence& sequence : std::span(request.schedule.sequences).subspan(1))
            if (request.spec.continuations[static_cast<size_t>(sequence.index)].size() == 1)
                SendContinuation(request, sequence, now);
    }
    if (work.sequence->left() == 0) SendContinuation(request, *work.sequence, now);
}

void Batcher::SendContinuation(Request& request, Sequence& sequence, TimePoint now) {
    GenerationEvent& event = NewEvent(request, sequence);
    event.tokens = std::move(request.continuation_scores[static_cast<size_t>(sequence.index)]);
    event.finish = FinishReason::kLength;
    for (const ScoredToken& score : event.tokens)
        if (std::isnan(score.logprob)) SetNotFinite(event);
    Send(request, sequence, now, event);
}

// The tokens of a step one after the other, as if each had come alone.
void Batcher::AcceptDraws(RowWork& work, TimePoint now, GenerationEvent& event) {
    Completion& completion = *work.completion;
    std::optional<TimePoint> before;
    if (completion.generated > 0) before = completion.last_token;
    for (size_t i = 0; i <= work.accepted && !event.finish; ++i) {
        Draw& draw = work.draws[i];
        if (draw.error) {
            event.finish = FinishReason::kError;
            event.error = *std::move(draw.error);
        } else {
            AcceptToken(work, draw.chosen, now, event);
        }
    }
    if (before && !event.tokens.empty())
        event.token_seconds = Seconds(*before, now) / static_cast<double>(event.tokens.size());
}

void Batcher::AttachPromptScores(Request& request, GenerationEvent& event) {
    request.schedule.computes_prompt = false;
    event.prompt = std::move(request.prompt_scores);
    if (std::none_of(event.prompt.begin() + 1, event.prompt.end(),
                     [](const ScoredToken& score) { return std::isnan(score.logprob); }))
        return;
    SetNotFinite(event);
}

void Batcher::SetNotFinite(GenerationEvent& event) {
    event.finish = FinishReason::kError;
    event.error = Error{Code::kInternal,
                        "the model computed logits that are not finite numbers; its weights or "
                        "its file may be damaged",
                        ""};
}

void Batcher::AcceptToken(RowWork& work, ScoredToken& chosen, TimePoint now,
                          GenerationEvent& event) {
    Request& request = *work.request;
    Completion& completion = *work.completion;
    TokenId token = chosen.token;
    completion.sampler.Accept(token);
    ++completion.generated;
    completion.last_token = now;
    if (!request.first_token) request.first_token = now;
    request.last_token = now;
    ++request.usage.completion_tokens;
    ++generation_tokens_;
    event.tokens.push_back(std::move(chosen));
    if (FollowGrammar(work, token, event)) EndText(work, token, event);
}

// False if the grammar cannot follow the newest token, which is then an error.
bool Batcher::FollowGrammar(RowWork& work, TokenId token, GenerationEvent& event) {
    Completion& completion = *work.completion;
    if (!completion.matcher || work.request->Ends(token)) return true;
    Result<bool> accepted = completion.matcher->Accept(tokenizer_.TokenBytes(token));
    if (accepted && *accepted) return true;
    event.finish = FinishReason::kError;
    event.error = accepted ? Error{Code::kInternal, "a token was chosen against the grammar", ""}
                           : std::move(accepted).error();
    return false;
}

// Adds the text of the newest token and decides whether the completion is over.
void Batcher::EndText(RowWork& work, TokenId token, GenerationEvent& event) {
    const GenerationRequest& spec = work.request->spec;
    Completion& completion = *work.completion;
    bool may_stop = completion.generated >= spec.tokens_min;
    bool is_end = work.request->Ends(token);
    const std::string* stop = nullptr;
    if (!is_end || spec.include_stop) stop = completion.text.Push(token, may_stop, event.text);
    bool is_whole = !is_end && completion.matcher && completion.matcher->finished();
    bool is_last = is_end || is_whole || completion.generated == spec.tokens_max;
    if (!stop && is_last) stop = completion.text.Flush(may_stop, event.text);
    if (stop) event.stop_reason = *stop;
    if (stop || is_end || is_whole) {
        event.finish = FinishReason::kStop;
    } else if (is_last) {
        event.finish = FinishReason::kLength;
    }
}

// Delivers an event; if it finishes a completion, frees its pages first.
void Batcher::Send(Request& request, Sequence& sequence, TimePoint now, GenerationEvent& event) {
    if (!event.finish) return request.sink(std::move(event));
    scheduler_.Finish(sequence);
    request.completions[static_cast<size_t>(sequence.index)].reset();
    event.last = --request.unfinished == 0;
    if (!event.last) return request.sink(std::move(event));
    event.usage = request.usage;
    event.timings.total_seconds = Seconds(request.submitted, now);
    if (request.started) event.timings.queue_seconds = Seconds(request.submitted, *request.started);
    if (request.started && request.first_token) {
        event.timings.prefill_seconds = Seconds(*request.started, *request.first_token);
        event.timings.first_token_seconds = Seconds(request.submitted, *request.first_token);
        event.timings.decode_seconds = Seconds(*request.first_token, request.last_token);
    }
    scheduler_.Remove(request.schedule);
    request.sink(std::move(event));
    if (!request.started) --waiting_;
    ended_.push_back(request.id);
    requests_.erase(request.id);
}

GenerationEvent& Batcher::NewEvent(const Request& request, const Sequence& sequence) {
    event_.request = request.id;
    event_.index = sequence.index;
    event_.prompt.clear();
    event_.tokens.clear();
    event_.token_seconds = 0;
    event_.text.clear();
    event_.finish.reset();
    event_.stop_reason.clear();
    event_.error = Error{};
    event_.last = false;
    event_.usage = Usage{};
    event_.timings = Timings{};
    return event_;
}

std::vector<RequestId> Batcher::TakeEnded() {
    return std::exchange(ended_, {});
}

EngineStats Batcher::stats() const {
    EngineStats stats;
    const kvcache::PagePool& pool = scheduler_.pool();
    stats.running = static_cast<int32_t>(scheduler_.running().size());
    stats.waiting = waiting_;
    stats.kv_usage =
        1 - static_cast<double>(pool.free_count()) / static_cast<double>(pool.page_count());
    stats.prompt_tokens = prompt_tokens_;
    stats.generation_tokens = generation_tokens_;
    stats.preemptions = scheduler_.preemptions();
    stats.steps = steps_;
    stats.prefill_rows = prefill_rows_;
    stats.decode_rows = decode_rows_;
    stats.prefix_queries = scheduler_.pages().queries();
    stats.prefix_hits = scheduler_.pages().hits();
    stats.draft_tokens = draft_tokens_;
    stats.accepted_tokens = accepted_tokens_;
    return stats;
}

void Batcher::CheckAccounts() const {
    std::vector<ScheduledRequest*> all;
    int32_t waiting = 0;
    for (const auto& [id, request] : requests_) {
        all.push_back(&request->schedule);
        waiting += !request->started;
    }
    scheduler_.CheckAccounts(all);
    LATHE_CHECK(waiting == waiting_);
}

}  // namespace lathe::engine
