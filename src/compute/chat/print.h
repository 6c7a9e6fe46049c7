#pragma once

#include <string>
#include <string_view>

#include "compute/chat/value.h"

namespace lathe::chat {

// str() and repr() as Python prints them. Charge the budget for what they write.
void AppendStr(TextBuilder& out, Budget& budget, const Value& value);
void AppendRepr(TextBuilder& out, Budget& budget, const Value& value, uint32_t depth = 0);
std::string Str(Budget& budget, const Value& value);
std::string Repr(Budget& budget, const Value& value);
std::string QuotedText(std::string_view text);

// str() as a value; a string stays the same object (and stays markup).
Value SoftStr(Budget& budget, const Value& value);

}  // namespace lathe::chat
