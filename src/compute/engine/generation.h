// What goes into the engine and what comes out: requests and token events.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/constraint/grammar.h"
#include "compute/sampling/logprobs.h"
#include "compute/sampling/params.h"
#include "core/base/result.h"

namespace lathe::engine {

using tokenizer::TokenId;

enum class RequestId : uint64_t {};

struct GenerationRequest {
    std::vector<TokenId> prompt;  // not empty, shorter than the context (equally long
                                  // will do if only scored)
    sampling::SamplingParams sampling;
    int32_t completions = 1;  // n: independent texts for one prompt
    int32_t tokens_max = 16;  // 0: only the prompt is scored; cut to the context
    int32_t tokens_min = 0;   // nothing ends the text before so many tokens
    bool ignore_eos = false;
    std::vector<std::string> stop;      // may span tokens; not part of the text unless:
    bool include_stop = false;          // stop strings and the text of stop tokens
    std::vector<TokenId> stop_tokens;   // besides the model's own
    bool keep_special = false;          // decode special tokens into the text
    std::vector<TokenId> kept_special;  // these in any case
    int32_t top_logprobs = -1;          // -1: none; 0: of the chosen token; else also the best n
    bool prompt_logprobs = false;       // the same for every prompt token (echo)
    // Instead of generating: texts to score behind the prompt, each by itself. Completion i
    // gives the tokens of continuations[i], in one event, with log-probabilities as
    // top_logprobs says; the prompt is computed once for all. Then tokens_max is 0.
    std::vector<std::vector<TokenId>> continuations;
    int32_t priority = 0;            // lower runs first
    std::string tenant;              // who asks: tenants take turns, and share no pages
    std::string cache_salt;          // pages are shared only under the same salt
    constraint::GrammarPtr grammar;  // what the text must be, null: anything. Tokens that end
                                     // the text are then chosen only where it is complete
};

using sampling::TokenLogprob;

// One token of the text or of the prompt, with its log-probabilities if asked for:
// of the model's own logits, before bias, penalties and temperature.
struct ScoredToken {
    TokenId token = 0;
    float logprob = 0;              // natural logarithm; NaN for the first prompt token
    std::vector<TokenLogprob> top;  // best first
};

enum class FinishReason { kStop, kLength, kCancelled, kError };

struct Usage {
    int32_t prompt_tokens = 0;
    int32_t completion_tokens = 0;     // of all completions, the token that ended one included
    int32_t cached_prompt_tokens = 0;  // found in pages that were there
};

// Where the time of a request went, in seconds; 0 for what it did not come to.
struct Timings {
    double queue_seconds = 0;        // from Submit until its first step began
    double prefill_seconds = 0;      // from then until its first token
    double first_token_seconds = 0;  // from Submit until its first token
    double decode_seconds = 0;       // from its first token until its last
    double total_seconds = 0;        // from Submit until the last event
};

// Something that happened to completion `index` of a request, at most one a step. Text
// arrives in whole UTF-8 characters, held back while it may still become a stop string.
struct GenerationEvent {
    RequestId request{};
    int32_t index = 0;
    std::vector<ScoredToken> prompt;  // once, in the first event, if prompt_logprobs
    std::vector<ScoredToken> tokens;  // what was generated since the last event; also the
                                      // token that ended the text, which is not part of it
    double token_seconds = 0;         // of each of them, since this completion's token before;
                                      // 0 with its first
    std::string text;                 // what became certain since the last event
    std::optional<FinishReason> finish;
    std::string stop_reason;  // the stop string that matched; "": a token ended the text
    Error error;              // with FinishReason::kError
    bool last = false;        // no more events for this request (all completions done)
    Usage usage;              // in the last event
    Timings timings;          // in the last event
};

// Called on the engine's thread, perhaps before Submit has returned: must be quick and
// must not block or call the engine.
using EventSink = std::function<void(GenerationEvent&&)>;

}  // namespace lathe::engine
