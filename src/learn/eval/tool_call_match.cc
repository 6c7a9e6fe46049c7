#include "learn/eval/tool_call_match.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "compute/chat/unicode.h"

namespace lathe::eval {
namespace {

struct Call {
    std::string name;
    Json arguments;
};

// The end of the JSON value that begins at `begin` with a bracket; npos if it does not end.
size_t EndOfValue(std::string_view text, size_t begin) {
    int depth = 0;
    bool in_text = false;
    for (size_t i = begin; i < text.size(); ++i) {
        char c = text[i];
        if (in_text) {
            if (c == '\\') ++i;
            if (c == '"') in_text = false;
            continue;
        }
        if (c == '"') in_text = true;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return i + 1;
    }
    return std::string_view::npos;
}

std::optional<Call> CallOf(const Json& value) {
    if (!value.is_object()) return std::nullopt;
    for (const char* name : {"name", "function"}) {
        if (!value.contains(name)) continue;
        if (value[name].is_object()) return CallOf(value[name]);
        if (!value[name].is_string()) continue;
        for (const char* key : {"arguments", "parameters"}) {
            if (!value.contains(key)) continue;
            Json arguments = value[key];
            if (arguments.is_string()) {
                auto parsed = ParseJson(arguments.get_ref<const std::string&>());
                if (!parsed) return std::nullopt;
                arguments = *std::move(parsed);
            }
            if (!arguments.is_object()) return std::nullopt;
            return Call{value[name].get<std::string>(), std::move(arguments)};
        }
        return Call{value[name].get<std::string>(), Json::object()};
    }
    return std::nullopt;
}

std::vector<Call> CallsIn(std::string_view text) {
    std::vector<Call> calls;
    for (size_t at = text.find_first_of("{["); at != std::string_view::npos;
         at = text.find_first_of("{[", at)) {
        size_t end = EndOfValue(text, at);
        auto value = end == std::string_view::npos ? Result<Json>(InvalidArgument("it is cut off"))
                                                   : ParseJson(text.substr(at, end - at));
        if (!value) {
            if (end == std::string_view::npos) break;  // nothing that begins later ends either
            ++at;
            continue;
        }
        at = end;
        for (const Json& one : value->is_array() ? *value : Json::array({*value}))
            if (auto call = CallOf(one)) calls.push_back(*std::move(call));
    }
    return calls;
}

std::string Plain(const std::string& text) {
    constexpr std::string_view kLeftOut = " ,./-_*^";
    std::string plain = chat::Lower(chat::ValidUtf8(text));
    std::erase_if(plain, [&](char c) { return kLeftOut.contains(c); });
    std::ranges::replace(plain, '\'', '"');
    return plain;
}

bool SameValue(const Json& given, const Json& accepted);

bool IsAccepted(const Json& given, const Json& accepted) {
    return std::ranges::any_of(accepted, [&](const Json& one) { return SameValue(given, one); });
}

// Members of an accepted object are lists of accepted values again.
bool SameMembers(const Json& given, const Json& accepted) {
    for (const auto& [key, values] : accepted.items()) {
        const Json list = values.is_array() ? values : Json::array({values});
        bool found = given.contains(key) ? IsAccepted(given[key], list) : IsAccepted("", list);
        if (!found) return false;
    }
    return std::ranges::all_of(given.items(),
                               [&](const auto& item) { return accepted.contains(item.key()); });
}

bool SameValue(const Json& given, const Json& accepted) {
    if (given.is_string() && accepted.is_string())
        return Plain(given.get<std::string>()) == Plain(accepted.get<std::string>());
    if (given.is_array() && accepted.is_array()) {
        if (given.size() != accepted.size()) return false;
        for (size_t i = 0; i < given.size(); ++i)
            if (!SameValue(given[i], accepted[i])) return false;
        return true;
    }
    if (given.is_object() && accepted.is_object()) return SameMembers(given, accepted);
    return given == accepted;
}

bool IsCall(const Call& call, const Json& expected) {
    auto wanted = expected.begin();
    return call.name == wanted.key() && SameMembers(call.arguments, wanted.value());
}

bool IsExpectation(const Json& one) {
    return one.is_object() && one.size() == 1 && one.begin().value().is_object();
}

}  // namespace

Result<bool> CallsTools(std::string_view text, const Json& expected) {
    if (!expected.is_array() || !std::ranges::all_of(expected, IsExpectation))
        return InvalidParam("doc_to_target",
                            "the metric tool_call expects a list of {{\"name\": {{\"parameter\": "
                            "[accepted values]}}}}, and the target is {}",
                            DumpJson(expected).substr(0, 200));
    std::vector<Call> calls = CallsIn(text);
    if (calls.size() != expected.size()) return false;
    // Each call for one expectation; the first that fits, as the leaderboard's checker does.
    for (const Json& one : expected) {
        auto found =
            std::ranges::find_if(calls, [&](const Call& call) { return IsCall(call, one); });
        if (found == calls.end()) return false;
        calls.erase(found);
    }
    return true;
}

}  // namespace lathe::eval
