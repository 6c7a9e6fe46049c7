#include "compute/chat/tool_format.h"

#include <algorithm>
#include <array>

namespace lathe::chat {
namespace {

using enum CallSyntax;

constexpr ToolFormat kPlainJson = {.name = "json",
                                   .bare = true,
                                   .forced_begin = R"({"name": ")",
                                   .forced_middle = R"(", "arguments":)"};

// The special ones first: a template is taken for the first format whose evidence it shows.
constexpr auto kFormats = std::to_array<ToolFormat>({
    {.name = "qwen3-coder",
     .syntax = kTagged,
     .section_begin = "<tool_call>",
     .section_end = "</tool_call>",
     .call_begin = "<function=",
     .name_end = ">",
     .call_end = "</function>",
     .key_begin = "<parameter=",
     .key_end = ">",
     .value_end = "</parameter>",
     .evidence = {"<tool_call>", "<function=", "<parameter="}},
    {.name = "seed-oss",
     .syntax = kTagged,
     .section_begin = "<seed:tool_call>",
     .section_end = "</seed:tool_call>",
     .call_begin = "<function=",
     .name_end = ">",
     .call_end = "</function>",
     .key_begin = "<parameter=",
     .key_end = ">",
     .value_end = "</parameter>",
     .evidence = {"seed:tool_call>", "<function=", "<parameter="}},
    {.name = "minimax-m2",
     .syntax = kTagged,
     .section_begin = "<minimax:tool_call>",
     .section_end = "</minimax:tool_call>",
     .call_begin = "<invoke name=\"",
     .name_end = "\">",
     .call_end = "</invoke>",
     .key_begin = "<parameter name=\"",
     .key_end = "\">",
     .value_end = "</parameter>",
     .evidence = {"minimax:tool_call>", "<invoke name="}},
    {.name = "minicpm5",
     .syntax = kTagged,
     .call_begin = "<function name=\"",
     .name_end = "\">",
     .call_end = "</function>",
     .key_begin = "<param name=\"",
     .key_end = "\">",
     .value_end = "</param>",
     .evidence = {"<function name=", "<param name="}},
    {.name = "glm",
     .syntax = kTagged,
     .call_begin = "<tool_call>",
     .call_end = "</tool_call>",
     .key_begin = "<arg_key>",
     .key_end = "</arg_key>",
     .value_begin = "<arg_value>",
     .value_end = "</arg_value>",
     .evidence = {"<tool_call>", "<arg_key>", "<arg_value>"}},
    {.name = "functionary-v3.1",
     .syntax = kNamed,
     .call_begin = "<function=",
     .name_end = ">",
     .call_end = "</function>",
     .forced_begin = "<function=",
     .forced_middle = ">",
     .evidence = {"<function=", "</function>"}},
    {.name = "deepseek-r1",
     .syntax = kNamed,
     .section_begin = "<｜tool▁calls▁begin｜>",
     .section_end = "<｜tool▁calls▁end｜>",
     .call_begin = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
     .name_end = "\n",
     .call_end = "<｜tool▁call▁end｜>",
     .forced_begin = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>",
     .forced_middle = "\n```json\n",
     .evidence = {"<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "```json"}},
    {.name = "deepseek-v3.1",
     .syntax = kNamed,
     .section_begin = "<｜tool▁calls▁begin｜>",
     .section_end = "<｜tool▁calls▁end｜>",
     .call_begin = "<｜tool▁call▁begin｜>",
     .name_end = "<｜tool▁sep｜>",
     .call_end = "<｜tool▁call▁end｜>",
     .forced_begin = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>",
     .forced_middle = "<｜tool▁sep｜>",
     .evidence = {"<｜tool▁call▁begin｜>", "<｜tool▁sep｜>"}},
    {.name = "mistral-args",
     .syntax = kNamed,
     .call_begin = "[TOOL_CALLS]",
     .name_end = "[ARGS]",
     .forced_begin = "[TOOL_CALLS]",
     .forced_middle = "[ARGS]",
     .evidence = {"[TOOL_CALLS]", "[ARGS]"}},
    {.name = "mistral",
     .section_begin = "[TOOL_CALLS]",
     .forced_begin = R"([TOOL_CALLS] [{"name": ")",
     .forced_middle = R"(", "arguments":)",
     .forced_next = R"(}, {"name": ")",
     .forced_end = "}]",
     .evidence = {"[TOOL_CALLS]"}},
    {.name = "tool-calls-list",
     .section_begin = "<tool_calls>",
     .section_end = "</tool_calls>",
     .forced_begin = R"(<tool_calls>[{"name": ")",
     .forced_middle = R"(", "arguments":)",
     .forced_next = R"(}, {"name": ")",
     .forced_end = "}]",
     .evidence = {"<tool_calls>[", "</tool_calls>"}},
    {.name = "tool-calls",
     .section_begin = "<tool_calls>",
     .section_end = "</tool_calls>",
     .forced_begin = "<tool_calls>\n{\"name\": \"",
     .forced_middle = R"(", "arguments":)",
     .forced_next = "}\n{\"name\": \"",
     .forced_end = "}\n</tool_calls>",
     .evidence = {"<tool_calls>", "</tool_calls>"}},
    {.name = "phi4",
     .section_begin = "<|tool_call|>",
     .section_end = "<|/tool_call|>",
     .forced_begin = R"(<|tool_call|>[{"name": ")",
     .forced_middle = R"(", "arguments":)",
     .forced_next = R"(}, {"name": ")",
     .forced_end = "}]",
     .evidence = {"<|tool_call|>"}},
    {.name = "command-r7b",
     .section_begin = "<|START_ACTION|>",
     .section_end = "<|END_ACTION|>",
     .forced_begin = "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"",
     .forced_middle = R"(", "parameters":)",
     .evidence = {"<|START_ACTION|>", "tool_name"}},
    {.name = "gigachat",
     .section_begin = "<|function_call|>",
     .forced_begin = R"(<|function_call|>{"name": ")",
     .forced_middle = R"(", "arguments":)",
     .evidence = {"<|function_call|>"}},
    {.name = "hermes",
     .section_begin = "<tool_call>",
     .section_end = "</tool_call>",
     .bare = true,
     .forced_begin = "<tool_call>\n{\"name\": \"",
     .forced_middle = R"(", "arguments":)",
     .forced_next = "}\n</tool_call>\n<tool_call>\n{\"name\": \"",
     .forced_end = "}\n</tool_call>",
     .evidence = {"<tool_call>", "</tool_call>", "name"}},
    {.name = "llama3",
     .section_begin = "<|python_tag|>",
     .bare = true,
     .forced_begin = R"({"name": ")",
     .forced_middle = R"(", "parameters":)",
     .evidence = {"{\"name\": function name, \"parameters\": dictionary"}},
});

bool Shows(std::string_view source, const ToolFormat& format) {
    return std::ranges::all_of(format.evidence, [&](std::string_view marker) {
        return marker.empty() || source.contains(marker);
    });
}

}  // namespace

std::span<const ToolFormat> ToolFormats() {
    return kFormats;
}

const ToolFormat* FindToolFormat(std::string_view name) {
    auto found = std::ranges::find(kFormats, name, &ToolFormat::name);
    return found == kFormats.end() ? nullptr : &*found;
}

const ToolFormat* DetectToolFormat(std::string_view template_source) {
    // Its marker looks like hermes', but values are nested elements with names of their own.
    if (template_source.contains("]<]minimax[>[")) return nullptr;
    auto found = std::ranges::find_if(
        kFormats, [&](const ToolFormat& format) { return Shows(template_source, format); });
    return found == kFormats.end() ? nullptr : &*found;
}

const ToolFormat& GenericToolFormat() {
    return *FindToolFormat("hermes");
}

const ToolFormat& PlainJsonToolFormat() {
    return kPlainJson;
}

std::string ToolFormatNames() {
    std::string names;
    for (const ToolFormat& format : kFormats) {
        if (!names.empty()) names += ", ";
        names += format.name;
    }
    return names;
}

}  // namespace lathe::chat
