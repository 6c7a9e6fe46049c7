#include "edge/api/generation_options.h"

#include <algorithm>
#include <charconv>

#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

// FitPrompt marks its refusal with this code, which nothing else in a request gives.
constexpr Code kPromptTooLong = Code::kOutOfRange;

constexpr Parameter kStreamOptions[] = {
    {"include_usage", Kind::kBool},
    {"include_obfuscation", Kind::kBool, Treatment::kOnly, 0, 0, "[false]"},
    {"continuous_usage_stats", Kind::kBool, Treatment::kOnly, 0, 0, "[false]"},
};

Status ParseStops(const Json& body, engine::GenerationRequest& request) {
    const Json* stop = Find(body, "stop");
    if (stop == nullptr) return {};
    Json list = stop->is_string() ? Json::array({*stop}) : *stop;
    for (size_t i = 0; i < list.size(); ++i) {
        std::string path = stop->is_string() ? "stop" : fmt::format("stop[{}]", i);
        if (!list[i].is_string())
            return InvalidParam(path, "{} must be a string, not {}", path, Describe(list[i]));
        auto text = list[i].get<std::string>();
        if (text.empty() || text.size() > kStopBytesMax)
            return InvalidParam(path, "{} must have from 1 to {} bytes, not {}", path,
                                kStopBytesMax, text.size());
        request.stop.push_back(std::move(text));
    }
    return {};
}

Status ParseLogitBias(const Json& body, sampling::SamplingParams& sampling) {
    const Json* bias = Find(body, "logit_bias");
    if (bias == nullptr) return {};
    for (const auto& [name, value] : bias->items()) {
        int32_t token = 0;
        auto end = name.data() + name.size();
        auto [parsed_end, ec] = std::from_chars(name.data(), end, token);
        if (ec != std::errc() || parsed_end != end || token < 0)
            return InvalidParam("logit_bias",
                                "the keys of logit_bias must be token ids, not \"{}\"",
                                name.substr(0, 32));
        if (!value.is_number())
            return InvalidParam("logit_bias", "logit_bias of token {} must be a number, not {}",
                                token, Describe(value));
        sampling.logit_bias.emplace_back(token, value.get<float>());
    }
    return {};
}

Status ParseSampling(const Json& body, sampling::SamplingParams& sampling) {
    sampling.temperature = FloatOr(body, "temperature", sampling.temperature);
    sampling.top_p = FloatOr(body, "top_p", sampling.top_p);
    sampling.min_p = FloatOr(body, "min_p", sampling.min_p);
    sampling.typical_p = FloatOr(body, "typical_p", sampling.typical_p);
    sampling.repetition_penalty = FloatOr(body, "repetition_penalty", sampling.repetition_penalty);
    sampling.frequency_penalty = FloatOr(body, "frequency_penalty", sampling.frequency_penalty);
    sampling.presence_penalty = FloatOr(body, "presence_penalty", sampling.presence_penalty);
    // -1 means "all" to vLLM, 0 to us.
    sampling.top_k =
        static_cast<int32_t>(std::max<int64_t>(0, IntegerOr(body, "top_k", sampling.top_k)));
    if (Find(body, "seed") != nullptr)
        sampling.seed = static_cast<uint64_t>(IntegerOr(body, "seed", 0));
    return ParseLogitBias(body, sampling);
}

Status ParseStream(const Json& body, GenerationOptions& options) {
    options.stream = BoolOr(body, "stream", false);
    const Json* stream_options = Find(body, "stream_options");
    if (stream_options == nullptr) return {};
    if (!options.stream)
        return InvalidParam("stream_options", "stream_options is allowed only with stream: true");
    LATHE_RETURN_IF_ERROR(CheckParameters(*stream_options, kStreamOptions, "stream_options."));
    options.include_usage = BoolOr(*stream_options, "include_usage", false);
    return {};
}

Status ParseTokensMax(const Json& body, GenerationOptions& options) {
    const Json* older = Find(body, "max_tokens");
    const Json* newer = Find(body, "max_completion_tokens");
    if (older != nullptr && newer != nullptr && AsInteger(*older) != AsInteger(*newer))
        return InvalidParam("max_tokens",
                            "max_tokens and max_completion_tokens differ; give only one of them");
    if (const Json* value = newer != nullptr ? newer : older)
        options.tokens_max = static_cast<int32_t>(AsInteger(*value).value_or(0));
    int64_t tokens_min = IntegerOr(body, "min_tokens", 0);
    if (options.tokens_max && tokens_min > *options.tokens_max)
        return InvalidParam("min_tokens", "min_tokens {} is more than max_tokens {}", tokens_min,
                            *options.tokens_max);
    options.engine.tokens_min = static_cast<int32_t>(tokens_min);
    return {};
}

}  // namespace

Result<std::vector<tokenizer::TokenId>> ParseTokenIds(const Json& array, size_t vocab_size,
                                                      std::string_view param) {
    std::vector<tokenizer::TokenId> ids;
    ids.reserve(array.size());
    for (size_t i = 0; i < array.size(); ++i) {
        auto id = AsInteger(array[i]);
        if (!id || *id < 0 || *id >= static_cast<int64_t>(vocab_size))
            return InvalidParam(param, "{}[{}] must be a token id from 0 to {}, not {}", param, i,
                                vocab_size - 1, Describe(array[i]));
        ids.push_back(static_cast<tokenizer::TokenId>(*id));
    }
    return ids;
}

Result<GenerationOptions> ParseGenerationOptions(const Json& body,
                                                 const sampling::SamplingParams& defaults) {
    GenerationOptions options;
    options.model = StringOr(body, "model", "");
    auto& request = options.engine;
    request.sampling = defaults;
    LATHE_RETURN_IF_ERROR(ParseSampling(body, request.sampling));
    LATHE_RETURN_IF_ERROR(ParseStops(body, request));
    LATHE_RETURN_IF_ERROR(ParseStream(body, options));
    LATHE_TRY(options.structured, ParseStructuredOutput(body));
    LATHE_RETURN_IF_ERROR(ParseTokensMax(body, options));
    request.completions = static_cast<int32_t>(IntegerOr(body, "n", 1));
    request.ignore_eos = BoolOr(body, "ignore_eos", false);
    request.include_stop = BoolOr(body, "include_stop_str_in_output", false);
    request.keep_special = !BoolOr(body, "skip_special_tokens", true);
    request.priority = static_cast<int32_t>(IntegerOr(body, "priority", 0));
    if (Find(body, "cache_salt") != nullptr) {
        request.cache_salt = StringOr(body, "cache_salt", "");
        if (request.cache_salt.empty() || request.cache_salt.size() > size_t{kCacheSaltBytesMax})
            return InvalidParam(
                "cache_salt",
                "cache_salt must have 1 to {} bytes; leave it out to share computed "
                "prompts with the other requests of the same API key",
                kCacheSaltBytesMax);
    }
    if (const Json* ids = Find(body, "stop_token_ids")) {
        LATHE_TRY(request.stop_tokens, ParseTokenIds(*ids, INT32_MAX, "stop_token_ids"));
    }
    if (Find(body, "truncate_prompt_tokens") != nullptr) {
        auto count = IntegerOr(body, "truncate_prompt_tokens", -1);
        if (count == 0)
            return InvalidParam("truncate_prompt_tokens",
                                "truncate_prompt_tokens must be at least 1, or -1 for what fits");
        options.prompt_tokens_max = static_cast<int32_t>(count);
    }
    if (Find(body, "add_special_tokens") != nullptr)
        options.add_special = BoolOr(body, "add_special_tokens", true);
    options.tokens_as_ids = BoolOr(body, "return_tokens_as_token_ids", false);
    return options;
}

Status FitPrompt(std::vector<tokenizer::TokenId> prompt, const GenerationOptions& options,
                 int32_t tokens_max_default, int32_t context_length, std::string_view param,
                 engine::GenerationRequest& request) {
    if (options.tokens_max && *options.tokens_max > context_length)
        return InvalidParam("max_tokens",
                            "max_tokens is {}, but the context of this model is {} tokens",
                            *options.tokens_max, context_length);
    int32_t wanted = options.tokens_max.value_or(tokens_max_default);
    if (options.prompt_tokens_max) {
        int32_t fits = std::max(1, context_length - std::max(1, std::min(wanted, context_length)));
        int32_t keep = *options.prompt_tokens_max > 0 ? *options.prompt_tokens_max : fits;
        if (prompt.size() > static_cast<size_t>(keep))
            prompt.erase(prompt.begin(), prompt.end() - keep);  // the latest words count most
    }
    size_t room_for_answer = wanted > 0 ? 1 : 0;
    if (prompt.size() + room_for_answer > static_cast<size_t>(context_length)) {
        auto error = InvalidParam(param,
                                  "the prompt has {} tokens, but the context of this model is {} "
                                  "tokens for prompt and answer together; shorten it, or set "
                                  "truncate_prompt_tokens",
                                  prompt.size(), context_length);
        error.error().code = kPromptTooLong;
        return error;
    }
    request.tokens_max = std::min(wanted, context_length - static_cast<int32_t>(prompt.size()));
    request.tokens_min = std::min(request.tokens_min, request.tokens_max);
    request.prompt = std::move(prompt);
    return {};
}

ApiError RequestError(Error error) {
    bool too_long = error.code == kPromptTooLong;
    ApiError out(std::move(error));
    if (too_long) out.code = "context_length_exceeded";
    return out;
}

}  // namespace lathe::api
