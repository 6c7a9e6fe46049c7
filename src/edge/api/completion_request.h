// POST /v1/completions, as far as it can be understood without the model.
#pragma once

#include <variant>
#include <vector>

#include "edge/api/generation_options.h"

namespace lathe::api {

struct CompletionRequest {
    GenerationOptions options;
    using Prompt = std::variant<std::string, std::vector<tokenizer::TokenId>>;
    std::vector<Prompt> prompts;  // at least one
    bool echo = false;
    bool logprobs = false;
};

Result<CompletionRequest> ParseCompletionRequest(const Json& body,
                                                 const sampling::SamplingParams& defaults,
                                                 size_t vocab_size);

}  // namespace lathe::api
