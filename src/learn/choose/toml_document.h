#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::choose {

// A TOML text as a JSON value (tables are objects, in the order of the text), with the line
// of each key by its path: "limits.users", "task[1].weight".
struct TomlDocument {
    static constexpr size_t kBytesMax = 1u << 20;

    Json root = Json::object();
    std::map<std::string, int> lines;

    // Errors (kInvalidArgument) name line and column. Dates and times are refused: nothing
    // that is read here has them.
    static Result<TomlDocument> Parse(std::string_view text);

    // " (line 12)", or "" for a path that the text does not have.
    std::string LineOf(const std::string& path) const;
};

}  // namespace lathe::choose
