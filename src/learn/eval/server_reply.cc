#include "learn/eval/server_reply.h"

#include <algorithm>
#include <optional>

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"
#include "core/json/json.h"

namespace lathe::eval {
namespace {

std::unexpected<Error> Odd(std::string_view what) {
    return MakeError(Code::kFailedPrecondition, "the server's answer {}", what);
}

const Json* Member(const Json& object, const char* name) {
    if (!object.is_object()) return nullptr;
    auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<Json> ReadObject(std::string_view body) {
    auto json = ParseJson(body);
    if (!json || !json->is_object())
        return Odd(fmt::format("is not a JSON object: {}", ParseRefusal(body)));
    return *std::move(json);
}

Result<const Json*> ChoicesOf(const Json& reply, size_t count) {
    const Json* choices = Member(reply, "choices");
    if (!choices || !choices->is_array()) return Odd("has no `choices`");
    if (choices->size() != count)
        return Odd(fmt::format("has {} choices for {} prompts", choices->size(), count));
    return choices;
}

// One choice's columns, of one length.
struct Echo {
    const Json* tokens = nullptr;
    const Json* logprobs = nullptr;
    const Json* top = nullptr;
    std::vector<size_t> offsets;  // where each token begins, in code points
};

std::optional<std::vector<size_t>> OffsetsOf(const Json& logprobs, const Json& tokens) {
    std::vector<size_t> offsets;
    const Json* given = Member(logprobs, "text_offset");
    size_t at = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (!tokens[i].is_string()) return std::nullopt;
        if (given && given->is_array() && i < given->size() && (*given)[i].is_number_unsigned())
            at = (*given)[i].get<size_t>();
        offsets.push_back(at);
        at += chat::CountCodePoints(chat::ValidUtf8(tokens[i].get_ref<const std::string&>()));
    }
    return offsets;
}

Result<Echo> EchoOf(const Json& choice) {
    const Json* logprobs = Member(choice, "logprobs");
    if (!logprobs)
        return Odd(
            "has no `logprobs`: it does not score prompts (`echo` with `logprobs`), so only "
            "tasks that generate can be run on it");
    Echo echo{.tokens = Member(*logprobs, "tokens"),
              .logprobs = Member(*logprobs, "token_logprobs"),
              .top = Member(*logprobs, "top_logprobs"),
              .offsets = {}};
    for (const Json* column : {echo.tokens, echo.logprobs, echo.top})
        if (!column || !column->is_array() || column->size() != echo.tokens->size())
            return Odd("needs `tokens`, `token_logprobs` and `top_logprobs` of one length");
    auto offsets = OffsetsOf(*logprobs, *echo.tokens);
    if (!offsets) return Odd("has a token that is not a text");
    echo.offsets = *std::move(offsets);
    return echo;
}

// Where the echoed prompt begins: behind a begin-of-sequence token that is written out.
size_t PromptOffset(const Echo& echo, std::string_view prompt) {
    if (echo.tokens->empty()) return 0;
    const auto& first = (*echo.tokens)[0].get_ref<const std::string&>();
    bool special = !first.empty() && !(*echo.logprobs)[0].is_number() &&
                   !prompt.starts_with(first) && echo.tokens->size() > 1 && echo.offsets[1] > 0;
    return special ? echo.offsets[1] : 0;
}

Result<ModelAnswer> ScoreOf(const Json& choice, const ModelRequest& asked) {
    LATHE_TRY(Echo echo, EchoOf(choice));
    std::string prompt = asked.context + asked.continuation;
    size_t begin = PromptOffset(echo, prompt);
    std::string_view kept = chat::Strip(asked.context, std::nullopt, chat::Side::kRight);
    size_t first = begin + chat::CountCodePoints(kept);
    size_t end = begin + chat::CountCodePoints(prompt);
    ModelAnswer answer;
    answer.is_greedy = true;
    size_t counted = 0;
    for (size_t i = 0; i < echo.tokens->size(); ++i) {
        if (echo.offsets[i] < first || echo.offsets[i] >= end) continue;
        const Json& logprob = (*echo.logprobs)[i];
        if (!logprob.is_number()) {
            if (i == 0) continue;  // nothing stands before it
            return Odd("has no log-probability for a token of the prompt");
        }
        double value = logprob.get<double>();
        answer.loglikelihood += value;
        const Json& top = (*echo.top)[i];
        if (!top.is_object() || top.empty())
            return Odd("has no `top_logprobs` for a token of the prompt");
        for (const auto& [token, other] : top.items())
            answer.is_greedy &= !other.is_number() || other.get<double>() <= value;
        ++counted;
    }
    if (counted == 0) return Odd("does not echo the prompt: no token of the continuation is in it");
    return answer;
}

}  // namespace

Result<std::vector<ModelAnswer>> ParseScored(std::string_view body,
                                             std::span<const ModelRequest> asked) {
    LATHE_TRY(Json reply, ReadObject(body));
    LATHE_TRY(const Json* choices, ChoicesOf(reply, asked.size()));
    std::vector<std::optional<ModelAnswer>> answers(asked.size());
    for (size_t i = 0; i < choices->size(); ++i) {
        const Json* index = Member((*choices)[i], "index");
        size_t place = index && index->is_number_unsigned() ? index->get<size_t>() : i;
        if (place >= asked.size() || answers[place]) return Odd("has choices with a wrong `index`");
        LATHE_TRY(answers[place], ScoreOf((*choices)[i], asked[place]));
    }
    std::vector<ModelAnswer> all;
    for (auto& answer : answers) all.push_back(*std::move(answer));
    return all;
}

Result<std::string> ParseText(std::string_view body) {
    LATHE_TRY(Json reply, ReadObject(body));
    LATHE_TRY(const Json* choices, ChoicesOf(reply, 1));
    const Json& choice = (*choices)[0];
    const Json* message = Member(choice, "message");
    const Json* text = message ? Member(*message, "content") : Member(choice, "text");
    if (message && !text) return std::string();  // a refusal, or a tool's call
    if (!text || !text->is_string()) return Odd("has no text");
    return chat::ValidUtf8(text->get_ref<const std::string&>());
}

std::string ParseRefusal(std::string_view body) {
    constexpr size_t kShown = 300;
    if (auto json = ParseJson(body)) {
        const Json* error = Member(*json, "error");
        const Json* message = error ? Member(*error, "message") : Member(*json, "message");
        if (error && error->is_string()) message = error;
        if (message && message->is_string()) return message->get<std::string>();
    }
    std::string text(body.substr(0, kShown));
    if (body.size() > kShown) text += "…";
    return text.empty() ? "(nothing)" : chat::ValidUtf8(text);
}

Result<std::vector<std::string>> ParseModelIds(std::string_view body) {
    LATHE_TRY(Json reply, ReadObject(body));
    const Json* data = Member(reply, "data");
    if (!data || !data->is_array()) return Odd("has no list `data` of models");
    std::vector<std::string> ids;
    for (const Json& model : *data) {
        const Json* id = Member(model, "id");
        if (id && id->is_string()) ids.push_back(id->get<std::string>());
    }
    return ids;
}

}  // namespace lathe::eval
