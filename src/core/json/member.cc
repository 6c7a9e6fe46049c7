#include "core/json/member.h"

namespace lathe {
namespace {

const Json kNull;

}  // namespace

const Json& MemberOf(const Json& json, std::string_view key) {
    if (!json.is_object()) return kNull;
    auto found = json.find(key);
    return found == json.end() ? kNull : *found;
}

std::string TextOf(const Json& json, std::string_view key) {
    const Json& value = MemberOf(json, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::string ShownOf(const Json& value) {
    if (value.is_null()) return "";
    return value.is_string() ? value.get<std::string>() : DumpJson(value);
}

}  // namespace lathe
