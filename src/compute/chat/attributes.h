#pragma once

#include <string_view>

#include "compute/chat/value.h"

namespace lathe::chat {

// value.name: the attribute, else the item of that name, else undefined. Attributes
// that would change a list or dict, and private ones, are undefined in a way that
// says so when they are used.
Value GetAttribute(Interpreter& interpreter, const Value& value, const Value& name);
// The attribute alone, as Python has it; missing if there is none.
Value FindAttribute(Interpreter& interpreter, const Value& value, std::string_view name);
// value[index]: the item, else the attribute of that name, else undefined.
Value GetItem(Interpreter& interpreter, const Value& value, const Value& index);

// "'dict object' has no attribute 'x'".
Value UndefinedItem(Budget& budget, const Value& value, const Value& index);

// A method of a builtin type: the object is the first positional argument.
struct Method {
    std::string_view name;
    Value (*call)(Interpreter& interpreter, Arguments& arguments);
};

// Null if the type has no such method, or none that a template may use.
const Method* FindStringMethod(std::string_view name);
const Method* FindCollectionMethod(Kind kind, std::string_view name);

}  // namespace lathe::chat
