#include "compute/chat/tool_support.h"

#include <fmt/format.h>

#include <utility>

namespace lathe::chat {
namespace {

// Words that no template contains by itself.
constexpr std::string_view kProbeTool = "probe_tool_q7";
constexpr std::string_view kProbeArgument = "probe_argument_q7";
constexpr std::string_view kProbeSystem = "probe_system_q7";
constexpr std::string_view kProbeResult = "probe_result_q7";

constexpr std::string_view kInstructionBegin =
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n";
constexpr std::string_view kInstructionEnd =
    "</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";

Json Message(std::string_view role, std::string_view content) {
    return {{"role", role}, {"content", content}};
}

Json ProbeTools() {
    return Json::parse(fmt::format(R"([{{"type": "function", "function": {{
        "name": "{}", "description": "Does it", "parameters": {{"type": "object",
        "properties": {{"{}": {{"type": "string", "description": "A word"}}}},
        "required": ["{}"]}}}}}}])",
                                   kProbeTool, kProbeArgument, kProbeArgument));
}

// A call and its result.
Json ProbeConversation() {
    return Json::parse(fmt::format(R"([{{"role": "user", "content": "x"}},
        {{"role": "assistant", "content": "", "tool_calls": [
            {{"id": "call_0123456789abcdef01234567", "type": "function",
              "function": {{"name": "{}", "arguments": {{"{}": "y"}}}}}}]}},
        {{"role": "tool", "tool_call_id": "call_0123456789abcdef01234567",
          "content": "{}"}}])",
                                   kProbeTool, kProbeArgument, kProbeResult));
}

// "" where the template refuses.
std::string RenderProbe(const ChatTemplate& chat_template, const ToolSupportOptions& options,
                        Json messages, Json tools) {
    RenderInput input;
    input.messages = std::move(messages);
    input.tools = std::move(tools);
    input.bos_token = options.bos_token;
    input.eos_token = options.eos_token;
    return chat_template.Render(input).value_or("");
}

// The text of a message; "" for null.
std::string ContentOf(const Json& message) {
    auto content = message.find("content");
    return content != message.end() && content->is_string() ? content->get<std::string>() : "";
}

bool HasRole(const Json& message, std::string_view role) {
    auto found = message.find("role");
    return found != message.end() && *found == role;
}

std::string Instructions(const Json& tools) {
    std::string text(kInstructionBegin);
    for (const Json& tool : tools) text += DumpJson(tool) + "\n";
    return text += kInstructionEnd;
}

// The calls of an assistant's message as the generic format writes them.
std::string CallsAsText(const Json& message) {
    std::string text = ContentOf(message);
    for (const Json& call : message["tool_calls"]) {
        const Json& function = call["function"];
        Json one = {{"name", function["name"]},
                    {"arguments", function.value("arguments", Json::object())}};
        if (!text.empty()) text += '\n';
        text += fmt::format("<tool_call>\n{}\n</tool_call>", DumpJson(one));
    }
    return text;
}

}  // namespace

std::string ShortCallId(std::string_view id) {
    constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    std::string text;
    for (int i = 0; i < 9; ++i, hash /= kDigits.size()) text += kDigits[hash % kDigits.size()];
    return text;
}

Result<ToolSupport> ToolSupport::Probe(const ChatTemplate& chat_template,
                                       const ToolSupportOptions& options) {
    ToolSupport support;
    Json question = Json::array({Message("user", "x")});
    support.native_ =
        RenderProbe(chat_template, options, question, ProbeTools()).contains(kProbeTool);
    support.system_role_ =
        RenderProbe(chat_template, options,
                    Json::array({Message("system", kProbeSystem), Message("user", "x")}), nullptr)
            .contains(kProbeSystem);
    if (support.native_) support.FindCallStyle(chat_template, options);

    if (options.format.empty()) {
        support.format_ =
            support.native_ ? DetectToolFormat(chat_template.source()) : &GenericToolFormat();
        return support;
    }
    if (options.format == "none") return support;
    support.format_ = FindToolFormat(options.format);
    if (support.format_ == nullptr)
        return InvalidArgument("there is no tool format \"{}\"; known are {}, and none",
                               options.format, ToolFormatNames());
    if (!support.native_ && support.format_ != &GenericToolFormat())
        return InvalidArgument(
            "the tool format {} does not fit: the chat template shows no tools, so the model is "
            "told to write {}; leave the format out or give a template with --template FILE",
            options.format, GenericToolFormat().name);
    return support;
}

// The first way in which call and result both show.
void ToolSupport::FindCallStyle(const ChatTemplate& chat_template,
                                const ToolSupportOptions& options) {
    const std::string quoted = fmt::format("'{}'", kProbeArgument);  // Python's print of a dict
    const Json conversation = ProbeConversation();
    for (unsigned kind = 0; kind < 8; ++kind) {
        style_ = {.object_arguments = (kind & 1) == 0,
                  .null_content = (kind & 2) != 0,
                  .short_ids = (kind & 4) != 0};
        Json messages = conversation;
        AdaptCalls(messages);
        // Without tools, so that the name can only come from the call.
        std::string text = RenderProbe(chat_template, options, std::move(messages), nullptr);
        if (text.contains(kProbeTool) && text.contains(kProbeArgument) &&
            text.contains(kProbeResult) && !text.contains(quoted))
            return;
    }
    style_ = {};
}

RenderInput ToolSupport::Adapt(RenderInput input) const {
    if (native_)
        AdaptCalls(input.messages);
    else
        WriteCallsAsText(input);
    return input;
}

void ToolSupport::AdaptCalls(Json& messages) const {
    for (Json& message : messages) {
        if (style_.short_ids && message.contains("tool_call_id"))
            message["tool_call_id"] =
                ShortCallId(message["tool_call_id"].get_ref<const std::string&>());
        if (!message.contains("tool_calls")) continue;
        if (ContentOf(message).empty())
            message["content"] = style_.null_content ? Json(nullptr) : Json("");
        for (Json& call : message["tool_calls"]) {
            if (style_.short_ids && call.contains("id"))
                call["id"] = ShortCallId(call["id"].get_ref<const std::string&>());
            Json& function = call["function"];
            if (!style_.object_arguments && function["arguments"].is_object())
                function["arguments"] = DumpJson(function["arguments"]);
        }
    }
}

void ToolSupport::WriteCallsAsText(RenderInput& input) const {
    Json messages = Json::array();
    bool after_result = false;
    for (Json& message : input.messages) {
        bool is_result = HasRole(message, "tool");
        if (is_result) {
            auto text = fmt::format("<tool_response>\n{}\n</tool_response>", ContentOf(message));
            // Several results are one message: many templates want the roles to alternate.
            if (after_result)
                messages.back()["content"] = ContentOf(messages.back()) + "\n" + text;
            else
                messages.push_back(Message("user", text));
        } else {
            if (message.contains("tool_calls")) {
                message["content"] = CallsAsText(message);
                message.erase("tool_calls");
            }
            messages.push_back(std::move(message));
        }
        after_result = is_result;
    }
    input.messages = std::move(messages);
    if (input.tools.is_null()) return;
    std::string text = Instructions(input.tools);
    input.tools = nullptr;
    auto first = input.messages.begin();
    if (!system_role_) {
        while (first != input.messages.end() && !HasRole(*first, "user")) ++first;
        if (first == input.messages.end()) return;
        (*first)["content"] = text + "\n\n" + ContentOf(*first);
    } else if (first != input.messages.end() && HasRole(*first, "system")) {
        (*first)["content"] = ContentOf(*first) + "\n\n" + text;
    } else {
        input.messages.insert(first, Message("system", text));
    }
}

}  // namespace lathe::chat
