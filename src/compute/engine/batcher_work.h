// What a Batcher knows of its requests, and of the step that it is running.
#pragma once

#include <algorithm>
#include <array>
#include <limits>

#include "compute/engine/batcher.h"
#include "compute/engine/draft.h"
#include "compute/engine/request_limits.h"

namespace lathe::engine {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

// A completion from its first step on.
struct Batcher::Completion {
    Completion(const tokenizer::Tokenizer& tokenizer, const GenerationRequest& spec, int32_t index)
        : sampler(spec.sampling, *spec.sampling.seed, static_cast<uint32_t>(index)),
          text(tokenizer, spec) {
        sampler.SetPrompt(spec.prompt, static_cast<size_t>(spec.tokens_max));
    }

    int32_t generated = 0;
    sampling::Sampler sampler;
    TextStream text;
    std::shared_ptr<constraint::Matcher> matcher;  // null: any text will do
    std::optional<Drafter> drafter;                // none: every token takes a step
    TimePoint last_token;
};

struct Batcher::Request {
    Request(RequestId request_id, GenerationRequest request)
        : id(request_id),
          spec(std::move(request)),
          schedule({.arrival = static_cast<uint64_t>(id),
                    .priority = spec.priority,
                    .completions = spec.completions,
                    .prompt = spec.prompt,
                    .length_max = CachedTokensMax(spec),
                    .tenant = spec.tenant,
                    .salt = spec.cache_salt,
                    .computes_prompt = spec.prompt_logprobs,
                    .continuations = spec.continuations}),
          completions(static_cast<size_t>(spec.completions)),
          unfinished(spec.completions) {}

    // Whether the token ends the text.
    bool Ends(TokenId token) const {
        return std::ranges::find(end_tokens, token) != end_tokens.end();
    }

    const RequestId id;
    const GenerationRequest spec;
    EventSink sink;
    ScheduledRequest schedule;
    std::vector<std::unique_ptr<Completion>> completions;  // null before the start and at the end
    int32_t unfinished;
    std::vector<TokenId> end_tokens;                            // that end the text
    std::vector<ScoredToken> prompt_scores;                     // while they are being computed
    std::vector<std::vector<ScoredToken>> continuation_scores;  // likewise, of each
    bool prompt_told = false;  // continuations of one token, which need only the prompt, are told
    Usage usage;
    TimePoint submitted;
    std::optional<TimePoint> started;
    std::optional<TimePoint> first_token;
    TimePoint last_token;
};

// What a row gave: a token or an error.
struct Batcher::Draw {
    std::optional<Error> error;
    ScoredToken chosen;
};

// One slice of the step with what its rows gave. Rows of one slice may be visited at
// the same time; they write to different places.
struct Batcher::RowWork {
    Request* request = nullptr;
    Sequence* sequence = nullptr;
    Completion* completion = nullptr;
    int32_t begin = 0;
    bool scores = false;                         // rows give log-probabilities of the prompt
    bool continues = false;                      // rows give those of a continuation
    bool samples = false;                        // the last known row gives a token, and the drafts
    std::shared_ptr<constraint::MaskTask> mask;  // of that token, null if there is no grammar

    // With drafts: rows that begin with the last known token, and behind each of them a
    // draw. The first `accepted` draws are what the draft says.
    size_t drafts = 0;
    size_t accepted = 0;
    std::array<TokenId, Scheduler::kDraftRowsMax> tokens{};
    std::array<Draw, Scheduler::kDraftRowsMax> draws;  // [1 + drafts]
};

}  // namespace lathe::engine
