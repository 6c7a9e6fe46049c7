#pragma once

#include <functional>

#include "compute/chat/value.h"

namespace lathe::chat {

// What walks a value. Fails with "'int' object is not iterable" and the like; an
// iterator walks itself.
Ref<IteratorObject> MakeIterator(Budget& budget, const Value& value);
bool IsIterable(const Value& value);
// The same for generators, which fail only when they are asked for an item.
Ref<IteratorObject> MakeLateIterator(Budget& budget, const Value& value);

// list(value).
std::vector<Value> Collect(Interpreter& interpreter, const Value& value);

// A generator over `source`: `next` gives the next value, false at the end.
using NextValue = std::function<bool(Interpreter&, IteratorObject& source, Value& out)>;
Value MakeGenerator(Budget& budget, Ref<IteratorObject> source, NextValue next);

// reversed(value).
Value MakeReversed(Interpreter& interpreter, const Value& value);

}  // namespace lathe::chat
