// Python's arithmetic operators on all kinds of values.
#include <algorithm>
#include <cmath>

#include "compute/chat/format.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/text.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void FailOperands(Arithmetic operation, const Value& a, const Value& b) {
    Fail("unsupported operand type(s) for {}: '{}' and '{}'",
         kSigns[static_cast<size_t>(operation)], TypeName(a), TypeName(b));
}

Value AddStrings(Budget& budget, const StringObject& a, const StringObject& b) {
    bool markup = a.markup || b.markup;
    TextBuilder out(budget);
    out.Append(markup && !a.markup ? EscapeHtml(budget, a.text) : a.text);
    out.Append(markup && !b.markup ? EscapeHtml(budget, b.text) : b.text);
    return MakeString(budget, out.Release(), markup);
}

Value AddSequences(Budget& budget, const Value& a, const Value& b) {
    const auto &x = a.items(), &y = b.items();
    budget.RequireRoom(x.size() + y.size(), sizeof(Value));
    std::vector<Value> items;
    items.reserve(x.size() + y.size());
    items.insert(items.end(), x.begin(), x.end());
    items.insert(items.end(), y.begin(), y.end());
    return a.Is(Kind::kList) ? MakeList(budget, std::move(items))
                             : MakeTuple(budget, std::move(items));
}

Value AddValues(Budget& budget, const Value& a, const Value& b) {
    if (a.IsString() && b.IsString()) return AddStrings(budget, a.string(), b.string());
    if (a.IsSequence() && a.kind() == b.kind()) return AddSequences(budget, a, b);
    if (a.IsString()) Fail("can only concatenate str (not \"{}\") to str", TypeName(b));
    if (a.IsSequence())
        Fail("can only concatenate {0} (not \"{1}\") to {0}", TypeName(a), TypeName(b));
    FailOperands(Arithmetic::kAdd, a, b);
}

Value RepeatValue(Budget& budget, const Value& value, Int times) {
    auto count = static_cast<size_t>(std::max<int64_t>(0, Clamp64(times)));
    if (value.IsString()) {
        TextBuilder out(budget);
        out.Repeat(value.text(), count);
        return MakeString(budget, out.Release(), value.string().markup);
    }
    const auto& items = value.items();
    if (!items.empty()) budget.RequireRoom(count, items.size() * sizeof(Value));
    std::vector<Value> all;
    if (!items.empty()) {
        all.reserve(count * items.size());
        for (size_t i = 0; i < count; ++i) all.insert(all.end(), items.begin(), items.end());
    }
    return value.Is(Kind::kList) ? MakeList(budget, std::move(all))
                                 : MakeTuple(budget, std::move(all));
}

Value PowerOf(const Value& a, const Value& b) {
    if (a.IsIntegral() && b.IsIntegral() && b.integer() >= 0)
        return Value::Integer(Power(a.integer(), b.integer()));
    double base = a.AsDouble(), exponent = b.AsDouble();
    if (base == 0 && exponent < 0) Fail("0.0 cannot be raised to a negative power");
    if (base < 0 && exponent != std::floor(exponent))
        Fail("a negative number cannot be raised to a fractional power here");
    double result = std::pow(base, exponent);
    if (std::isinf(result) && !std::isinf(base) && !std::isinf(exponent))
        Fail("Numerical result out of range");
    return Value::Float(result);
}

Value CalculateInts(Arithmetic operation, Int a, Int b) {
    switch (operation) {
        case Arithmetic::kAdd:
            return Value::Integer(Add(a, b));
        case Arithmetic::kSubtract:
            return Value::Integer(Subtract(a, b));
        case Arithmetic::kMultiply:
            return Value::Integer(Multiply(a, b));
        case Arithmetic::kFloorDivide:
            return Value::Integer(FloorDivide(a, b));
        case Arithmetic::kModulo:
            return Value::Integer(Modulo(a, b));
        default:
            if (b == 0) Fail("division by zero");
            return Value::Float(static_cast<double>(a) / static_cast<double>(b));
    }
}

Value CalculateFloats(Arithmetic operation, double a, double b) {
    switch (operation) {
        case Arithmetic::kAdd:
            return Value::Float(a + b);
        case Arithmetic::kSubtract:
            return Value::Float(a - b);
        case Arithmetic::kMultiply:
            return Value::Float(a * b);
        case Arithmetic::kFloorDivide:
            return Value::Float(FloorDivide(a, b));
        case Arithmetic::kModulo:
            return Value::Float(Modulo(a, b));
        default:
            if (b == 0) Fail("float division by zero");
            return Value::Float(a / b);
    }
}

}  // namespace

Value Calculate(Interpreter& interpreter, Arithmetic operation, const Value& a, const Value& b) {
    Budget& budget = interpreter.budget();
    if (operation == Arithmetic::kModulo && a.IsString())
        return FormatPercent(interpreter, a.string(), b);
    RequireDefined(a);
    RequireDefined(b);
    if (a.IsNumber() && b.IsNumber()) {
        if (operation == Arithmetic::kPower) return PowerOf(a, b);
        if (a.IsIntegral() && b.IsIntegral())
            return CalculateInts(operation, a.integer(), b.integer());
        return CalculateFloats(operation, a.AsDouble(), b.AsDouble());
    }
    if (operation == Arithmetic::kAdd) return AddValues(budget, a, b);
    if (operation == Arithmetic::kMultiply) {
        bool repeatable_a = a.IsString() || a.IsSequence();
        bool repeatable_b = b.IsString() || b.IsSequence();
        if (repeatable_a && b.IsIntegral()) return RepeatValue(budget, a, b.integer());
        if (repeatable_b && a.IsIntegral()) return RepeatValue(budget, b, a.integer());
        if (repeatable_a || repeatable_b)
            Fail("can't multiply sequence by non-int of type '{}'", TypeName(repeatable_a ? b : a));
    }
    FailOperands(operation, a, b);
}

Value Negate(const Value& value) {
    RequireDefined(value);
    if (value.IsIntegral()) return Value::Integer(Subtract(0, value.integer()));
    if (value.Is(Kind::kFloat)) return Value::Float(-value.real());
    Fail("bad operand type for unary -: '{}'", TypeName(value));
}

Value Plus(const Value& value) {
    RequireDefined(value);
    if (value.IsIntegral()) return Value::Integer(value.integer());
    if (value.Is(Kind::kFloat)) return value;
    Fail("bad operand type for unary +: '{}'", TypeName(value));
}

}  // namespace lathe::chat
