#pragma once

#include <string>
#include <string_view>

#include "compute/chat/arguments.h"
#include "compute/chat/value.h"

namespace lathe::chat {

// format % values.
Value FormatPercent(Interpreter& interpreter, const StringObject& format, const Value& values);
// format.format(*positional, **named).
Value FormatBraces(Interpreter& interpreter, const StringObject& format,
                   const Arguments& arguments);
// format(value, specification): "{:>8.2f}".
std::string FormatField(Interpreter& interpreter, const Value& value,
                        std::string_view specification);

// Digits in groups of three.
std::string GroupThousands(std::string_view digits, char separator);

}  // namespace lathe::chat
