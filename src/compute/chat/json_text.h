#pragma once

#include <optional>
#include <string>

#include "compute/chat/value.h"

namespace lathe::chat {

struct JsonStyle {
    bool ascii_only = false;
    bool sorted_keys = false;
    std::optional<std::string> indent;  // one level of it
    std::string item_separator = ", ";
    std::string key_separator = ": ";
};

// json.dumps() of Python, to the byte. Fails on values that JSON has no form for.
std::string ToJson(Budget& budget, const Value& value, const JsonStyle& style);

}  // namespace lathe::chat
