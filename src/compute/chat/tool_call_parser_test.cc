#include "compute/chat/tool_call_parser.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace lathe::chat {
namespace {

using ::testing::ElementsAre;

// What a text adds up to: its content, and "name arguments" for each call.
struct Outcome {
    std::string content;
    std::vector<std::string> calls;
    bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* stream) {
    *stream << "content: " << ::testing::PrintToString(outcome.content)
            << ", calls: " << ::testing::PrintToString(outcome.calls);
}

const std::shared_ptr<const Json>& Tools() {
    static const auto kTools = std::make_shared<const Json>(Json::parse(R"([
        {"type": "function", "function": {"name": "get_weather", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"},
            "days": {"type": "integer"}, "note": {"type": ["string", "null"]},
            "tags": {"type": "array"}, "any": {}}}}},
        {"type": "function", "function": {"name": "now"}}])"));
    return kTools;
}

void Add(const std::vector<ToolDelta>& deltas, Outcome& outcome) {
    for (const auto& delta : deltas) {
        EXPECT_FALSE(delta.text.empty());
        if (delta.kind == ToolDelta::Kind::kContent) {
            outcome.content += delta.text;
        } else if (delta.kind == ToolDelta::Kind::kCall) {
            outcome.calls.push_back(delta.text + " ");
        } else {
            ASSERT_FALSE(outcome.calls.empty());
            outcome.calls.back() += delta.text;
        }
    }
}

Outcome ParsePieces(const ToolFormat& format, const std::vector<std::string_view>& pieces) {
    ToolCallParser parser(format, Tools());
    Outcome outcome;
    for (auto piece : pieces) {
        std::vector<ToolDelta> deltas;
        parser.Push(piece, deltas);
        Add(deltas, outcome);
    }
    std::vector<ToolDelta> deltas;
    parser.Finish(deltas);
    Add(deltas, outcome);
    EXPECT_EQ(parser.call_count(), outcome.calls.size());
    return outcome;
}

// The outcome of the whole text; every cut into two, and every byte alone, must give the same.
Outcome Parse(std::string_view format_name, std::string_view text) {
    const ToolFormat* format = FindToolFormat(format_name);
    if (format == nullptr) {
        ADD_FAILURE() << "no format " << format_name;
        return {};
    }
    Outcome whole = ParsePieces(*format, {text});
    for (size_t cut = 1; cut < text.size(); ++cut)
        EXPECT_EQ(ParsePieces(*format, {text.substr(0, cut), text.substr(cut)}), whole)
            << text << " cut at " << cut;
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
    EXPECT_EQ(ParsePieces(*format, bytes), whole) << text << " byte by byte";
    return whole;
}

Outcome Calls(std::vector<std::string> calls, std::string content = "") {
    return {std::move(content), std::move(calls)};
}

const std::string kOslo = R"(get_weather {"city": "Oslo"})";

TEST(ToolCallParser, ReadsEveryFormatAsItsTemplateWritesIt) {
    const std::vector<std::string> two = {kOslo, "now {}"};
    const std::vector<std::string> list = {R"(get_weather {"city": "Oslo"})", "now {}"};
    EXPECT_EQ(Parse("hermes",
                    "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": "
                    "\"Oslo\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": "
                    "{}}\n</tool_call>"),
              Calls(two));
    EXPECT_EQ(Parse("llama3", R"({"name": "get_weather", "parameters": {"city": "Oslo"}}; )"
                              R"({"name": "now", "parameters": {}})"),
              Calls(two));
    EXPECT_EQ(Parse("llama3", R"(<|python_tag|>{"name": "now", "parameters": {}})"),
              Calls({"now {}"}));
    const std::string both = R"([{"name": "get_weather", "arguments": {"city": "Oslo"}}, )"
                             R"({"name": "now", "arguments": {}, "id": "a23456789"}])";
    EXPECT_EQ(Parse("mistral", "[TOOL_CALLS] " + both), Calls(list));
    EXPECT_EQ(Parse("tool-calls-list", "<tool_calls>" + both + "</tool_calls>\n"), Calls(list));
    EXPECT_EQ(Parse("phi4", "<|tool_call|>" + both + "<|/tool_call|>"), Calls(list));
    EXPECT_EQ(Parse("gigachat", R"(<|function_call|>{"name": "now", "arguments": {}})"),
              Calls({"now {}"}));
    EXPECT_EQ(Parse("tool-calls",
                    "<tool_calls>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": "
                    "\"Oslo\"}}\n{\"name\": \"now\", \"arguments\": {}}\n</tool_calls>"),
              Calls(two));
    EXPECT_EQ(Parse("command-r7b",
                    "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": "
                    "\"get_weather\", \"parameters\": {\"city\": \"Oslo\"}}\n]<|END_ACTION|>"),
              Calls({kOslo}));
}

TEST(ToolCallParser, ReadsFormatsThatNameTheToolBeforeItsArguments) {
    EXPECT_EQ(Parse("mistral-args",
                    R"([TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}[TOOL_CALLS]now[ARGS]{})"),
              Calls({kOslo, "now {}"}));
    EXPECT_EQ(Parse("functionary-v3.1",
                    "<function=get_weather>{\"city\": \"Oslo\"}</function>\n"
                    "<function=now>{}</function>"),
              Calls({kOslo, "now {}"}));
    EXPECT_EQ(
        Parse("deepseek-v3.1",
              "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": "
              "\"Oslo\"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁"
              "end｜><｜tool▁calls▁end｜>"),
        Calls({kOslo, "now {}"}));
    EXPECT_EQ(Parse("deepseek-r1",
                    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n"
                    "```json\n{\"city\": \"Oslo\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>"
                    "function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜>"
                    "<｜tool▁calls▁end｜>"),
              Calls({kOslo, "now {}"}));
}

TEST(ToolCallParser, ReadsFormatsThatTagEveryParameter) {
    const std::string arguments = R"(get_weather {"city": "Oslo", "days": 3})";
    EXPECT_EQ(Parse("qwen3-coder",
                    "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n"
                    "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n"
                    "<function=now>\n</function>\n</tool_call>"),
              Calls({arguments, "now {}"}));
    EXPECT_EQ(Parse("seed-oss",
                    "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Oslo</parameter>\n"
                    "<parameter=days>3</parameter>\n</function>\n</seed:tool_call>"),
              Calls({arguments}));
    EXPECT_EQ(Parse("minimax-m2",
                    "<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter "
                    "name=\"city\">Oslo</parameter>\n<parameter name=\"days\">3</parameter>\n"
                    "</invoke>\n</minimax:tool_call>"),
              Calls({arguments}));
    EXPECT_EQ(Parse("minicpm5",
                    "<function name=\"get_weather\"><param name=\"city\"><![CDATA[Oslo]]></param>"
                    "<param name=\"days\">3</param></function>"),
              Calls({arguments}));
    EXPECT_EQ(Parse("glm",
                    "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>"
                    "<arg_key>days</arg_key><arg_value>3</arg_value>\n</tool_call>"),
              Calls({arguments}));
}

TEST(ToolCallParser, TypesTaggedValuesByTheSchema) {
    auto value = [](std::string_view key, std::string_view text) {
        auto outcome =
            Parse("qwen3-coder", fmt::format("<tool_call><function=get_weather><parameter={}>{}"
                                             "</parameter></function></tool_call>",
                                             key, text));
        return outcome.calls.size() == 1 ? outcome.calls[0] : "no call";
    };
    EXPECT_EQ(value("city", "7"), R"(get_weather {"city": "7"})");
    EXPECT_EQ(value("note", "null"), R"(get_weather {"note": "null"})");
    EXPECT_EQ(value("days", "seven"), R"(get_weather {"days": "seven"})");
    EXPECT_EQ(value("tags", "[1, \"b\"]"), R"(get_weather {"tags": [1,"b"]})");
    EXPECT_EQ(value("any", "{\"a\":true}"), R"(get_weather {"any": {"a":true}})");
    EXPECT_EQ(value("unheard", "1.5"), R"(get_weather {"unheard": 1.5})");
    EXPECT_EQ(value("city", "\n a\n\"b\" \n"), R"(get_weather {"city": " a\n\"b\" "})");
}

TEST(ToolCallParser, KeepsTheTextAroundCallsAsContent) {
    EXPECT_EQ(Parse("hermes",
                    "Let me look.\n\n<tool_call>{\"name\":\"now\",\"arguments\":{}}"
                    "</tool_call>\n Done. "),
              Calls({"now {}"}, "Let me look.Done."));
    EXPECT_EQ(Parse("hermes", " No call < here, a<b, <tool> \n"),
              Calls({}, " No call < here, a<b, <tool> \n"));
    EXPECT_EQ(Parse("mistral", "Hm [TOOL_CALLS][{\"name\":\"now\",\"arguments\":{}}] and so"),
              Calls({"now {}"}, "Hmand so"));
    EXPECT_EQ(Parse("llama3", "The {\"name\": \"now\", \"parameters\": {}} is prose"),
              Calls({}, "The {\"name\": \"now\", \"parameters\": {}} is prose"));
    EXPECT_EQ(Parse("llama3", ""), Calls({}));
}

TEST(ToolCallParser, TakesACallWithoutMarkersOnlyForToolsThatWereOffered) {
    const std::string fenced =
        "```json\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\"}}\n```";
    EXPECT_EQ(Parse("hermes", fenced), Calls({kOslo}));
    EXPECT_EQ(Parse("hermes", R"( {"name": "get_weather", "arguments": {"city": "Oslo"}})"),
              Calls({kOslo}));
    for (std::string text :
         {R"({"name": "Ada", "parameters": {}})", R"({"colour": "red", "name": "now"})",
          R"([1, 2])", "```json\n{\"a\": 1}\n```", "```python\nprint()\n```", R"({"name": "now")"})
        for (const char* format : {"llama3", "hermes"})
            EXPECT_EQ(Parse(format, text), Calls({}, text));
    // A marker says that a call is meant.
    EXPECT_EQ(Parse("hermes", R"(<tool_call>{"name": "fly", "arguments": {}}</tool_call>)"),
              Calls({"fly {}"}));
}

TEST(ToolCallParser, ReadsCallsHoweverTheirMembersAreArranged) {
    auto calls = [](std::string_view text) {
        return Parse("hermes", fmt::format("<tool_call>{}</tool_call>", text));
    };
    EXPECT_EQ(calls(R"({"arguments": {"city": "Oslo"}, "name": "get_weather"})"), Calls({kOslo}));
    EXPECT_EQ(calls(R"({"type": "function", "function": "now", "parameters": {"a": [{}]}})"),
              Calls({R"(now {"a": [{}]})"}));
    EXPECT_EQ(calls(R"({"name": "now"})"), Calls({"now {}"}));
    EXPECT_EQ(calls(R"({"name": "now", "arguments": null})"), Calls({"now {}"}));
    EXPECT_EQ(calls(R"({"name": "get_weather", "arguments": "{\"city\": \"Oslo\"}"})"),
              Calls({kOslo}));
    EXPECT_EQ(calls(R"({"name": "get_weather", "arguments": " {\"city\": \"Oslo\"}\n "})"),
              Calls({kOslo}));
    EXPECT_EQ(calls(R"([{"name": "now", "arguments": {}}, {"name": "now"}])"),
              Calls({"now {}", "now {}"}));
}

TEST(ToolCallParser, LeavesMarkersInsideStringsAlone) {
    EXPECT_EQ(Parse("hermes",
                    R"(<tool_call>{"name":"now","arguments":{"a":"</tool_call>}\"<tool_call>"}})"
                    "</tool_call>"),
              Calls({R"(now {"a":"</tool_call>}\"<tool_call>"})"}));
}

TEST(ToolCallParser, EscapesControlCharactersInStrings) {
    EXPECT_EQ(Parse("hermes", "<tool_call>{\"name\":\"now\",\"arguments\":{\"a\":\"x\ny\\\n\"}}"),
              Calls({R"(now {"a":"x\u000ay\u000a"})"}));
}

TEST(ToolCallParser, GivesBackWhatIsNoCallWithItsMarkers) {
    for (std::string text :
         {"<tool_call>hello</tool_call> there", "a <tool_call></tool_call>", "<tool_call>[]",
          "<tool_call>\n{\"nam", "x <tool_call>{\"name\": \"now\", \"arg", "<tool_call>{}",
          "<tool_call>{\"name\": \"now\", \"arguments\": {'a': 1}}</tool_call>",
          "<tool_call>{\"name\": \"now\", \"arguments\": [1]}</tool_call>",
          "<tool_call>{\"name\": \"now\", \"arguments\": \"a b\"}</tool_call>",
          "<tool_call>{name: now}</tool_call>", "<tool_call"})
        EXPECT_EQ(Parse("hermes", text), Calls({}, text));
    for (std::string text :
         {"<function=>{}</function>", "<function=a b>{}</function>", "<function=now>x</function>",
          "<function=now", "<function=now>", "<function=<function=", "<function=now>{x"})
        EXPECT_EQ(Parse("functionary-v3.1", text), Calls({}, text));
    for (std::string text : {"<tool_call><function=now>text</function></tool_call>",
                             "<tool_call><function=now><parameter", "<tool_call>\n<function=now>"})
        EXPECT_EQ(Parse("qwen3-coder", text), Calls({}, text));
    EXPECT_EQ(Parse("functionary-v3.1", "<function=a b>{}</function> <function=now>{}</function>"),
              Calls({"now {}"}, "<function=a b>{}</function>"));
}

TEST(ToolCallParser, ShowsWhatABrokenOrUnfinishedCallHolds) {
    // Ended in the middle.
    EXPECT_EQ(Parse("hermes", R"(<tool_call>{"name": "now", "arguments": {"a": "b)"),
              Calls({R"(now {"a": "b)"}));
    EXPECT_EQ(Parse("glm", "<tool_call>now<arg_key>a</arg_key><arg_value>b \"c"),
              Calls({R"(now {"a": "b \"c)"}));
    EXPECT_EQ(Parse("glm", "<tool_call>now<arg_key>a"), Calls({"now {"}));
    // A brace too few, a brace too many, no end marker.
    EXPECT_EQ(Parse("hermes",
                    "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 1}\n"
                    "</tool_call>ok"),
              Calls({R"(now {"a": 1})"}, "ok"));
    EXPECT_EQ(Parse("hermes", "<tool_call>{\"name\": \"now\", \"arguments\": {}}}\n</tool_call>"),
              Calls({"now {}"}));
    EXPECT_EQ(Parse("hermes",
                    "<tool_call>{\"name\": \"now\", \"arguments\": {}}\n<tool_call>"
                    "{\"name\": \"now\"}</tool_ca"),
              Calls({"now {}", "now {}"}));
    // No JSON any more: to the letter until the marker.
    EXPECT_EQ(Parse("hermes", R"(<tool_call>{"name": "now", "arguments": {"a": 'b'}}</tool_call>)"
                              "x"),
              Calls({R"(now {"a": 'b'}})"}, "x"));
    EXPECT_EQ(Parse("qwen3-coder",
                    "<tool_call><function=now><parameter=any>1</parameter> so"
                    "</tool_call>"),
              Calls({R"(now {"any": 1})"}, "so</tool_call>"));
}

TEST(ToolCallParser, GivesUpOnACallWhoseHeadHasNoEnd) {
    const ToolFormat& format = *FindToolFormat("hermes");
    std::string text = "<tool_call>{\"id\": \"" + std::string(40'000, 'x');
    for (size_t piece : {text.size(), size_t{4096}}) {
        ToolCallParser parser(format, Tools());
        std::vector<ToolDelta> deltas;
        for (size_t at = 0; at < text.size(); at += piece)
            parser.Push(std::string_view(text).substr(at, piece), deltas);
        ASSERT_EQ(deltas.size(), 1u);  // before the end of the text
        EXPECT_EQ(deltas[0].text, text);
    }
}

TEST(ToolCallParser, ShowsArgumentsAsTheyCome) {
    ToolCallParser parser(*FindToolFormat("hermes"), Tools());
    std::vector<ToolDelta> deltas;
    parser.Push("Hi <tool_call>\n{\"name\": \"get_", deltas);
    ASSERT_EQ(deltas.size(), 1u);
    EXPECT_EQ(deltas[0].text, "Hi");
    parser.Push("weather\", \"arguments\": {\"ci", deltas);
    ASSERT_EQ(deltas.size(), 3u);
    EXPECT_EQ(deltas[1].kind, ToolDelta::Kind::kCall);
    EXPECT_EQ(deltas[2].text, "{\"ci");
    parser.Push("ty\": \"O", deltas);
    EXPECT_EQ(deltas[2].text, "{\"city\": \"O");
}

TEST(ToolFormat, FindsAFormatForTheTemplatesOfItsModels) {
    EXPECT_EQ(DetectToolFormat("no tools here"), nullptr);
    EXPECT_EQ(FindToolFormat("no-such-format"), nullptr);
    for (const auto& format : ToolFormats()) {
        EXPECT_EQ(FindToolFormat(format.name), &format);
        std::string source;
        for (auto marker : format.evidence) source += marker;
        EXPECT_EQ(DetectToolFormat(source), &format) << format.name;
        EXPECT_FALSE(format.opening().empty()) << format.name;
        EXPECT_THAT(ToolFormatNames(), ::testing::HasSubstr(format.name));
    }
}

}  // namespace
}  // namespace lathe::chat
