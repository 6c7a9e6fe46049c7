#include "compute/tokenizer/hf_json.h"

namespace lathe::tokenizer {
namespace {

constexpr size_t kBytesMax = size_t{1} << 27;
constexpr size_t kDepthMax = 32;

bool DeeperThanMax(std::string_view text) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                ++i;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > kDepthMax) return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace

Result<HfJson> ParseHfJson(std::string_view text, std::string_view name) {
    if (text.size() > kBytesMax)
        return InvalidArgument("{} has {} bytes; the limit is {}", name, text.size(), kBytesMax);
    if (DeeperThanMax(text))
        return InvalidArgument("{} is nested deeper than {} levels", name, kDepthMax);
    try {
        HfJson json = HfJson::parse(text.begin(), text.end());
        if (!json.is_object()) return InvalidArgument("{} is not a JSON object", name);
        return json;
    } catch (const nlohmann::json::exception& exception) {
        std::string_view what = exception.what();
        size_t tag = what.find("] ");
        return InvalidArgument("{} is not valid JSON: {}", name,
                               tag == std::string_view::npos ? what : what.substr(tag + 2));
    }
}

const HfJson* HfObject::Find(std::string_view key) const {
    if (!json_->is_object()) return nullptr;
    auto found = json_->find(key);
    return found == json_->end() || found->is_null() ? nullptr : &*found;
}

std::unexpected<Error> HfObject::WrongType(std::string_view key, std::string_view wanted) const {
    return InvalidArgument("tokenizer.json: `{}` of {} is not {}", key, where_, wanted);
}

Result<const HfJson*> HfObject::Get(std::string_view key) const {
    if (const HfJson* value = Find(key)) return value;
    return InvalidArgument("tokenizer.json: {} has no `{}`", where_, key);
}

Result<std::string> HfObject::GetString(std::string_view key) const {
    LATHE_TRY(const HfJson* value, Get(key));
    if (!value->is_string()) return WrongType(key, "a string");
    return value->get<std::string>();
}

Result<std::string> HfObject::GetString(std::string_view key, std::string_view fallback) const {
    if (Find(key) == nullptr) return std::string(fallback);
    return GetString(key);
}

Result<bool> HfObject::GetBool(std::string_view key, bool fallback) const {
    const HfJson* value = Find(key);
    if (value == nullptr) return fallback;
    if (!value->is_boolean()) return WrongType(key, "true or false");
    return value->get<bool>();
}

Result<int64_t> HfObject::GetInteger(std::string_view key) const {
    LATHE_TRY(const HfJson* value, Get(key));
    if (!value->is_number_integer() ||
        (value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX))
        return WrongType(key, "an integer");
    return value->get<int64_t>();
}

Result<const HfJson*> HfObject::GetArray(std::string_view key) const {
    static const HfJson kEmpty = HfJson::array();
    const HfJson* value = Find(key);
    if (value == nullptr) return &kEmpty;
    if (!value->is_array()) return WrongType(key, "a list");
    return value;
}

}  // namespace lathe::tokenizer
