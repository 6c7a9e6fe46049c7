#include "edge/api/chat_request.h"

#include <algorithm>
#include <array>

#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

using enum Kind;
using enum Treatment;

constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant",
                                                    "tool"};

constexpr std::string_view kTextOnly = "this server's models read and write text only";

// What a message may hold, including what clients send back from an earlier answer.
constexpr Parameter kMessage[] = {
    {"role", kString},
    {"content", kStringOrArray},
    {"name", kString},
    {"tool_calls", kArray},
    {"tool_call_id", kString},
    {"reasoning_content", kString},
    {"reasoning", kString, kHarmless},
    {"refusal", kString, kHarmless},
    {"annotations", kArray, kHarmless},
    {"audio", kObject, kRefused, 0, 0, kTextOnly},
    {"function_call", kObject, kRefused, 0, 0, "it is OpenAI's old name; use tool_calls"},
};

constexpr std::string_view kReservedNames[] = {"messages", "tools", "add_generation_prompt",
                                               "bos_token", "eos_token"};

// The text of one part of a content that is an array.
Result<std::string> PartText(const Json& part, const std::string& path) {
    if (!part.is_object())
        return InvalidParam(path, "{} must be an object, not {}", path, Describe(part));
    std::string type;
    if (const Json* value = Find(part, "type"); value != nullptr && value->is_string())
        type = value->get<std::string>();
    std::string_view member = type == "refusal" ? "refusal" : "text";
    if (type != "text" && type != "refusal")
        return InvalidParam(path + ".type", "{}.type must be \"text\": {}", path, kTextOnly);
    const Json* text = Find(part, member);
    if (text == nullptr || !text->is_string())
        return InvalidParam(fmt::format("{}.{}", path, member), "{}.{} must be a string", path,
                            member);
    return text->get<std::string>();
}

Result<Json> ParseContent(const Json& content, const std::string& path) {
    if (content.is_string()) return content;
    std::string text;
    for (size_t i = 0; i < content.size(); ++i) {
        LATHE_TRY(auto part, PartText(content[i], fmt::format("{}[{}]", path, i)));
        if (i > 0) text += '\n';
        text += part;
    }
    return Json(text);
}

Result<Json> ParseMessage(const Json& message, size_t index) {
    auto path = fmt::format("messages[{}]", index);
    if (!message.is_object())
        return InvalidParam(path, "{} must be an object, not {}", path, Describe(message));
    LATHE_RETURN_IF_ERROR(CheckParameters(message, kMessage, path + "."));
    auto role = StringOr(message, "role", "");
    if (std::ranges::find(kRoles, role) == kRoles.end())
        return InvalidParam(path + ".role",
                            "{}.role must be system, developer, user, assistant or tool", path);
    Json out;
    out["role"] = role == "developer" ? "system" : role;
    const Json* content = Find(message, "content");
    const Json* calls = Find(message, "tool_calls");
    if (content != nullptr) {
        LATHE_TRY(out["content"], ParseContent(*content, path + ".content"));
    } else if (role == "assistant" && calls != nullptr) {
        out["content"] = nullptr;
    } else if (role == "assistant" && Find(message, "refusal") != nullptr) {
        out["content"] = message["refusal"];
    } else {
        return InvalidParam(path + ".content", "{}.content must be given", path);
    }
    for (const char* name : {"name", "tool_call_id", "reasoning_content"})
        if (const Json* value = Find(message, name)) out[name] = *value;
    if (calls != nullptr && !calls->empty()) {
        if (role != "assistant")
            return InvalidParam(path + ".tool_calls",
                                "{}.tool_calls is allowed only where the role is assistant", path);
        LATHE_TRY(out["tool_calls"], ParseMessageToolCalls(*calls, path + ".tool_calls"));
    }
    return out;
}

}  // namespace

Result<chat::RenderInput> ParseRenderInput(const Json& body) {
    chat::RenderInput input;
    const Json* messages = Find(body, "messages");
    if (messages == nullptr) return InvalidParam("messages", "messages must be given");
    for (size_t i = 0; i < messages->size(); ++i) {
        LATHE_TRY(auto message, ParseMessage((*messages)[i], i));
        input.messages.push_back(std::move(message));
    }
    LATHE_TRY(auto tools, ParseToolRequest(body));
    if (tools.offered()) input.tools = *tools.tools;
    input.add_generation_prompt = BoolOr(body, "add_generation_prompt", true);
    if (const Json* extra = Find(body, "chat_template_kwargs")) {
        for (auto name : kReservedNames)
            if (extra->contains(name))
                return InvalidParam("chat_template_kwargs",
                                    "chat_template_kwargs cannot set \"{}\"", name);
        input.extra = *extra;
    }
    return input;
}

Result<ChatRequest> ParseChatRequest(const Json& body, const sampling::SamplingParams& defaults) {
    LATHE_RETURN_IF_ERROR(CheckParameters(body, ChatParameters()));
    ChatRequest request;
    LATHE_TRY(request.options, ParseGenerationOptions(body, defaults));
    LATHE_TRY(request.input, ParseRenderInput(body));
    LATHE_TRY(request.tools, ParseToolRequest(body));
    // An answer is a call or of the form that is asked for: nothing says which comes first.
    if (const auto& form = request.options.structured; form && request.tools.offered())
        return InvalidParam(form->param,
                            "{} cannot be combined with tools; leave one of them out, or set "
                            "tool_choice to \"none\" in the request for the final answer",
                            form->param);
    request.logprobs = BoolOr(body, "logprobs", false);
    if (Find(body, "top_logprobs") != nullptr && !request.logprobs)
        return InvalidParam("top_logprobs", "top_logprobs is allowed only with logprobs: true");
    if (request.logprobs)
        request.options.engine.top_logprobs =
            static_cast<int32_t>(IntegerOr(body, "top_logprobs", 0));
    return request;
}

}  // namespace lathe::api
