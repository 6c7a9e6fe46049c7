#pragma once

#include <string_view>

#include "compute/chat/arguments.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// `value is name(...)`: the value is the first argument.
struct Test {
    std::string_view name;
    bool (*holds)(Interpreter& interpreter, Arguments& arguments);
};

// Null if there is none of that name.
const Test* FindTest(std::string_view name);

}  // namespace lathe::chat
