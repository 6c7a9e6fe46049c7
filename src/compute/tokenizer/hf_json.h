#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::tokenizer {

// Objects with sorted keys: a vocabulary is one object with 10^5 keys, for which the
// order-keeping Json would take quadratic time.
using HfJson = nlohmann::json;

// Foreign bytes to a value; depth, length and syntax errors as Error. `name` is the
// file's, for messages.
Result<HfJson> ParseHfJson(std::string_view text, std::string_view name);

// Members of objects. Absent and null count as missing. A value of the wrong type is
// an error that names `where` (say "normalizer") and the key.
class HfObject {
public:
    HfObject(const HfJson& json, std::string where) : json_(&json), where_(std::move(where)) {}

    const std::string& where() const { return where_; }
    const HfJson* Find(std::string_view key) const;  // nullptr if missing
    Result<const HfJson*> Get(std::string_view key) const;
    Result<std::string> GetString(std::string_view key) const;
    Result<std::string> GetString(std::string_view key, std::string_view fallback) const;
    Result<bool> GetBool(std::string_view key, bool fallback) const;
    Result<int64_t> GetInteger(std::string_view key) const;
    // The array under `key`, or an empty one if missing.
    Result<const HfJson*> GetArray(std::string_view key) const;

    std::unexpected<Error> WrongType(std::string_view key, std::string_view wanted) const;

private:
    const HfJson* json_;
    std::string where_;
};

}  // namespace lathe::tokenizer
