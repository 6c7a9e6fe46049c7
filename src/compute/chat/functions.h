#pragma once

#include <functional>
#include <string_view>

#include "compute/chat/arguments.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// A function of ours as a value. `name` lives as long as the program.
using NativeCall = std::function<Value(Interpreter&, Arguments&)>;
Value MakeFunction(Budget& budget, std::string_view name, NativeCall call);

}  // namespace lathe::chat
