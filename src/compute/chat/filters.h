#pragma once

#include <string_view>

#include "compute/chat/arguments.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// `value | name(...)`: the value is the first argument.
struct Filter {
    std::string_view name;
    Value (*apply)(Interpreter& interpreter, Arguments& arguments);
};

// Null if there is none of that name.
const Filter* FindFilter(std::string_view name);

// The value that `path` leads to from `item`, as attribute= arguments name it:
// "a.b.0". Requires: path is a string or an integer.
Value FollowPath(Interpreter& interpreter, Value item, const Value& path, const Value& otherwise);
// Where a filter is told to ignore case.
Value IgnoreCase(Budget& budget, const Value& value);

}  // namespace lathe::chat
