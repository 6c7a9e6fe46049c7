#pragma once

#include <optional>

#include "compute/chat/value.h"

namespace lathe::chat {

// What Python's operators do with values. Work that grows with the values is charged.
// Each fails with Python's message where the types do not fit.

enum class Arithmetic : uint8_t {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kFloorDivide,
    kModulo,
    kPower
};
enum class Comparison : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

bool Truth(const Value& value);
bool Equals(Budget& budget, const Value& a, const Value& b);
bool Compare(Budget& budget, Comparison operation, const Value& a, const Value& b);
bool Less(Budget& budget, const Value& a, const Value& b);

// `item in container`; walks iterators.
bool Contains(Interpreter& interpreter, const Value& container, const Value& item);

Value Calculate(Interpreter& interpreter, Arithmetic operation, const Value& a, const Value& b);
Value Negate(const Value& value);
Value Plus(const Value& value);

// len(); nothing for what has none (numbers, generators, ...).
std::optional<Int> LengthOf(const Value& value);
Int RequireLength(const Value& value);

// value[index] as Python has it; nothing where that would be a KeyError, IndexError or
// TypeError.
std::optional<Value> Subscript(Budget& budget, const Value& value, const Value& index);
// value[start:stop:step]; missing bounds are Missing or None.
Value Slice(Budget& budget, const Value& value, const Value& start, const Value& stop,
            const Value& step);

// An integer, as operator.index() takes it.
Int RequireIndex(const Value& value);

// Fails with the message of an undefined value.
void RequireDefined(const Value& value);

}  // namespace lathe::chat
