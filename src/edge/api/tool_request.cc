#include "edge/api/tool_request.h"

#include <algorithm>
#include <vector>

#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace lathe::api {
namespace {

using Choice = ToolRequest::Choice;

bool IsNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.:/").contains(c);
}

// The member `key` of an object that must have it as a string.
Result<std::string> StringMember(const Json& object, std::string_view key,
                                 const std::string& path) {
    const Json* value = object.is_object() ? Find(object, key) : nullptr;
    if (value == nullptr) return InvalidParam(path, "{} must be given", path);
    if (!value->is_string())
        return InvalidParam(path, "{} must be a string, not {}", path, Describe(*value));
    return value->get<std::string>();
}

Status CheckType(const Json& value, const std::string& path) {
    if (!value.is_object())
        return InvalidParam(path, "{} must be an object, not {}", path, Describe(value));
    const Json* type = Find(value, "type");
    if (type != nullptr && *type == "function") return {};
    return InvalidParam(path + ".type", "{}.type must be \"function\": other tools are not known",
                        path);
}

// What a template or a model might stumble over. Members that are not known go to the
// template, as all others.
Result<std::string> CheckTool(const Json& tool, const std::string& path) {
    LATHE_RETURN_IF_ERROR(CheckType(tool, path));
    const Json* function = Find(tool, "function");
    std::string at = path + ".function";
    if (function == nullptr || !function->is_object())
        return InvalidParam(at, "{} must be an object with a name", at);
    LATHE_TRY(std::string name, StringMember(*function, "name", at + ".name"));
    if (name.empty() || name.size() > kToolNameBytesMax ||
        !std::ranges::all_of(name, IsNameCharacter))
        return InvalidParam(at + ".name",
                            "{}.name must have from 1 to {} characters, each a letter, a digit or "
                            "one of _ - . : /",
                            at, kToolNameBytesMax);
    auto check = [&](const char* key, bool fits, const char* kind) -> Status {
        if (fits) return {};
        auto member = fmt::format("{}.{}", at, key);
        return InvalidParam(member, "{} must be {}, not {}", member, kind,
                            Describe((*function)[key]));
    };
    auto fits = [&](const char* key, auto predicate) {
        const Json* value = Find(*function, key);
        return value == nullptr || predicate(*value);
    };
    LATHE_RETURN_IF_ERROR(check("description",
                                fits("description", [](const Json& v) { return v.is_string(); }),
                                "a string"));
    LATHE_RETURN_IF_ERROR(check("parameters",
                                fits("parameters", [](const Json& v) { return v.is_object(); }),
                                "an object, a JSON schema"));
    LATHE_RETURN_IF_ERROR(check(
        "strict", fits("strict", [](const Json& v) { return v.is_boolean(); }), "true or false"));
    return name;
}

// tool_choice: what may be called. `names` are those of the tools.
Status ParseChoice(const Json* choice, const std::vector<std::string>& names,
                   ToolRequest& request) {
    request.choice = names.empty() ? Choice::kNone : Choice::kAuto;
    if (choice == nullptr || *choice == "auto") return {};
    if (*choice == "none") {
        request.choice = Choice::kNone;
        return {};
    }
    if (names.empty())
        return InvalidParam("tool_choice", "tool_choice asks for a call, but there are no tools");
    if (*choice == "required") {
        request.choice = Choice::kRequired;
        return {};
    }
    constexpr std::string_view kForms =
        R"("none", "auto", "required" or {"type":"function","function":{"name":…}})";
    if (!choice->is_object() || StringMember(*choice, "type", "tool_choice.type") != "function")
        return InvalidParam("tool_choice", "tool_choice must be {}", kForms);
    const Json* function = Find(*choice, "function");
    LATHE_TRY(request.name, StringMember(function != nullptr ? *function : Json(), "name",
                                         "tool_choice.function.name"));
    if (std::ranges::find(names, request.name) == names.end())
        return InvalidParam("tool_choice.function.name", "tools has no function \"{}\"",
                            request.name.substr(0, kToolNameBytesMax));
    request.choice = Choice::kNamed;
    return {};
}

}  // namespace

Result<ToolRequest> ParseToolRequest(const Json& body) {
    ToolRequest request;
    request.parallel = BoolOr(body, "parallel_tool_calls", true);
    std::vector<std::string> names;
    const Json* tools = Find(body, "tools");
    for (size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
        auto path = fmt::format("tools[{}]", i);
        LATHE_TRY(std::string name, CheckTool((*tools)[i], path));
        if (std::ranges::find(names, name) != names.end())
            return InvalidParam(path + ".function.name", "there are two tools named \"{}\"", name);
        names.push_back(std::move(name));
    }
    LATHE_RETURN_IF_ERROR(ParseChoice(Find(body, "tool_choice"), names, request));
    if (!request.offered()) return request;
    request.tools = std::make_shared<const Json>(*tools);
    return request;
}

Result<Json> ParseMessageToolCalls(const Json& calls, const std::string& path) {
    Json out = calls;
    for (size_t i = 0; i < out.size(); ++i) {
        auto item = fmt::format("{}[{}]", path, i);
        LATHE_RETURN_IF_ERROR(CheckType(out[i], item));
        if (const Json* id = Find(out[i], "id"); id != nullptr && !id->is_string())
            return InvalidParam(item + ".id", "{}.id must be a string", item);
        std::string at = item + ".function";
        const Json* function = Find(out[i], "function");
        if (function == nullptr || !function->is_object())
            return InvalidParam(at, "{} must be an object with a name", at);
        LATHE_TRY(std::string name, StringMember(*function, "name", at + ".name"));
        const Json* given = Find(*function, "arguments");
        Json arguments = given != nullptr ? *given : Json::object();
        if (!arguments.is_string() && !arguments.is_object())
            return InvalidParam(at + ".arguments",
                                "{}.arguments must be a JSON object as text, not {}", at,
                                Describe(arguments));
        if (arguments.is_string()) {
            // A model may have written what is no JSON: the template gets it as it is.
            const auto& text = arguments.get_ref<const std::string&>();
            auto parsed = text.empty() ? Json::object() : ParseJson(text);
            if (parsed && parsed->is_object()) arguments = std::move(*parsed);
        }
        out[i]["function"]["arguments"] = std::move(arguments);
    }
    return out;
}

}  // namespace lathe::api
