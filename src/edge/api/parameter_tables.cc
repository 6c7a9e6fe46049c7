// What the API knows of each parameter; docs/api.md says the same for people.
#include <array>

#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

using enum Kind;
using enum Treatment;

constexpr std::string_view kTextOnly = "this server's models read and write text only";

// Sampling and stopping, the same for chat and completions.
constexpr auto kGeneration = std::to_array<Parameter>({
    {"model", kString},
    {"temperature", kNumber, kHonoured, 0, 2},
    {"top_p", kNumber, kHonoured, 0, 1},
    {"n", kInteger, kHonoured, 1, kChoicesMax},
    {"stop", kStringOrArray, kHonoured, 0, kStopsMax},
    {"seed", kInteger},
    {"presence_penalty", kNumber, kHonoured, -2, 2},
    {"frequency_penalty", kNumber, kHonoured, -2, 2},
    {"logit_bias", kObject},
    {"stream", kBool},
    {"stream_options", kObject},
    {"user", kString, kHarmless, -kNoBound, kNoBound, "names the end user; nothing is kept by it"},
    // Beyond OpenAI, with vLLM's names.
    {"top_k", kInteger, kHonoured, -1, 1e9},
    {"min_p", kNumber, kHonoured, 0, 1},
    {"typical_p", kNumber, kHonoured, 0, 1},
    {"repetition_penalty", kNumber, kHonoured, 0, 100},
    {"min_tokens", kInteger, kHonoured, 0, 1e9},
    {"ignore_eos", kBool},
    {"stop_token_ids", kArray, kHonoured, 0, kStopsMax},
    {"include_stop_str_in_output", kBool},
    {"skip_special_tokens", kBool},
    {"spaces_between_special_tokens", kBool, kOnly, 0, 0, "[true]"},
    {"add_special_tokens", kBool},
    {"truncate_prompt_tokens", kInteger, kHonoured, -1, 1e9},
    {"priority", kInteger, kHonoured, 0, 1e6},
    {"cache_salt", kString},
    {"return_tokens_as_token_ids", kBool},
    {"prompt_logprobs", kInteger, kRefused, 0, 0, "use /v1/completions with echo and logprobs"},
    {"use_beam_search", kBool, kOnly, 0, 0, "[false]"},
    {"response_format", kObject},
    {"guided_json", kStringOrObject},
    {"guided_regex", kString},
    {"guided_choice", kArray, kHonoured, 1, kGuidedChoicesMax},
    {"guided_grammar", kString},
    {"grammar", kString},
    {"structured_outputs", kObject},
});

constexpr auto kChat = std::to_array<Parameter>({
    {"messages", kArray, kHonoured, 1, kMessagesMax},
    {"max_tokens", kInteger, kHonoured, 1, 1e9},
    {"max_completion_tokens", kInteger, kHonoured, 1, 1e9},
    {"logprobs", kBool},
    {"top_logprobs", kInteger, kHonoured, 0, kChatLogprobsMax},
    {"tools", kArray, kHonoured, 0, kToolsMax},
    {"tool_choice", kStringOrObject},
    {"parallel_tool_calls", kBool},
    {"metadata", kObject, kHarmless, -kNoBound, kNoBound,
     "labels for stored answers; none is stored"},
    {"store", kBool, kOnly, 0, 0, "[false]"},
    {"service_tier", kString, kOnly, 0, 0, R"(["auto","default"])"},
    {"prompt_cache_key", kString, kHarmless, -kNoBound, kNoBound,
     "a hint about routing; there is one server"},
    {"prompt_cache_options", kObject, kHarmless, -kNoBound, kNoBound, "a hint about caching"},
    {"prompt_cache_retention", kString, kHarmless, -kNoBound, kNoBound, "a hint about caching"},
    {"safety_identifier", kString, kHarmless, -kNoBound, kNoBound,
     "names the end user; nothing is kept by it"},
    {"modalities", kArray, kOnly, 0, 0, R"([["text"]])"},
    {"audio", kObject, kRefused, 0, 0, kTextOnly},
    {"prediction", kObject, kRefused, 0, 0, "leave it out; the answer is the same"},
    {"reasoning_effort", kString, kRefused, 0, 0,
     "set what the model's template knows in chat_template_kwargs"},
    {"verbosity", kString, kRefused, 0, 0, "ask for it in the prompt"},
    {"web_search_options", kObject, kRefused, 0, 0, "this server does not search the web"},
    {"moderation", kObject, kRefused, 0, 0, "this server does not moderate yet"},
    {"functions", kArray, kRefused, 0, 0, "it is OpenAI's old name; use tools"},
    {"function_call", kStringOrObject, kRefused, 0, 0, "it is OpenAI's old name; use tool_choice"},
    {"add_generation_prompt", kBool},
    {"continue_final_message", kBool, kOnly, 0, 0, "[false]"},
    {"chat_template", kString, kRefused, 0, 0, "the server decides; start it with --template FILE"},
    {"chat_template_kwargs", kObject},
    {"echo", kBool, kOnly, 0, 0, "[false]"},
    {"documents", kArray, kRefused, 0, 0, "put the documents into a message"},
});

constexpr auto kCompletion = std::to_array<Parameter>({
    {"prompt", kStringOrArray, kHonoured, 1, 1e9},
    {"max_tokens", kInteger, kHonoured, 0, 1e9},
    {"echo", kBool},
    {"logprobs", kInteger, kHonoured, 0, kCompletionLogprobsMax},
    {"suffix", kString, kOnly, 0, 0, R"([""])"},
    {"best_of", kInteger, kHonoured, 1, kChoicesMax},
});

constexpr auto kTokenize = std::to_array<Parameter>({
    {"model", kString},
    {"prompt", kString},
    {"messages", kArray, kHonoured, 1, kMessagesMax},
    {"add_special_tokens", kBool},
    {"add_generation_prompt", kBool},
    {"continue_final_message", kBool, kOnly, 0, 0, "[false]"},
    {"return_token_strs", kBool},
    {"tools", kArray, kHonoured, 0, kToolsMax},
    {"chat_template", kString, kRefused, 0, 0, "the server decides; start it with --template FILE"},
    {"chat_template_kwargs", kObject},
});

constexpr auto kDetokenize = std::to_array<Parameter>({
    {"model", kString},
    {"tokens", kArray},
});

template <size_t A, size_t B>
constexpr std::array<Parameter, A + B> Joined(const std::array<Parameter, A>& a,
                                              const std::array<Parameter, B>& b) {
    std::array<Parameter, A + B> out;
    for (size_t i = 0; i < A; ++i) out[i] = a[i];
    for (size_t i = 0; i < B; ++i) out[A + i] = b[i];
    return out;
}

constexpr auto kChatAll = Joined(kChat, kGeneration);
constexpr auto kCompletionAll = Joined(kCompletion, kGeneration);

}  // namespace

std::span<const Parameter> ChatParameters() {
    return kChatAll;
}
std::span<const Parameter> CompletionParameters() {
    return kCompletionAll;
}
std::span<const Parameter> TokenizeParameters() {
    return kTokenize;
}
std::span<const Parameter> DetokenizeParameters() {
    return kDetokenize;
}

}  // namespace lathe::api
