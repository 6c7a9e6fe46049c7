// What goes into the engine and what comes out: requests and token events.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/sampling/params.h"

namespace lathe::engine {

using tokenizer::TokenId;

enum class RequestId : uint64_t {};

struct GenerationRequest {
    std::vector<TokenId> prompt;          // not empty, shorter than the context
    sampling::SamplingParams sampling;
    int32_t completions = 1;              // n: independent texts for one prompt
    int32_t tokens_max = 16;              // 0: only the prompt is scored
    int32_t tokens_min = 0;
    bool ignore_eos = false;
    std::vector<std::string> stop;        // may span tokens; not part of the text unless:
    bool include_stop = false;
    std::vector<TokenId> stop_tokens;     // besides the model's own
    bool keep_special = false;            // decode special tokens into the text
    int32_t top_logprobs = -1;            // -1: none; 0: of the chosen token; else also the best n
    bool prompt_logprobs = false;         // the same for every prompt token (echo)
    int32_t priority = 0;                 // lower runs first
};

struct TokenLogprob {
    TokenId token = 0;
    float logprob = 0;
};

// One token of the text or of the prompt, with its log-probabilities if asked for.
struct ScoredToken {
    TokenId token = 0;
    float logprob = 0;                        // natural logarithm; NaN for the first prompt token
    std::vector<TokenLogprob> top;            // best first
};

enum class FinishReason { kStop, kLength, kCancelled, kError };

struct Usage {
    int32_t prompt_tokens = 0;
    int32_t completion_tokens = 0;   // of all completions
    int32_t cached_prompt_tokens = 0;
};

// Something that happened to completion `index` of a request. Text arrives in whole
// UTF-8 characters, held back while it may still become a stop string.
struct GenerationEvent {
    RequestId request{};
    int32_t index = 0;
    std::vector<ScoredToken> prompt;   // once, in the first event, if prompt_logprobs
    std::vector<ScoredToken> tokens;   // what was generated since the last event
    std::string text;                  // what became certain since the last event
    std::optional<FinishReason> finish;
    std::string stop_reason;           // the stop string that matched
    Error error;                       // with FinishReason::kError
    bool last = false;                 // no more events for this request (all completions done)
    Usage usage;                       // in the last event
};

// Called on the engine's thread: must be quick and must not block or call the engine.
using EventSink = std::function<void(GenerationEvent&&)>;

}  // namespace lathe::engine
