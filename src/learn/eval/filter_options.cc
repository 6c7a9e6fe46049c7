#include "learn/eval/filter_options.h"

namespace lathe::eval {

Result<Json> FilterOptions::Take(const std::string& key, Json fallback) {
    taken_.insert(key);
    auto found = config_.find(key);
    return found == config_.end() ? std::move(fallback) : *found;
}

Result<std::string> FilterOptions::TakeText(const std::string& key, std::string fallback) {
    LATHE_TRY(Json value, Take(key, std::move(fallback)));
    if (!value.is_string()) return InvalidParam(key, "`{}` must be a text", key);
    return value.get<std::string>();
}

Result<int64_t> FilterOptions::TakeInteger(const std::string& key, int64_t fallback) {
    LATHE_TRY(Json value, Take(key, fallback));
    if (!value.is_number_integer()) return InvalidParam(key, "`{}` must be a whole number", key);
    return value.get<int64_t>();
}

Result<bool> FilterOptions::TakeBool(const std::string& key, bool fallback) {
    LATHE_TRY(Json value, Take(key, fallback));
    if (!value.is_boolean()) return InvalidParam(key, "`{}` must be true or false", key);
    return value.get<bool>();
}

Result<std::vector<std::string>> FilterOptions::TakeTexts(const std::string& key) {
    LATHE_TRY(Json value, Take(key, Json(nullptr)));
    std::vector<std::string> texts;
    if (value.is_null()) return texts;
    if (value.is_string()) value = Json::array({value});
    if (!value.is_array()) return InvalidParam(key, "`{}` must be a list of texts", key);
    for (const Json& item : value) {
        if (!item.is_string()) return InvalidParam(key, "`{}` must be a list of texts", key);
        texts.push_back(item.get<std::string>());
    }
    return texts;
}

Status FilterOptions::CheckAllTaken() const {
    for (const auto& [key, value] : config_.items())
        if (!taken_.contains(key))
            return InvalidParam(key, "the key `{}` is not known here; remove it", key);
    return {};
}

}  // namespace lathe::eval
