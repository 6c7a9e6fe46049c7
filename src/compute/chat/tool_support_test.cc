#include "compute/chat/tool_support.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/paths.h"

namespace lathe::chat {
namespace {

using ::testing::HasSubstr;

ChatTemplate Template(std::string_view source) {
    auto parsed = ChatTemplate::Parse(source);
    if (!parsed) {
        ADD_FAILURE() << parsed.error().message;
        std::abort();
    }
    return std::move(*parsed);
}

// The published template whose name contains `part`.
ChatTemplate Published(std::string_view part) {
    std::ifstream stream(testing_support::Golden("chat-templates.json"), std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    for (const Json& entry : Json::parse(text.str()))
        if (entry["name"].get<std::string>().contains(part))
            return Template(entry["template"].get<std::string>());
    ADD_FAILURE() << "no template " << part;
    std::abort();
}

ToolSupport Probe(const ChatTemplate& chat_template, std::string format = "") {
    auto support = ToolSupport::Probe(chat_template,
                                      {.bos_token = "<s>", .eos_token = "</s>", .format = format});
    EXPECT_TRUE(support) << support.error().message;
    return *support;
}

RenderInput Conversation() {
    RenderInput input;
    input.messages = Json::parse(R"([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "call_aaaaaaaaaaaaaaaaaaaaaaaa", "type": "function",
             "function": {"name": "rain", "arguments": {"city": "Oslo"}}},
            {"id": "call_bbbbbbbbbbbbbbbbbbbbbbbb", "type": "function",
             "function": {"name": "rain", "arguments": {"city": "Rome"}}}]},
        {"role": "tool", "tool_call_id": "call_aaaaaaaaaaaaaaaaaaaaaaaa", "content": "much"},
        {"role": "tool", "tool_call_id": "call_bbbbbbbbbbbbbbbbbbbbbbbb", "content": "none"}])");
    input.tools = Json::parse(R"([{"type": "function", "function": {"name": "rain",
        "description": "How much", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}}}}])");
    input.bos_token = "<s>";
    input.eos_token = "</s>";
    return input;
}

TEST(ToolSupport, KnowsThePublishedTemplates) {
    const std::pair<const char*, const char*> formats[] = {
        {"qwen2.5-coder", "hermes"},
        {"Qwen-Qwen3-0.6B", "hermes"},
        {"QwQ", "hermes"},
        {"MiMo-VL", "hermes"},
        {"granite-4.0", "hermes"},
        {"Llama-3.3", "llama3"},
        {"Devstral", "mistral-args"},

        {"Qwen3-Coder", "qwen3-coder"},
        {"StepFun3.5", "qwen3-coder"},
        {"Nemotron-3", "qwen3-coder"},
        {"Seed-OSS", "seed-oss"},
        {"MiniMax-M2", "minimax-m2"},
        {"MiniCPM5", "minicpm5"},
        {"Laguna-XS.2", "glm"},
        {"ling-3.0", "glm"},
        {"Spark2.5", "glm"},
        {"functionary", "functionary-v3.1"},
        {"Apriel", "tool-calls-list"},
        {"MiniMax-M1", "tool-calls"},
        {"GigaChat3.1", "gigachat"},
        {"command-r7b", "command-r7b"},
    };
    for (const auto& [name, format] : formats) {
        SCOPED_TRACE(name);
        auto support = Probe(Published(name));
        ASSERT_NE(support.format(), nullptr);
        EXPECT_EQ(support.format()->name, format);
    }
    // It writes calls, but expects whoever asks to describe the tools.
    auto untold = Probe(Published("DeepSeek-V3.1"));
    EXPECT_FALSE(untold.native());
    EXPECT_EQ(untold.format(), &GenericToolFormat());
    for (const char* name : {"MiniMax-M3", "Kimi-K2-Instruct", "LFM2"}) {
        auto support = Probe(Published(name));
        EXPECT_TRUE(support.native()) << name;
        EXPECT_EQ(support.format(), nullptr) << name;
    }
}

TEST(ToolSupport, RendersCallsAndResultsByEveryPublishedTemplateThatShowsThem) {
    for (const char* name : {"qwen2.5-coder", "Llama-3.3", "Devstral", "DeepSeek-V3.1", "granite",
                             "Qwen3-Coder", "functionary", "MiniCPM5", "smollm2", "gemma-2"}) {
        SCOPED_TRACE(name);
        auto chat_template = Published(name);
        auto input = Conversation();
        if (std::string_view(name) == "Llama-3.3")  // one call at a time, says its template
            input.messages = Json::parse(R"([{"role": "user", "content": "Rain?"},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1",
                  "type": "function", "function": {"name": "rain",
                  "arguments": {"city": "Oslo"}}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "much"}])");
        if (std::string_view(name) == "gemma-2") input.messages.erase(0);
        auto text = chat_template.Render(Probe(chat_template).Adapt(input));
        ASSERT_TRUE(text) << text.error().message;
        EXPECT_THAT(*text, HasSubstr("How much"));
        EXPECT_THAT(*text, HasSubstr("Oslo"));
        EXPECT_THAT(*text, HasSubstr("much"));
        EXPECT_THAT(*text, ::testing::Not(HasSubstr("None")));
    }
}

TEST(ToolSupport, DescribesToolsToAModelWhoseTemplateKnowsNone) {
    auto chat_template = Published("smollm2");
    auto support = Probe(chat_template);
    EXPECT_FALSE(support.native());
    EXPECT_EQ(support.format(), &GenericToolFormat());
    auto input = support.Adapt(Conversation());
    EXPECT_TRUE(input.tools.is_null());
    ASSERT_EQ(input.messages.size(), 4u);
    EXPECT_THAT(input.messages[0]["content"].get<std::string>(),
                ::testing::AllOf(::testing::StartsWith("Be brief.\n\n# Tools"),
                                 HasSubstr(R"("name":"rain")"), HasSubstr("<tool_call>")));
    EXPECT_EQ(input.messages[2].dump(),
              R"({"role":"assistant","content":"<tool_call>\n{\"name\":\"rain\",\"arguments\":)"
              R"({\"city\":\"Oslo\"}}\n</tool_call>\n<tool_call>\n{\"name\":\"rain\",)"
              R"(\"arguments\":{\"city\":\"Rome\"}}\n</tool_call>"})");
    EXPECT_EQ(input.messages[3].dump(),
              R"({"role":"user","content":"<tool_response>\nmuch\n</tool_response>\n)"
              R"(<tool_response>\nnone\n</tool_response>"})");
    // Without a system message there is one afterwards; where the role is refused, the user
    // says it.
    auto question = Conversation();
    question.messages = Json::parse(R"([{"role": "user", "content": "Rain?"}])");
    EXPECT_EQ(support.Adapt(question).messages[0]["role"], "system");
    auto gemma = Probe(Published("gemma-2")).Adapt(question).messages;
    ASSERT_EQ(gemma.size(), 1u);
    EXPECT_THAT(gemma[0]["content"].get<std::string>(), ::testing::EndsWith("\n\nRain?"));
}

TEST(ToolSupport, LeavesConversationsWithoutToolsAlone) {
    auto input = Conversation();
    input.tools = nullptr;
    input.messages = Json::parse(R"([{"role": "user", "content": "Rain?"}])");
    for (const char* name : {"smollm2", "qwen2.5-coder"})
        EXPECT_EQ(Probe(Published(name)).Adapt(input).messages, input.messages);
}

TEST(ToolSupport, FindsOutHowATemplateWantsCalls) {
    constexpr const char* kFrame =
        "{{% for m in messages %}}{{% if m.tool_calls %}}{}{{% else %}}{{{{ m.content }}}}"
        "{{% endif %}}{{% endfor %}}{{{{ tools | tojson }}}}";
    auto call_of = [&](std::string_view body) {
        auto support = Probe(Template(fmt::format(fmt::runtime(kFrame), body)));
        return support.Adapt(Conversation()).messages;
    };
    auto object = call_of(
        "{{ m.tool_calls[0].function.name ~ m.tool_calls[0].function.arguments "
        "| tojson }}");
    EXPECT_TRUE(object[2]["tool_calls"][0]["function"]["arguments"].is_object());
    EXPECT_EQ(object[2]["content"], "");
    auto text = call_of("{{ m.tool_calls[0].function.name + m.tool_calls[0].function.arguments }}");
    EXPECT_EQ(text[2]["tool_calls"][0]["function"]["arguments"], R"({"city":"Oslo"})");
    // Printing a dict would give Python's quotes.
    auto printed = call_of(
        "{{ m.tool_calls[0].function.name }}{{ m.tool_calls[0].function"
        ".arguments }}");
    EXPECT_TRUE(printed[2]["tool_calls"][0]["function"]["arguments"].is_string());
    auto null_content = call_of("{% if m.content is none %}{{ m.tool_calls | tojson }}{% endif %}");
    EXPECT_EQ(null_content[2]["content"], nullptr);
    auto short_ids = call_of(
        "{% if m.tool_calls[0].id | length != 9 %}{{ raise_exception('9!') }}{% endif %}"
        "{{ m.tool_calls | tojson }}");
    auto id = short_ids[2]["tool_calls"][0]["id"].get<std::string>();
    EXPECT_EQ(id.size(), 9u);
    EXPECT_EQ(short_ids[3]["tool_call_id"], id);
    EXPECT_NE(short_ids[4]["tool_call_id"], id);
}

TEST(ToolSupport, RefusesAFormatThatDoesNotFit) {
    auto error = [](const ChatTemplate& chat_template, std::string format) {
        auto support = ToolSupport::Probe(
            chat_template, {.bos_token = "", .eos_token = "", .format = std::move(format)});
        EXPECT_FALSE(support);
        return support ? "" : support.error().message;
    };
    EXPECT_THAT(error(Published("qwen2.5"), "hermess"), HasSubstr("known are"));
    EXPECT_THAT(error(Published("smollm2"), "llama3"), HasSubstr("shows no tools"));
    EXPECT_EQ(Probe(Published("qwen2.5"), "llama3").format()->name, "llama3");
    EXPECT_EQ(Probe(Published("qwen2.5"), "none").format(), nullptr);
}

}  // namespace
}  // namespace lathe::chat
