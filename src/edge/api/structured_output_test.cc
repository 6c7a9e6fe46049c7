#include "edge/api/structured_output.h"

#include "edge/api/api_fixture.h"

namespace lathe::api {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSchema = R"({"type":"object","properties":{"a":{"type":"integer"},
    "b":{"enum":["x","y"]}},"required":["a","b"],"additionalProperties":false})";

Json WithSchema(const Json& schema) {
    return {{"response_format",
             {{"type", "json_schema"}, {"json_schema", {{"name", "n"}, {"schema", schema}}}}}};
}

TEST(StructuredOutput, HoldsTheTextToEveryKindOfGrammar) {
    Served served;
    auto text = [&](Json more) {
        more["max_tokens"] = 100;
        more["temperature"] = 1;
        auto answer = served.Post(kCompletionPath, Completion("x", more));
        EXPECT_EQ(answer.status, 200) << answer.body;
        EXPECT_EQ(answer.json["choices"][0]["finish_reason"], "stop") << answer.body;
        return answer.json["choices"][0]["text"].get<std::string>();
    };
    auto check = [](const std::string& object) {
        auto value = ParseJson(object);
        ASSERT_TRUE(value) << object;
        EXPECT_TRUE((*value)["a"].is_number_integer()) << object;
    };
    check(text(WithSchema(Json::parse(kSchema))));
    check(text({{"guided_json", Json::parse(kSchema)}}));
    check(text({{"guided_json", kSchema}}));
    check(text({{"structured_outputs", {{"json", Json::parse(kSchema)}}}}));
    EXPECT_EQ(text({{"guided_regex", "q[0]{3}"}}), "q000");
    EXPECT_EQ(text({{"guided_choice", {"Xyz"}}}), "Xyz");
    EXPECT_EQ(text({{"guided_grammar", "root ::= \"a\" | \"b\""}}).size(), 1u);
    EXPECT_EQ(text({{"grammar", "root ::= \"GB\""}}), "GB");
    EXPECT_EQ(text({{"structured_outputs", {{"choice", {"c"}}}}}), "c");
}

TEST(StructuredOutput, AnswersChatsAndStreams) {
    Served served;
    Json body = {{"messages", {{{"role", "user"}, {"content", "x"}}}},
                 {"guided_choice", {"Left", "Right"}}};
    auto answer = served.Post(kChatPath, body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    auto content = answer.json["choices"][0]["message"]["content"].get<std::string>();
    EXPECT_TRUE(content == "Left" || content == "Right") << content;
    auto stream = served.PostStream(kChatPath, body);
    std::string streamed;
    for (const Json& chunk : stream.chunks)
        streamed += chunk["choices"][0]["delta"].value("content", "");
    EXPECT_TRUE(streamed == "Left" || streamed == "Right") << streamed;
    EXPECT_EQ(stream.chunks.back()["choices"][0]["finish_reason"], "stop");
}

TEST(StructuredOutput, NamesWhatItCannotHonour) {
    Served served;
    auto refuse = [&](const Json& more, const char* param, const char* message) {
        auto answer = served.Post(kCompletionPath, Completion("x", more));
        EXPECT_EQ(answer.status, 400) << answer.body;
        EXPECT_EQ(answer.json["error"]["param"], param) << answer.body;
        EXPECT_THAT(answer.json["error"]["message"].get<std::string>(), HasSubstr(message));
    };
    const char* schema = "response_format.json_schema.schema";
    refuse(WithSchema(Json::parse(R"({"properties":{"a":{"contains":{}}}})")), schema,
           "$.properties.a.contains");
    refuse(WithSchema(Json::parse(R"({"minLength":3,"maxLength":2})")), schema, "$.maxLength");
    refuse(WithSchema(3), schema, "must be a JSON schema");
    refuse({{"response_format", {{"type", "json_schema"}}}}, "response_format.json_schema",
           "must be given");
    refuse({{"response_format", {{"type", "yaml"}}}}, "response_format.type", "json_object");
    refuse({{"response_format", {{"type", "text"}, {"x", 1}}}}, "response_format.x", "x");
    refuse({{"guided_json", "{"}}, "guided_json", "guided_json");
    refuse({{"guided_regex", "a{5000}"}}, "guided_regex", "1000");
    refuse({{"guided_regex", "((a{1000}){1000}){1000}"}}, "guided_regex", "too large");
    refuse({{"guided_choice", {1}}}, "guided_choice", "strings");
    refuse({{"guided_choice", Json::array()}}, "guided_choice", "guided_choice");
    refuse({{"guided_grammar", "root ::= root \"x\" | \"y\""}}, "guided_grammar", "left recursion");
    refuse({{"structured_outputs", {{"regexp", "a"}}}}, "structured_outputs.regexp", "regex");
    refuse({{"guided_regex", "a"}, {"guided_choice", {"a"}}}, "guided_choice", "only one");
}

TEST(GrammarCache, CompilesTheSameTextOnce) {
    GrammarCache cache;
    StructuredOutput wanted{StructuredOutput::Kind::kRegex, "[a-z]+", "guided_regex"};
    auto first = cache.Get(wanted);
    ASSERT_TRUE(first);
    EXPECT_EQ(*cache.Get(wanted), *first);
    wanted.kind = StructuredOutput::Kind::kChoice;
    wanted.value = {"[a-z]+"};
    EXPECT_NE(*cache.Get(wanted), *first);
    for (size_t i = 0; i < GrammarCache::kEntriesMax; ++i) {
        wanted.value = {std::to_string(i)};
        ASSERT_TRUE(cache.Get(wanted));
    }
    wanted = {StructuredOutput::Kind::kRegex, "[a-z]+", "guided_regex"};
    EXPECT_NE(*cache.Get(wanted), *first);  // forgotten
}

}  // namespace
}  // namespace lathe::api
