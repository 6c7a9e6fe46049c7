// What happens to the rows of a step: which logits they give, what is drawn from them, and
// which drafts were right.
#include <algorithm>
#include <utility>

#include "compute/engine/batcher_work.h"
#include "compute/model/top_logits.h"
#include "compute/sampling/logprobs.h"

namespace lathe::engine {

// How many of the best logits are all that a slice needs; 0 if it needs whole rows.
uint32_t Batcher::TopNeeded(const RowWork& work) const {
    const GenerationRequest& spec = work.request->spec;
    bool bans = work.completion->generated < spec.tokens_min;
    if (!work.samples || work.scores || work.mask || bans || spec.top_logprobs >= 0) return 0;
    size_t limit =
        std::min(model::TopLogits::kCountMax, static_cast<size_t>(runner_.vocab_size()) - 1);
    return static_cast<uint32_t>(work.completion->sampler.TopNeeded(limit));
}

// On a thread of the runner, at the same time as others.
void Batcher::Visit(size_t slice, size_t token, const LogitsRow& row) {
    RowWork& work = work_[slice];
    sampling::ScratchPool::Loan scratch = scratches_.Borrow();
    int32_t next = work.begin + static_cast<int32_t>(token) + 1;
    if (work.continues) return ScoreContinuation(work, next, row.logits, *scratch);
    int32_t ahead = next - work.sequence->length;  // of the last known token, above 0 for drafts
    if (row.logits.empty()) return SampleTop(work, static_cast<size_t>(ahead), row, *scratch);
    if (work.scores && next < static_cast<int32_t>(work.request->spec.prompt.size()))
        Score(work, next, sampling::RowLogprobs(row.logits, *scratch));
    if (work.samples && ahead >= 0) Sample(work, static_cast<size_t>(ahead), row.logits, *scratch);
}

// The row before `position` gives the token there; that behind the prompt the first of all
// continuations. Repeated after a preemption it may find some told already.
void Batcher::ScoreContinuation(RowWork& work, int32_t position, std::span<const float> logits,
                                sampling::Scratch& scratch) {
    Request& request = *work.request;
    sampling::RowLogprobs logprobs(logits, scratch);
    std::vector<TokenLogprob> top;
    if (request.spec.top_logprobs > 0)
        logprobs.Top(static_cast<size_t>(request.spec.top_logprobs), top);
    size_t at = static_cast<size_t>(position) - request.spec.prompt.size();
    auto score = [&](size_t index) {
        if (request.continuation_scores[index].empty()) return;
        TokenId token = request.spec.continuations[index][at];
        request.continuation_scores[index][at] = {token, logprobs.Of(token), top};
    };
    if (at > 0) return score(static_cast<size_t>(work.sequence->index));
    for (size_t i = 0; i < request.continuation_scores.size(); ++i) score(i);
}

void Batcher::Score(RowWork& work, int32_t position, const sampling::RowLogprobs& logprobs) {
    const GenerationRequest& spec = work.request->spec;
    ScoredToken& score = work.request->prompt_scores[static_cast<size_t>(position)];
    score.token = spec.prompt[static_cast<size_t>(position)];
    score.logprob = logprobs.Of(score.token);
    if (spec.top_logprobs > 0) logprobs.Top(static_cast<size_t>(spec.top_logprobs), score.top);
}

void Batcher::Sample(RowWork& work, size_t ahead, std::span<const float> logits,
                     sampling::Scratch& scratch) {
    Draw& draw = work.draws[ahead];
    const GenerationRequest& spec = work.request->spec;
    std::span<const TokenId> banned;
    if (work.completion->generated < spec.tokens_min) banned = work.request->end_tokens;
    sampling::AllowedTokens allowed;
    constraint::MaskPtr mask;
    if (work.mask) {
        Result<constraint::MaskPtr> computed = work.mask->Get();
        if (!computed) {
            draw.error = std::move(computed).error();
            return;
        }
        mask = *std::move(computed);
        allowed.bits = mask->bits;
        if (work.completion->matcher->complete()) allowed.also = work.request->end_tokens;
        if (mask->count == 0 && allowed.also.empty()) {
            draw.error = Error{Code::kInvalidArgument,
                               "the grammar goes on only with text that no token of this model "
                               "can write",
                               ""};
            return;
        }
    }
    Result<TokenId> token =
        work.completion->sampler.Choose(logits, banned, scratch, allowed, ahead);
    if (!token) {
        draw.error = std::move(token).error();
        return;
    }
    draw.chosen.token = *token;
    draw.chosen.logprob = kNotANumber;
    draw.chosen.top.clear();
    if (spec.top_logprobs < 0) return;
    sampling::RowLogprobs logprobs(logits, scratch);
    draw.chosen.logprob = logprobs.Of(*token);
    if (spec.top_logprobs > 0)
        logprobs.Top(static_cast<size_t>(spec.top_logprobs), draw.chosen.top);
}

void Batcher::SampleTop(RowWork& work, size_t ahead, const LogitsRow& row,
                        sampling::Scratch& scratch) {
    Draw& draw = work.draws[ahead];
    if (!row.sound || row.top.empty()) {
        draw.error = row.sound ? sampling::Sampler::NothingLeft() : sampling::Sampler::NotFinite();
        return;
    }
    scratch.candidates.clear();
    for (const model::TopLogit& best : row.top)
        scratch.candidates.push_back({best.token, best.logit, 0});
    draw.chosen.token = work.completion->sampler.ChooseFromTop(scratch, ahead);
    draw.chosen.logprob = kNotANumber;
    draw.chosen.top.clear();
}

// A completion may guess if a token depends on no other state than the tokens before it.
bool Batcher::MayDraft(const Request& request) const {
    const GenerationRequest& spec = request.spec;
    return options_.speculates && !spec.grammar && !spec.prompt_logprobs && spec.top_logprobs < 0 &&
           spec.tokens_max > 1;
}

// Guesses for the sequences of a step that may have room for it.
void Batcher::ProposeDrafts() {
    bool many = scheduler_.running().size() >= static_cast<size_t>(Scheduler::kDraftRowsMax);
    for (Sequence* sequence : scheduler_.running()) {
        sequence->drafts = 0;
        if (many || sequence->left() != 1) continue;
        Request& request = Find(*sequence->request);
        Completion* completion = request.completions[static_cast<size_t>(sequence->index)].get();
        if (!completion || !completion->drafter || completion->generated < request.spec.tokens_min)
            continue;
        sequence->drafts = static_cast<int32_t>(completion->drafter->Find(sequence->tokens).size());
    }
}

// A draft is right as far as it says what was drawn: each of these rows has seen what it
// would have seen without the draft.
void Batcher::ConfirmDrafts() {
    for (size_t i = 0; i < slices_.size(); ++i) {
        RowWork& work = work_[i];
        if (work.drafts == 0) continue;
        std::span<const TokenId> drafts = std::span(work.tokens).subspan(1, work.drafts);
        auto right = [&](size_t n) {
            const Draw& draw = work.draws[n];
            const std::vector<TokenId>& ends = work.request->end_tokens;
            return !draw.error && draw.chosen.token == drafts[n] &&
                   std::ranges::find(ends, draw.chosen.token) == ends.end();
        };
        while (work.accepted < work.drafts && right(work.accepted)) ++work.accepted;
        scheduler_.Confirm(i, drafts.first(work.accepted));
        work.completion->drafter->Observe(work.drafts, work.accepted);
        draft_tokens_ += work.drafts;
        accepted_tokens_ += work.accepted;
    }
}

}  // namespace lathe::engine
