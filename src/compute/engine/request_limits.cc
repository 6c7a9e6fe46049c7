#include "compute/engine/request_limits.h"

#include <algorithm>

#include "compute/tokenizer/utf8.h"

namespace lathe::engine {
namespace {

Status CheckTokens(std::string_view param, std::span<const TokenId> tokens, int32_t vocab_size) {
    for (size_t i = 0; i < tokens.size(); ++i)
        if (tokens[i] < 0 || tokens[i] >= vocab_size)
            return InvalidParam(param, "{} has token {} at place {}; the vocabulary has 0 to {}",
                                param, tokens[i], i, vocab_size - 1);
    return {};
}

Status CheckPrompt(const GenerationRequest& request, const RequestLimits& limits) {
    if (request.prompt.empty())
        return InvalidParam("prompt", "the prompt is empty; it must have at least one token");
    size_t context = static_cast<size_t>(limits.context_length);
    size_t room_for_text = request.tokens_max > 0 ? 1 : 0;
    if (request.prompt.size() + room_for_text > context)
        return InvalidParam("prompt",
                            "the prompt has {} tokens and the context holds {}{}; shorten it, or "
                            "ask for it to be truncated",
                            request.prompt.size(), context,
                            room_for_text ? ", of which one is for the answer" : "");
    return CheckTokens("prompt", request.prompt, limits.vocab_size);
}

Status CheckCounts(const GenerationRequest& request) {
    if (request.completions < 1 || request.completions > kCompletionsMax)
        return InvalidParam("n", "n must be from 1 to {}, not {}", kCompletionsMax,
                            request.completions);
    if (request.tokens_max < 0)
        return InvalidParam("max_tokens", "max_tokens must be 0 or more, not {}",
                            request.tokens_max);
    if (request.tokens_min < 0 || request.tokens_min > request.tokens_max)
        return InvalidParam("min_tokens", "min_tokens must be from 0 to max_tokens ({}), not {}",
                            request.tokens_max, request.tokens_min);
    if (request.top_logprobs < -1 || request.top_logprobs > kTopLogprobsMax)
        return InvalidParam("top_logprobs", "top_logprobs must be from 0 to {}, not {}",
                            kTopLogprobsMax, request.top_logprobs);
    return {};
}

Status CheckStops(const GenerationRequest& request, int32_t vocab_size) {
    if (request.stop.size() > kStopStringsMax)
        return InvalidParam("stop", "there are {} stop strings, at most {} are allowed",
                            request.stop.size(), kStopStringsMax);
    for (const std::string& stop : request.stop) {
        if (stop.empty())
            return InvalidParam("stop", "a stop string is empty; it must have a character");
        if (stop.size() > kStopStringBytesMax)
            return InvalidParam("stop", "a stop string has {} bytes, at most {} are allowed",
                                stop.size(), kStopStringBytesMax);
        if (!tokenizer::IsValidUtf8(stop))
            return InvalidParam("stop", "a stop string is not valid UTF-8");
    }
    if (request.stop_tokens.size() > kStopTokensMax)
        return InvalidParam("stop_token_ids", "there are {} stop tokens, at most {} are allowed",
                            request.stop_tokens.size(), kStopTokensMax);
    return CheckTokens("stop_token_ids", request.stop_tokens, vocab_size);
}

// They take the place of completions.
Status CheckContinuations(GenerationRequest& request, const RequestLimits& limits) {
    if (request.continuations.empty()) return {};
    if (request.continuations.size() > kContinuationsMax)
        return InvalidParam("continuations", "there are {} continuations, at most {} are allowed",
                            request.continuations.size(), kContinuationsMax);
    if (request.tokens_max != 0 || request.prompt_logprobs || request.grammar)
        return InvalidParam("continuations",
                            "continuations are scored, not generated: give max_tokens 0, and "
                            "neither prompt_logprobs nor a grammar");
    for (const std::vector<TokenId>& continuation : request.continuations) {
        if (continuation.empty())
            return InvalidParam("continuations", "a continuation is empty; it must have a token");
        if (request.prompt.size() + continuation.size() - 1 >
            static_cast<size_t>(limits.context_length))
            return InvalidParam("continuations",
                                "the prompt has {} tokens, a continuation {} and the context "
                                "holds {}; shorten them",
                                request.prompt.size(), continuation.size(), limits.context_length);
        LATHE_RETURN_IF_ERROR(CheckTokens("continuations", continuation, limits.vocab_size));
    }
    request.completions = static_cast<int32_t>(request.continuations.size());
    return {};
}

// Whether a completion fits into an otherwise empty KV cache.
Status CheckPages(const GenerationRequest& request, const RequestLimits& limits) {
    int64_t capacity = int64_t{limits.page_count} * limits.page_tokens;
    int32_t needed = CachedTokensMax(request);
    if (needed <= capacity) return {};
    bool prompt_alone = static_cast<int64_t>(request.prompt.size()) > capacity;
    return InvalidParam(
        prompt_alone ? "prompt" : "max_tokens",
        "the prompt of {} tokens with {} to generate needs {} pages of {} tokens, and the KV "
        "cache has {} ({} tokens): {}, or start with more memory for the KV cache",
        request.prompt.size(), request.tokens_max,
        (needed + limits.page_tokens - 1) / limits.page_tokens, limits.page_tokens,
        limits.page_count, capacity, prompt_alone ? "shorten the prompt" : "lower max_tokens");
}

}  // namespace

int32_t CachedTokensMax(const GenerationRequest& request) {
    auto longest = static_cast<size_t>(std::max(request.tokens_max, 1));
    for (const std::vector<TokenId>& continuation : request.continuations)
        longest = std::max(longest, continuation.size());
    return static_cast<int32_t>(request.prompt.size() + longest - 1);
}

Status PrepareRequest(GenerationRequest& request, const RequestLimits& limits) {
    LATHE_RETURN_IF_ERROR(CheckContinuations(request, limits));
    LATHE_RETURN_IF_ERROR(CheckCounts(request));
    LATHE_RETURN_IF_ERROR(CheckPrompt(request, limits));
    LATHE_RETURN_IF_ERROR(CheckStops(request, limits.vocab_size));
    LATHE_RETURN_IF_ERROR(
        sampling::Validate(request.sampling, static_cast<size_t>(limits.vocab_size)));
    int32_t room = limits.context_length - static_cast<int32_t>(request.prompt.size());
    request.tokens_max = std::min(request.tokens_max, room);
    request.tokens_min = std::min(request.tokens_min, request.tokens_max);
    return CheckPages(request, limits);
}

}  // namespace lathe::engine
