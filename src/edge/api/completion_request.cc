#include "edge/api/completion_request.h"

#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

using Prompt = CompletionRequest::Prompt;

// A string, an array of ids, or an array whose members are all of one of these kinds.
Result<std::vector<Prompt>> ParsePrompts(const Json& prompt, size_t vocab_size) {
    std::vector<Prompt> prompts;
    if (prompt.is_string()) {
        prompts.emplace_back(prompt.get<std::string>());
        return prompts;
    }
    if (prompt[0].is_number()) {
        LATHE_TRY(auto ids, ParseTokenIds(prompt, vocab_size, "prompt"));
        prompts.emplace_back(std::move(ids));
        return prompts;
    }
    if (prompt.size() > kPromptsMax)
        return InvalidParam("prompt", "one request may hold at most {} prompts, not {}",
                            kPromptsMax, prompt.size());
    for (size_t i = 0; i < prompt.size(); ++i) {
        const Json& one = prompt[i];
        auto path = fmt::format("prompt[{}]", i);
        if (one.type() != prompt[0].type() || (!one.is_string() && !one.is_array()))
            return InvalidParam(path,
                                "prompt must be a string, an array of token ids, an array of "
                                "strings, or an array of arrays of token ids; {} is {}",
                                path, Describe(one));
        if (one.is_string()) {
            prompts.emplace_back(one.get<std::string>());
            continue;
        }
        if (one.empty()) return InvalidParam(path, "{} is empty", path);
        LATHE_TRY(auto ids, ParseTokenIds(one, vocab_size, path));
        prompts.emplace_back(std::move(ids));
    }
    return prompts;
}

}  // namespace

Result<CompletionRequest> ParseCompletionRequest(const Json& body,
                                                 const sampling::SamplingParams& defaults,
                                                 size_t vocab_size) {
    LATHE_RETURN_IF_ERROR(CheckParameters(body, CompletionParameters()));
    CompletionRequest request;
    LATHE_TRY(request.options, ParseGenerationOptions(body, defaults));
    auto& engine = request.options.engine;
    const Json* prompt = Find(body, "prompt");
    if (prompt == nullptr) return InvalidParam("prompt", "prompt must be given");
    LATHE_TRY(request.prompts, ParsePrompts(*prompt, vocab_size));
    if (request.prompts.size() * static_cast<size_t>(engine.completions) > kChoicesMax)
        return InvalidParam("n", "{} prompts times n {} are more than {} choices",
                            request.prompts.size(), engine.completions, kChoicesMax);
    int64_t best_of = IntegerOr(body, "best_of", engine.completions);
    if (best_of != engine.completions)
        return InvalidParam("best_of", "best_of is supported only if it equals n ({})",
                            engine.completions);
    request.echo = BoolOr(body, "echo", false);
    if (Find(body, "logprobs") != nullptr) {
        request.logprobs = true;
        engine.top_logprobs = static_cast<int32_t>(IntegerOr(body, "logprobs", 0));
        engine.prompt_logprobs = request.echo;
    }
    return request;
}

}  // namespace lathe::api
