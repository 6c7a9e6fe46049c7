// What chat and completions requests have in common. Free functions, thread-safe.
#pragma once

#include <optional>
#include <string>

#include "compute/engine/generation.h"
#include "core/json/json.h"
#include "edge/api/api_error.h"
#include "edge/api/structured_output.h"

namespace lathe::api {

struct GenerationOptions {
    std::string model;                         // "": the one that is served
    engine::GenerationRequest engine;          // without its prompt and tokens_max
    std::optional<int32_t> tokens_max;         // empty: the route's default
    std::optional<int32_t> prompt_tokens_max;  // truncate_prompt_tokens; -1: whatever fits
    std::optional<bool> add_special;           // empty: the route's default
    std::optional<StructuredOutput> structured;  // to become engine.grammar
    bool stream = false;
    bool include_usage = false;
    bool tokens_as_ids = false;  // log-probabilities name tokens "token_id:123"
};

// Requires: CheckParameters with the route's table has passed. `defaults` are the model's own.
Result<GenerationOptions> ParseGenerationOptions(const Json& body,
                                                 const sampling::SamplingParams& defaults);

// Puts the prompt into the request: truncated if asked for, refused with both lengths if
// it does not fit (code context_length_exceeded), and bounds tokens_max by what is left of the
// context. `param` is what to blame.
Status FitPrompt(std::vector<tokenizer::TokenId> prompt, const GenerationOptions& options,
                 int32_t tokens_max_default, int32_t context_length, std::string_view param,
                 engine::GenerationRequest& request);

// The `code` of an error from FitPrompt or any other about a request.
ApiError RequestError(Error error);

// The ids of a JSON array, each an integer from 0 to vocab_size - 1.
Result<std::vector<tokenizer::TokenId>> ParseTokenIds(const Json& array, size_t vocab_size,
                                                      std::string_view param);

}  // namespace lathe::api
