#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// The keys of one mapping of a task file, taken one by one, so that a key that nobody
// knows is an error and not ignored. One thread; borrows the mapping.
class FilterOptions {
public:
    explicit FilterOptions(const Json& config) : config_(config) { taken_.insert("function"); }

    Result<Json> Take(const std::string& key, Json fallback);
    Result<std::string> TakeText(const std::string& key, std::string fallback);
    Result<int64_t> TakeInteger(const std::string& key, int64_t fallback);
    Result<bool> TakeBool(const std::string& key, bool fallback);
    // A text or a list of texts; none if the key is missing or null.
    Result<std::vector<std::string>> TakeTexts(const std::string& key);

    // Error if there are keys that were not taken.
    Status CheckAllTaken() const;

private:
    const Json& config_;
    std::set<std::string> taken_;
};

}  // namespace lathe::eval
