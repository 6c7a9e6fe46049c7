#include "edge/api/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::api {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

constexpr const char* kHello = R"("messages":[{"role":"user","content":"hello"}])";

Result<ChatRequest> Parse(const std::string& members, bool with_messages = true) {
    std::string body = "{" + (with_messages ? std::string(kHello) : "");
    if (with_messages && !members.empty()) body += ",";
    return ParseChatRequest(Json::parse(body + members + "}"), {});
}

Error Refusal(const std::string& members, bool with_messages = true) {
    auto request = Parse(members, with_messages);
    EXPECT_FALSE(request) << members;
    return request ? Error{} : request.error();
}

auto Blames(std::string param, std::string message) {
    return AllOf(Field(&Error::param, param), Field(&Error::message, HasSubstr(message)));
}

TEST(ChatRequest, TakesItsDefaultsFromTheModel) {
    sampling::SamplingParams defaults;
    defaults.temperature = 0.3f;
    defaults.top_k = 17;
    auto request =
        ParseChatRequest(Json::parse(std::string("{") + kHello + R"(,"top_k":-1})"), defaults);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->options.engine.sampling.temperature, 0.3f);
    EXPECT_EQ(request->options.engine.sampling.top_k, 0);
    EXPECT_EQ(request->options.engine.completions, 1);
    EXPECT_EQ(request->options.engine.top_logprobs, -1);
    EXPECT_FALSE(request->options.tokens_max);
    EXPECT_TRUE(request->input.add_generation_prompt);
    EXPECT_TRUE(request->input.tools.is_null());
}

TEST(ChatRequest, HonoursEverySamplingAndStoppingParameter) {
    auto request = Parse(R"("model":"m","temperature":0.5,"top_p":0.9,"n":3,"stop":["a","b"],
        "seed":-7,"presence_penalty":1,"frequency_penalty":-1,"logit_bias":{"5":-100,"6":1.5},
        "max_completion_tokens":9,"logprobs":true,"top_logprobs":4,"stream":true,
        "stream_options":{"include_usage":true},"top_k":5,"min_p":0.1,"typical_p":0.8,
        "repetition_penalty":1.2,"min_tokens":2,"ignore_eos":true,"stop_token_ids":[3],
        "include_stop_str_in_output":true,"skip_special_tokens":false,"priority":4,
        "truncate_prompt_tokens":-1,"add_generation_prompt":false,"add_special_tokens":true,
        "chat_template_kwargs":{"enable_thinking":false},"return_tokens_as_token_ids":true)");
    ASSERT_TRUE(request) << request.error().message;
    const auto& options = request->options;
    const auto& engine = options.engine;
    EXPECT_EQ(options.model, "m");
    EXPECT_EQ(engine.sampling.temperature, 0.5f);
    EXPECT_EQ(engine.sampling.top_p, 0.9f);
    EXPECT_EQ(engine.sampling.top_k, 5);
    EXPECT_EQ(engine.sampling.min_p, 0.1f);
    EXPECT_EQ(engine.sampling.typical_p, 0.8f);
    EXPECT_EQ(engine.sampling.repetition_penalty, 1.2f);
    EXPECT_EQ(engine.sampling.presence_penalty, 1);
    EXPECT_EQ(engine.sampling.frequency_penalty, -1);
    EXPECT_EQ(engine.sampling.seed, static_cast<uint64_t>(-7));
    EXPECT_THAT(engine.sampling.logit_bias, ElementsAre(std::pair(5, -100.0f), std::pair(6, 1.5f)));
    EXPECT_EQ(engine.completions, 3);
    EXPECT_THAT(engine.stop, ElementsAre("a", "b"));
    EXPECT_THAT(engine.stop_tokens, ElementsAre(3));
    EXPECT_TRUE(engine.include_stop && engine.ignore_eos && engine.keep_special);
    EXPECT_EQ(engine.tokens_min, 2);
    EXPECT_EQ(engine.priority, 4);
    EXPECT_EQ(engine.top_logprobs, 4);
    EXPECT_EQ(options.tokens_max, 9);
    EXPECT_EQ(options.prompt_tokens_max, -1);
    EXPECT_EQ(options.add_special, true);
    EXPECT_TRUE(options.stream && options.include_usage && options.tokens_as_ids);
    EXPECT_FALSE(request->input.add_generation_prompt);
    EXPECT_EQ(request->input.extra.dump(), R"({"enable_thinking":false})");
}

TEST(ChatRequest, AcceptsTheHarmlessAndTheEmpty) {
    auto request = Parse(R"("user":"u","metadata":{"a":"b"},"store":false,"service_tier":"auto",
        "safety_identifier":"s","prompt_cache_key":"k","modalities":["text"],"tools":[],
        "response_format":{"type":"text"},"parallel_tool_calls":true,"stop":null)");
    EXPECT_TRUE(request) << request.error().message;
}

TEST(ChatRequest, JoinsTextPartsAndRenamesDeveloper) {
    auto request = Parse(
        R"("messages":[{"role":"developer","content":"be brief"},
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"x"}])",
        false);
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->input.messages.dump(), R"([{"role":"system","content":"be brief"},)"
                                              R"({"role":"user","content":"a\nb","name":"x"}])");
}

TEST(ChatRequest, TakesBackAnEarlierAnswerWithItsToolCalls) {
    auto request = Parse(
        R"("messages":[{"role":"user","content":"w?"},
          {"role":"assistant","content":null,"refusal":null,"annotations":[],"audio":null,
           "function_call":null,"tool_calls":[{"id":"c1","type":"function",
           "function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},
          {"role":"tool","tool_call_id":"c1","content":"rain"}])",
        false);
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_EQ(request->input.messages[1]["tool_calls"][0]["function"]["arguments"]["city"], "Oslo");
    EXPECT_EQ(request->input.messages[2]["tool_call_id"], "c1");
}

TEST(ChatRequest, NamesTheBrokenMessage) {
    auto messages = [](const char* list) { return std::string("\"messages\":") + list; };
    EXPECT_THAT(Refusal(messages("[]"), false), Blames("messages", "from 1 to"));
    EXPECT_THAT(Refusal(messages("7"), false), Blames("messages", "must be an array"));
    EXPECT_THAT(Refusal(messages("[7]"), false), Blames("messages[0]", "must be an object"));
    EXPECT_THAT(Refusal("", false), Blames("messages", "must be given"));
    EXPECT_THAT(Refusal(messages(R"([{"role":"king","content":"x"}])"), false),
                Blames("messages[0].role", "system, developer, user"));
    EXPECT_THAT(Refusal(messages(R"([{"role":"user"}])"), false),
                Blames("messages[0].content", "must be given"));
    EXPECT_THAT(Refusal(messages(R"([{"role":"user","content":5}])"), false),
                Blames("messages[0].content", "a string or an array, not 5"));
    EXPECT_THAT(
        Refusal(messages(R"([{"role":"user","content":[{"type":"image_url","image_url":{}}]}])"),
                false),
        Blames("messages[0].content[0].type", "text only"));
    EXPECT_THAT(Refusal(messages(R"([{"role":"user","content":"x","contents":"y"}])"), false),
                Blames("messages[0].contents", "did you mean \"content\"?"));
}

TEST(ChatRequest, RefusesWhatItCannotHonour) {
    EXPECT_THAT(Refusal(R"("response_format":{"type":"structural_tag"})"),
                Blames("response_format.type", "json_schema"));
    EXPECT_THAT(Refusal(R"("modalities":["text","audio"])"), Blames("modalities", "text"));
    EXPECT_THAT(Refusal(R"("top_logprobs":3)"), Blames("top_logprobs", "logprobs: true"));
    EXPECT_THAT(Refusal(R"("logprobs":true,"top_logprobs":21)"),
                Blames("top_logprobs", "from 0 to 20"));
    EXPECT_THAT(Refusal(R"("stream_options":{"include_usage":true})"),
                Blames("stream_options", "stream: true"));
    EXPECT_THAT(Refusal(R"("stream":true,"stream_options":{"usage":true})"),
                Blames("stream_options.usage", "unknown"));
    EXPECT_THAT(Refusal(R"("max_tokens":5,"max_completion_tokens":6)"),
                Blames("max_tokens", "differ"));
    EXPECT_THAT(Refusal(R"("max_tokens":0)"), Blames("max_tokens", "from 1"));
    EXPECT_THAT(Refusal(R"("max_tokens":5,"min_tokens":6)"), Blames("min_tokens", "more than"));
    EXPECT_THAT(Refusal(R"("stop":["a",""])"), Blames("stop[1]", "from 1 to"));
    EXPECT_THAT(Refusal(R"("stop":["a",3])"), Blames("stop[1]", "a string"));
    EXPECT_THAT(Refusal(R"("logit_bias":{"x":1})"), Blames("logit_bias", "token ids"));
    EXPECT_THAT(Refusal(R"("logit_bias":{"1":"x"})"), Blames("logit_bias", "a number"));
    EXPECT_THAT(Refusal(R"("chat_template_kwargs":{"messages":[]})"),
                Blames("chat_template_kwargs", "cannot set"));
    EXPECT_THAT(Refusal(R"("truncate_prompt_tokens":0)"),
                Blames("truncate_prompt_tokens", "at least 1"));
    EXPECT_THAT(Refusal(R"("functions":[])"), Blames("functions", "use tools"));
}

TEST(FitPrompt, BoundsTheAnswerByTheContext) {
    engine::GenerationRequest request;
    ASSERT_TRUE(FitPrompt({1, 2, 3}, {}, 100, 10, "prompt", request));
    EXPECT_EQ(request.tokens_max, 7);
    GenerationOptions options;
    options.tokens_max = 2;
    ASSERT_TRUE(FitPrompt({1, 2, 3}, options, 100, 10, "prompt", request));
    EXPECT_EQ(request.tokens_max, 2);
    options.tokens_max = 11;
    EXPECT_THAT(FitPrompt({1}, options, 100, 10, "prompt", request).error(),
                Blames("max_tokens", "max_tokens is 11, but the context of this model is 10"));
}

TEST(FitPrompt, RefusesALongPromptWithBothLengths) {
    engine::GenerationRequest request;
    auto status = FitPrompt(std::vector<int32_t>(12, 1), {}, 100, 10, "messages", request);
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error(), Blames("messages", "12 tokens"));
    EXPECT_THAT(status.error().message, HasSubstr("10 tokens"));
    auto error = RequestError(status.error());
    EXPECT_EQ(error.status, 400);
    EXPECT_EQ(error.code, "context_length_exceeded");
}

TEST(FitPrompt, KeepsTheEndWhenAskedToTruncate) {
    engine::GenerationRequest request;
    GenerationOptions options;
    options.prompt_tokens_max = 2;
    ASSERT_TRUE(FitPrompt({1, 2, 3, 4}, options, 16, 10, "prompt", request));
    EXPECT_THAT(request.prompt, ElementsAre(3, 4));
    options.prompt_tokens_max = -1;
    options.tokens_max = 4;
    ASSERT_TRUE(
        FitPrompt({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, options, 16, 10, "prompt", request));
    EXPECT_THAT(request.prompt, ElementsAre(7, 8, 9, 10, 11, 12));
    EXPECT_EQ(request.tokens_max, 4);
}

}  // namespace
}  // namespace lathe::api
