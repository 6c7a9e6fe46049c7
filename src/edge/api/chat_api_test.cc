#include <cmath>

#include "edge/api/api_fixture.h"

namespace lathe::api {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(ChatApi, AnswersWithTheWholeText) {
    Served served;
    auto answer = served.Post(kChatPath, Chat("hi"));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto& json = answer.json;
    EXPECT_THAT(json["id"].get<std::string>(), MatchesRegex("chatcmpl-[0-9a-f]{24}"));
    EXPECT_EQ(json["object"], "chat.completion");
    EXPECT_EQ(json["model"], "abc");
    EXPECT_EQ(json["choices"].dump(),
              fmt::format(R"([{{"index":0,"message":{{"role":"assistant","content":"{}",)"
                          R"("refusal":null}},"logprobs":null,"finish_reason":"stop",)"
                          R"("stop_reason":null}}])",
                          kAlphabet));
    // "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    EXPECT_EQ(json["usage"]["prompt_tokens"], 1 + 5 + 2 + 1 + 1 + 1 + 10);
    EXPECT_EQ(json["usage"]["completion_tokens"], 27);  // with the end of the turn
    EXPECT_EQ(json["usage"]["total_tokens"], 21 + 27);
    EXPECT_THAT(answer.head, HasSubstr("openai-processing-ms: "));
    EXPECT_THAT(answer.head, HasSubstr("x-request-id: "));
}

TEST(ChatApi, StopsAtMaxTokensAndAtStopStrings) {
    Served served;
    auto length = served.Post(kChatPath, Chat("hi", {{"max_tokens", 3}})).json;
    EXPECT_EQ(length["choices"][0]["message"]["content"], "abc");
    EXPECT_EQ(length["choices"][0]["finish_reason"], "length");
    auto stop = served.Post(kChatPath, Chat("hi", {{"stop", {"xyz", "def"}}})).json;
    EXPECT_EQ(stop["choices"][0]["message"]["content"], "abc");
    EXPECT_EQ(stop["choices"][0]["finish_reason"], "stop");
    EXPECT_EQ(stop["choices"][0]["stop_reason"], "def");
}

TEST(ChatApi, GivesNChoicesAndTheirLogprobs) {
    Served served;
    auto json =
        served
            .Post(
                kChatPath,
                Chat("hi", {{"n", 3}, {"max_tokens", 2}, {"logprobs", true}, {"top_logprobs", 2}}))
            .json;
    ASSERT_EQ(json["choices"].size(), 3u);
    // Logits of 6 and 3, 255 of 0, and one of nothing.
    double expected = 6 - std::log(std::exp(6) + std::exp(3) + 255);
    for (int i = 0; i < 3; ++i) {
        const auto& choice = json["choices"][i];
        EXPECT_EQ(choice["index"], i);
        EXPECT_EQ(choice["message"]["content"], "ab");
        const auto& content = choice["logprobs"]["content"];
        ASSERT_EQ(content.size(), 2u);
        EXPECT_EQ(content[0]["token"], "a");
        EXPECT_EQ(content[0]["bytes"].dump(), "[97]");
        EXPECT_NEAR(content[0]["logprob"].get<double>(), expected, 1e-4);
        ASSERT_EQ(content[1]["top_logprobs"].size(), 2u);
        EXPECT_EQ(content[1]["top_logprobs"][0]["token"], "b");
        EXPECT_EQ(content[1]["top_logprobs"][1]["token"], "?");
        EXPECT_NEAR(content[1]["top_logprobs"][1]["logprob"].get<double>(), expected - 3, 1e-4);
    }
    EXPECT_EQ(json["usage"]["completion_tokens"], 6);
}

TEST(ChatApi, StreamsRoleThenTextThenFinishThenUsage) {
    Served served;
    auto stream = served.PostStream(
        kChatPath, Chat("hi", {{"max_tokens", 3}, {"stream_options", {{"include_usage", true}}}}));
    EXPECT_THAT(stream.head, HasSubstr("cache-control: no-cache\r\n"));
    EXPECT_THAT(stream.head, HasSubstr("x-accel-buffering: no\r\n"));
    ASSERT_GE(stream.chunks.size(), 4u);
    const auto& first = stream.chunks.front()["choices"][0];
    EXPECT_EQ(first["delta"].dump(), R"({"role":"assistant","content":""})");
    EXPECT_EQ(first["finish_reason"], nullptr);
    std::string text;
    for (size_t i = 1; i + 2 < stream.chunks.size(); ++i) {
        const auto& choice = stream.chunks[i]["choices"][0];
        EXPECT_EQ(choice["delta"].size(), 1u);
        EXPECT_EQ(choice["finish_reason"], nullptr);
        text += choice["delta"]["content"].get<std::string>();
    }
    EXPECT_EQ(text, "abc");
    const auto& finish = stream.chunks[stream.chunks.size() - 2]["choices"][0];
    EXPECT_EQ(finish["delta"].dump(), "{}");
    EXPECT_EQ(finish["finish_reason"], "length");
    const auto& usage = stream.chunks.back();
    EXPECT_EQ(usage["choices"].dump(), "[]");
    EXPECT_EQ(usage["usage"]["completion_tokens"], 3);
    for (const auto& chunk : stream.chunks) {
        EXPECT_EQ(chunk["object"], "chat.completion.chunk");
        EXPECT_EQ(chunk["id"], stream.chunks[0]["id"]);
        EXPECT_TRUE(&chunk == &usage || chunk["usage"].is_null());
    }
}

TEST(ChatApi, StreamsEveryChoiceUnderItsIndex) {
    Served served;
    auto stream =
        served.PostStream(kChatPath, Chat("hi", {{"n", 2}, {"logprobs", true}, {"max_tokens", 4}}));
    std::map<int, std::string> text, tokens;
    std::map<int, int> roles, finishes;
    for (const auto& chunk : stream.chunks) {
        EXPECT_FALSE(chunk.contains("usage"));
        const auto& choice = chunk["choices"][0];
        int index = choice["index"];
        roles[index] += choice["delta"].contains("role");
        finishes[index] += !choice["finish_reason"].is_null();
        text[index] += choice["delta"].value("content", "");
        if (choice["logprobs"].is_object())
            for (const auto& token : choice["logprobs"]["content"])
                tokens[index] += token["token"].get<std::string>();
    }
    for (int i : {0, 1}) {
        EXPECT_EQ(text[i], "abcd");
        EXPECT_EQ(tokens[i], "abcd");
        EXPECT_EQ(roles[i], 1);
        EXPECT_EQ(finishes[i], 1);
    }
}

TEST(ChatApi, KeepsAQuietStreamAliveWithComments) {
    ServedOptions options;
    options.api.keep_alive = std::chrono::milliseconds(5);
    Served served(options);
    served.runner().Hold();
    net::TestClient client(served.port());
    client.Send(Served::PostText(kChatPath, Chat("hi", {{"stream", true}}).dump()));
    auto head = client.ReadThrough("\r\n\r\n");
    for (int i = 0; i < 3; ++i) client.ReadThrough(": keep-alive\n\n\r\n");
    served.runner().Release();
    auto stream = Served::ReadEvents(client, {});
    EXPECT_EQ(stream.chunks.back()["choices"][0]["finish_reason"], "stop");
}

TEST(ChatApi, EndsAFailedStreamWithAnErrorFrame) {
    Served served;
    // The bias makes the first token '!', after which the logits are broken.
    Json bias = {{"33", 100}};
    auto stream = served.PostStream(kChatPath, Chat("hi", {{"logit_bias", bias}}));
    ASSERT_GE(stream.chunks.size(), 2u);
    EXPECT_EQ(stream.chunks[0]["choices"][0]["delta"]["role"], "assistant");
    const auto& error = stream.chunks.back()["error"];
    EXPECT_EQ(error["type"], "server_error");
    EXPECT_EQ(error["code"], "internal_error");
    EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("not finite"));
    auto whole = served.Post(kChatPath, Chat("hi", {{"logit_bias", bias}}));
    EXPECT_EQ(whole.status, 500);
    EXPECT_EQ(whole.json["error"]["code"], "internal_error");
    EXPECT_THAT(served.Metrics(), HasSubstr("finished_reason=\"error\",model_name=\"abc\"} 2"));
}

TEST(ChatApi, GivesTheSameTextForTheSameSeed) {
    Served served;
    auto text = [&](int seed) {
        return served
            .Post(kChatPath, Chat("hi", {{"temperature", 1.8}, {"seed", seed}, {"max_tokens", 40}}))
            .json["choices"][0]["message"]["content"];
    };
    EXPECT_EQ(text(7), text(7));
    EXPECT_NE(text(7), text(8));
}

TEST(ChatApi, NamesWhatIsWrongWithARequest) {
    Served served;
    auto error = [&](const Json& body, int status) {
        auto answer = served.Post(kChatPath, body);
        EXPECT_EQ(answer.status, status) << answer.body;
        return answer.json["error"];
    };
    auto model = error(Chat("hi", {{"model", "gpt-4"}}), 404);
    EXPECT_EQ(model["code"], "model_not_found");
    EXPECT_EQ(model["param"], "model");
    auto unknown = error(Chat("hi", {{"temprature", 1}}), 400);
    EXPECT_EQ(unknown["param"], "temprature");
    EXPECT_EQ(unknown["type"], "invalid_request_error");
    auto bias = error(Chat("hi", {{"logit_bias", {{"9999", 1}}}}), 400);
    EXPECT_EQ(bias["param"], "logit_bias");
    auto long_prompt = error(Chat(std::string(300, 'x')), 400);
    EXPECT_EQ(long_prompt["code"], "context_length_exceeded");
    EXPECT_EQ(long_prompt["param"], "messages");
    EXPECT_THAT(long_prompt["message"].get<std::string>(), HasSubstr("319 tokens"));
    EXPECT_THAT(long_prompt["message"].get<std::string>(), HasSubstr("256 tokens"));
    auto huge = error(Chat("hi", {{"max_tokens", 1'000'000}}), 400);
    EXPECT_EQ(huge["param"], "max_tokens");
    auto truncated = served.Post(
        kChatPath,
        Chat(std::string(300, 'x'), {{"truncate_prompt_tokens", -1}, {"max_tokens", 5}}));
    EXPECT_EQ(truncated.json["choices"][0]["message"]["content"], "abcde");
    EXPECT_EQ(truncated.json["usage"]["prompt_tokens"], 251);
}

TEST(ChatApi, SaysWhenThereIsNoTemplateOrItRefuses) {
    ServedOptions options;
    options.chat_template = "";
    Served none(options);
    auto answer = none.Post(kChatPath, Chat("hi"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("no chat template"));
    options.chat_template = "{{ raise_exception('only questions here') }}";
    Served refusing(options);
    answer = refusing.Post(kChatPath, Chat("hi"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.json["error"]["param"], "messages");
    EXPECT_THAT(answer.body, HasSubstr("only questions here"));
}

TEST(ChatApi, RefusesBodiesThatAreNoJson) {
    Served served;
    auto status = [&](const std::string& type, const std::string& body) {
        return served.Ask(
            fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}",
                        kChatPath, type, body.size(), body));
    };
    const std::string json = "Content-Type: application/json; charset=utf-8\r\n";
    EXPECT_EQ(status("Content-Type: text/plain\r\n", Chat("hi").dump()).status, 415);
    EXPECT_EQ(status("", Chat("hi").dump()).status, 415);
    EXPECT_EQ(status(json, Chat("hi").dump()).status, 200);
    for (const auto& body : {std::string(), std::string("{"), std::string("[]"),
                             std::string(1'000'000, '['), std::string("{\"messages\":\"\xff\"}")}) {
        auto answer = status(json, body);
        EXPECT_EQ(answer.status, 400);
        EXPECT_EQ(answer.json["error"]["type"], "invalid_request_error") << body.substr(0, 20);
    }
}

}  // namespace
}  // namespace lathe::api
