#include "edge/api/tool_request.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/api/chat_request.h"

namespace lathe::api {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using Choice = ToolRequest::Choice;

constexpr const char* kTools =
    R"("tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},
                {"type":"function","function":{"name":"g.h","strict":true,"returns":"x"}}])";

Result<ToolRequest> Parse(const std::string& members) {
    return ParseToolRequest(Json::parse("{" + members + "}"));
}

Error Refusal(const std::string& members) {
    auto request = Parse(members);
    EXPECT_FALSE(request) << members;
    return request ? Error{} : request.error();
}

auto Blames(std::string param, std::string message) {
    return AllOf(Field(&Error::param, param), Field(&Error::message, HasSubstr(message)));
}

TEST(ToolRequest, ReadsEveryChoice) {
    auto choice = [](const std::string& members) {
        auto request = Parse(members);
        EXPECT_TRUE(request) << request.error().message;
        return request ? request->choice : Choice::kNone;
    };
    const std::string tools = kTools;
    EXPECT_EQ(choice(""), Choice::kNone);
    EXPECT_EQ(choice(R"("tools":[],"tool_choice":"auto")"), Choice::kNone);
    EXPECT_EQ(choice(tools), Choice::kAuto);
    EXPECT_EQ(choice(tools + R"(,"tool_choice":"auto")"), Choice::kAuto);
    EXPECT_EQ(choice(tools + R"(,"tool_choice":null)"), Choice::kAuto);
    EXPECT_EQ(choice(tools + R"(,"tool_choice":"none")"), Choice::kNone);
    EXPECT_EQ(choice(tools + R"(,"tool_choice":"required")"), Choice::kRequired);
    auto named = Parse(tools + R"(,"parallel_tool_calls":false,
        "tool_choice":{"type":"function","function":{"name":"g.h"}})");
    ASSERT_TRUE(named);
    EXPECT_EQ(named->choice, Choice::kNamed);
    EXPECT_EQ(named->name, "g.h");
    EXPECT_FALSE(named->parallel);
    EXPECT_EQ(named->tools->size(), 2u);
    EXPECT_TRUE(Parse(tools)->parallel);
}

TEST(ToolRequest, NamesWhatIsWrongWithATool) {
    auto tool = [](const std::string& text) { return "\"tools\":[" + text + "]"; };
    auto function = [&](const std::string& text) {
        return tool(R"({"type":"function","function":)" + text + "}");
    };
    EXPECT_THAT(Refusal(tool("7")), Blames("tools[0]", "an object, not 7"));
    EXPECT_THAT(Refusal(tool(R"({"type":"retrieval"})")), Blames("tools[0].type", "function"));
    EXPECT_THAT(Refusal(tool(R"({"type":"function"})")), Blames("tools[0].function", "object"));
    EXPECT_THAT(Refusal(function("{}")), Blames("tools[0].function.name", "must be given"));
    EXPECT_THAT(Refusal(function(R"({"name":3})")), Blames("tools[0].function.name", "a string"));
    for (std::string name : {"", "a b", "ä", "f<"})
        EXPECT_THAT(Refusal(function(R"({"name":")" + name + "\"}")),
                    Blames("tools[0].function.name", "letter"));
    EXPECT_THAT(Refusal(function(R"({"name":"f","parameters":[]})")),
                Blames("tools[0].function.parameters", "a JSON schema, not an array"));
    EXPECT_THAT(Refusal(function(R"({"name":"f","description":1})")),
                Blames("tools[0].function.description", "a string, not 1"));
    EXPECT_THAT(Refusal(function(R"({"name":"f","strict":"yes"})")),
                Blames("tools[0].function.strict", "true or false"));
    EXPECT_THAT(Refusal(tool(R"({"type":"function","function":{"name":"f"}},
                                {"type":"function","function":{"name":"f"}})")),
                Blames("tools[1].function.name", "two tools named \"f\""));
}

TEST(ToolRequest, NamesWhatIsWrongWithAChoice) {
    const std::string tools = std::string(kTools) + ",";
    EXPECT_THAT(Refusal(R"("tool_choice":"required")"), Blames("tool_choice", "no tools"));
    EXPECT_THAT(Refusal(tools + R"("tool_choice":"any")"), Blames("tool_choice", "\"required\""));
    EXPECT_THAT(Refusal(tools + R"("tool_choice":{"type":"custom"})"),
                Blames("tool_choice", "\"required\""));
    EXPECT_THAT(Refusal(tools + R"("tool_choice":{"type":"function"})"),
                Blames("tool_choice.function.name", "must be given"));
    EXPECT_THAT(Refusal(tools + R"("tool_choice":{"type":"function","function":{"name":"h"}})"),
                Blames("tool_choice.function.name", "no function \"h\""));
}

TEST(ToolRequest, RefusesAnotherFormOfTheAnswerBesideTools) {
    auto parse = [](const std::string& members) {
        return ParseChatRequest(
            Json::parse("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]," + members + "}"),
            {});
    };
    const std::string tools = std::string(kTools) + ",";
    const std::string json = R"("response_format":{"type":"json_object"})";
    EXPECT_THAT(parse(tools + json).error(), Blames("response_format", "tool_choice to \"none\""));
    EXPECT_THAT(parse(tools + R"("guided_regex":"a+")").error(), Blames("guided_regex", "tools"));
    EXPECT_TRUE(parse(tools + R"("response_format":{"type":"text"})"));
    EXPECT_TRUE(parse(tools + R"("tool_choice":"none",)" + json));
    EXPECT_TRUE(parse(json));
}

TEST(ToolRequest, TakesBackTheCallsOfEarlierAnswers) {
    auto parse = [](const std::string& function) {
        return ParseMessageToolCalls(
            Json::parse(R"([{"id":"c1","type":"function","function":)" + function + "}]"), "calls");
    };
    auto arguments = [&](const std::string& text) {
        auto calls = parse(R"({"name":"f","arguments":)" + text + "}");
        EXPECT_TRUE(calls) << calls.error().message;
        return calls ? (*calls)[0]["function"]["arguments"].dump() : "";
    };
    EXPECT_EQ(arguments(R"("{\"a\": [1]}")"), R"({"a":[1]})");
    EXPECT_EQ(arguments(R"({"a": 1})"), R"({"a":1})");
    EXPECT_EQ(arguments(R"("")"), "{}");
    EXPECT_EQ(arguments("null"), "{}");
    // What a model wrote wrongly is no fault of the client that sends it back.
    EXPECT_EQ(arguments(R"("{'a': 1}")"), R"("{'a': 1}")");
    EXPECT_THAT(parse(R"({"name":"f","arguments":[1]})").error(),
                Blames("calls[0].function.arguments", "not an array"));
    EXPECT_THAT(parse(R"({"arguments":"{}"})").error(),
                Blames("calls[0].function.name", "must be given"));
    EXPECT_THAT(parse("7").error(), Blames("calls[0].function", "an object"));
    EXPECT_THAT(ParseMessageToolCalls(Json::parse(R"([{"id":"c"}])"), "calls").error(),
                Blames("calls[0].type", "function"));
}

TEST(ToolRequest, AllowsCallsOnlyInMessagesOfTheAssistant) {
    auto request = ParseChatRequest(
        Json::parse(R"({"messages":[{"role":"user","content":"x","tool_calls":[{"type":"function",
            "function":{"name":"f"}}]}]})"),
        {});
    ASSERT_FALSE(request);
    EXPECT_THAT(request.error(), Blames("messages[0].tool_calls", "assistant"));
}

}  // namespace
}  // namespace lathe::api
