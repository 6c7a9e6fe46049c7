#include "edge/api/forced_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/chat/tool_call_parser.h"
#include "compute/constraint/automaton.h"
#include "compute/constraint/token_trie.h"

namespace lathe::api {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using Choice = ToolRequest::Choice;

ToolRequest Request(Choice choice, const std::string& tools, std::string name = "") {
    ToolRequest request;
    request.choice = choice;
    request.name = std::move(name);
    request.tools = std::make_shared<const Json>(Json::parse(tools));
    return request;
}

const char* const kTools = R"([
    {"type": "function", "function": {"name": "rain", "parameters": {"type": "object",
        "properties": {"city": {"enum": ["Oslo", "Rome"]}}, "required": ["city"],
        "additionalProperties": false}}},
    {"type": "function", "function": {"name": "now"}}])";

ForcedCall Force(std::string_view format, const ToolRequest& request) {
    GrammarCache grammars;
    auto forced = MakeForcedCall(*chat::FindToolFormat(format), request, grammars);
    EXPECT_TRUE(forced) << forced.error().message;
    return forced ? *forced : ForcedCall{};
}

// Whether the grammar lets this follow the beginning of the call.
bool Allows(const ForcedCall& forced, std::string_view text) {
    std::vector<std::string> bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
    constraint::TokenTrie trie(bytes);
    constraint::Matcher matcher(std::make_shared<constraint::Automaton>(forced.grammar, trie));
    auto accepted = matcher.Accept(text);
    return accepted && *accepted && matcher.complete();
}

// The calls that the parser sees in the whole answer.
std::string Calls(const ForcedCall& forced, const ToolRequest& request, std::string_view rest) {
    chat::ToolCallParser parser(*forced.format, request.tools);
    std::vector<chat::ToolDelta> deltas;
    parser.Push(forced.begin, deltas);
    parser.Push(rest, deltas);
    parser.Finish(deltas);
    std::string text;
    for (const auto& delta : deltas) {
        EXPECT_NE(delta.kind, chat::ToolDelta::Kind::kContent) << delta.text;
        text += delta.text + " ";
    }
    return text;
}

TEST(ForcedCall, LeavesOnlyTheArgumentsOfANamedToolOpen) {
    auto request = Request(Choice::kNamed, kTools, "rain");
    auto forced = Force("hermes", request);
    EXPECT_EQ(forced.begin, "<tool_call>\n{\"name\": \"rain\", \"arguments\":");
    EXPECT_TRUE(Allows(forced, R"( {"city": "Oslo"})"));
    EXPECT_TRUE(Allows(forced, R"({"city": "Rome"})"));
    EXPECT_FALSE(Allows(forced, R"( {"city": "Bonn"})"));
    EXPECT_FALSE(Allows(forced, "{}"));
    EXPECT_FALSE(Allows(forced, R"( {"city": "Oslo"}})"));
    EXPECT_EQ(Calls(forced, request, R"( {"city": "Oslo"})"), R"(rain {"city": "Oslo"} )");
    // No parameters: an object without members.
    auto now = Force("llama3", Request(Choice::kNamed, kTools, "now"));
    EXPECT_EQ(now.begin, R"({"name": "now", "parameters":)");
    EXPECT_TRUE(Allows(now, " {}"));
    EXPECT_FALSE(Allows(now, R"( {"a": 1})"));
}

TEST(ForcedCall, LeavesTheChoiceOfToolsToTheModel) {
    auto request = Request(Choice::kRequired, kTools);
    auto forced = Force("hermes", request);
    EXPECT_EQ(forced.begin, "<tool_call>\n{\"name\": \"");
    const std::string rain = R"(rain", "arguments": {"city": "Oslo"})";
    EXPECT_TRUE(Allows(forced, rain));
    EXPECT_TRUE(Allows(forced, R"(now", "arguments": {})"));
    EXPECT_FALSE(Allows(forced, R"(snow", "arguments": {})"));
    EXPECT_FALSE(Allows(forced, R"(now", "arguments": {"city": "Oslo"})"));
    const std::string two =
        rain + "}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}";
    EXPECT_TRUE(Allows(forced, two));
    EXPECT_EQ(Calls(forced, request, two), R"(rain {"city": "Oslo"} now {} )");
    request.parallel = false;
    EXPECT_FALSE(Allows(Force("hermes", request), two));
}

TEST(ForcedCall, IsReadBackInEveryFormat) {
    for (const auto& format : chat::ToolFormats()) {
        SCOPED_TRACE(format.name);
        for (auto request :
             {Request(Choice::kNamed, kTools, "rain"), Request(Choice::kRequired, kTools)}) {
            auto forced = Force(format.name, request);
            ASSERT_NE(forced.format, nullptr);
            std::string rest = R"( {"city": "Rome"})";
            if (request.choice == Choice::kRequired)
                rest = fmt::format("rain{}{}", forced.format->forced_middle, rest);
            EXPECT_TRUE(Allows(forced, rest));
            EXPECT_EQ(Calls(forced, request, rest), R"(rain {"city": "Rome"} )");
            if (request.choice != Choice::kRequired || forced.format->forced_next.empty()) continue;
            rest += fmt::format("{}now{}{{}}", forced.format->forced_next,
                                forced.format->forced_middle);
            EXPECT_TRUE(Allows(forced, rest));
            EXPECT_EQ(Calls(forced, request, rest), R"(rain {"city": "Rome"} now {} )");
            rest += forced.format->forced_end;
            EXPECT_TRUE(Allows(forced, rest));
            EXPECT_EQ(Calls(forced, request, rest), R"(rain {"city": "Rome"} now {} )");
        }
    }
}

TEST(ForcedCall, NamesTheSchemaThatCannotBeHonoured) {
    auto error = [](const std::string& parameters) {
        GrammarCache grammars;
        auto forced = MakeForcedCall(chat::GenericToolFormat(),
                                     Request(Choice::kRequired,
                                             R"([{"type":"function","function":{"name":"a"}},
                        {"type":"function","function":{"name":"b","parameters":)" +
                                                 parameters + "}}]"),
                                     grammars);
        EXPECT_FALSE(forced) << parameters;
        return forced ? Error{} : forced.error();
    };
    EXPECT_THAT(error(R"({"type":"array"})"),
                AllOf(Field(&Error::param, "tools[1].function.parameters.type"),
                      Field(&Error::message, HasSubstr("must be \"object\""))));
    EXPECT_THAT(error(R"({"properties":{"x":{"type":"thing"}}})"),
                AllOf(Field(&Error::param, "tools[1].function.parameters"),
                      Field(&Error::message, HasSubstr("properties.x"))));
    EXPECT_THAT(error(R"({"properties":{"x":false},"required":["x"]})"),
                Field(&Error::param, "tools[1].function.parameters"));
}

TEST(ForcedCall, TakesASchemaWithoutATypeAsOneOfAnObject) {
    auto forced = Force("hermes", Request(Choice::kNamed,
                                          R"([{"type":"function","function":{"name":"f",
                                              "parameters":{"properties":{"a":{"type":"integer"}},
                                              "additionalProperties":false}}}])",
                                          "f"));
    EXPECT_TRUE(Allows(forced, R"({"a": 3})"));
    EXPECT_TRUE(Allows(forced, "{}"));
    EXPECT_FALSE(Allows(forced, "3"));
}

}  // namespace
}  // namespace lathe::api
