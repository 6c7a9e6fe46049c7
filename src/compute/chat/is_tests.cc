#include "compute/chat/is_tests.h"

#include <algorithm>

#include "compute/chat/filters.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/iterators.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"
#include "compute/chat/unicode.h"

namespace lathe::chat {
namespace {

// A test of the value alone.
template <bool (*Predicate)(const Value&)>
bool Alone(Interpreter&, Arguments& arguments) {
    Bound bound("test", arguments, {"value"}, 1);
    return Predicate(bound[0]);
}

template <Kind kKind>
bool OfKind(const Value& value) {
    return value.Is(kKind);
}

bool IsDefined(const Value& value) {
    return !value.IsUndefined();
}
bool IsTrue(const Value& value) {
    return value.Is(Kind::kBool) && value.boolean();
}
bool IsFalse(const Value& value) {
    return value.Is(Kind::kBool) && !value.boolean();
}
bool IsNumber(const Value& value) {
    return value.IsNumber();
}
bool IsSequenceValue(const Value& value) {
    switch (value.kind()) {
        case Kind::kUndefined:
        case Kind::kString:
        case Kind::kList:
        case Kind::kTuple:
        case Kind::kDict:
        case Kind::kRange:
            return true;
        default:
            return false;
    }
}
bool IsCallable(const Value& value) {
    // Undefined has a __call__, which fails.
    return value.IsUndefined() || (value.Is(Kind::kHost) && value.host().callable());
}
bool IsEscaped(const Value& value) {
    return value.IsString() && value.string().markup;
}

template <Comparison kComparison>
bool Compares(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("test", arguments, {"a", "b"}, 2, Bound::By::kPosition);
    return Compare(interpreter.budget(), kComparison, bound[0], bound[1]);
}

bool IsIn(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("in", arguments, {"value", "seq"}, 2);
    return Contains(interpreter, bound[1], bound[0]);
}

bool IsSameAs(Interpreter&, Arguments& arguments) {
    Bound bound("sameas", arguments, {"value", "other"}, 2);
    const Value &a = bound[0], &b = bound[1];
    if (a.kind() != b.kind()) return false;
    if (a.IsString()) return a.text() == b.text();
    if (a.HasObject()) return a.object() == b.object();
    if (a.Is(Kind::kFloat)) return a.real() == b.real();
    return a.IsNone() || a.integer() == b.integer();
}

template <Int kRest>
bool LeavesOfTwo(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("test", arguments, {"value"}, 1);
    Value rest = Calculate(interpreter, Arithmetic::kModulo, bound[0], Value::Integer(2));
    return Equals(interpreter.budget(), rest, Value::Integer(kRest));
}

bool IsDivisibleBy(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("divisibleby", arguments, {"value", "num"}, 2);
    Value rest = Calculate(interpreter, Arithmetic::kModulo, bound[0], bound[1]);
    return Equals(interpreter.budget(), rest, Value::Integer(0));
}

template <TextClass kClass>
bool HasCase(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("test", arguments, {"value"}, 1);
    std::string text = Str(interpreter.budget(), bound[0]);
    interpreter.budget().Work(text.size() * 8);
    return IsAll(kClass, text);
}

bool IsFilterName(const Value& value) {
    return value.IsString() && FindFilter(value.text());
}
bool IsTestName(const Value& value) {
    return value.IsString() && FindTest(value.text());
}

constexpr Test kTests[] = {
    {"!=", Compares<Comparison::kNotEqual>},
    {"<", Compares<Comparison::kLess>},
    {"<=", Compares<Comparison::kLessEqual>},
    {"==", Compares<Comparison::kEqual>},
    {">", Compares<Comparison::kGreater>},
    {">=", Compares<Comparison::kGreaterEqual>},
    {"boolean", Alone<OfKind<Kind::kBool>>},
    {"callable", Alone<IsCallable>},
    {"defined", Alone<IsDefined>},
    {"divisibleby", IsDivisibleBy},
    {"eq", Compares<Comparison::kEqual>},
    {"equalto", Compares<Comparison::kEqual>},
    {"escaped", Alone<IsEscaped>},
    {"even", LeavesOfTwo<0>},
    {"false", Alone<IsFalse>},
    {"filter", Alone<IsFilterName>},
    {"float", Alone<OfKind<Kind::kFloat>>},
    {"ge", Compares<Comparison::kGreaterEqual>},
    {"greaterthan", Compares<Comparison::kGreater>},
    {"gt", Compares<Comparison::kGreater>},
    {"in", IsIn},
    {"integer", Alone<OfKind<Kind::kInt>>},
    {"iterable", Alone<IsIterable>},
    {"le", Compares<Comparison::kLessEqual>},
    {"lessthan", Compares<Comparison::kLess>},
    {"lower", HasCase<TextClass::kLower>},
    {"lt", Compares<Comparison::kLess>},
    {"mapping", Alone<OfKind<Kind::kDict>>},
    {"ne", Compares<Comparison::kNotEqual>},
    {"none", Alone<OfKind<Kind::kNone>>},
    {"number", Alone<IsNumber>},
    {"odd", LeavesOfTwo<1>},
    {"sameas", IsSameAs},
    {"sequence", Alone<IsSequenceValue>},
    {"string", Alone<OfKind<Kind::kString>>},
    {"test", Alone<IsTestName>},
    {"true", Alone<IsTrue>},
    {"undefined", Alone<OfKind<Kind::kUndefined>>},
    {"upper", HasCase<TextClass::kUpper>},
};

}  // namespace

const Test* FindTest(std::string_view name) {
    auto found = std::ranges::lower_bound(kTests, name, {}, &Test::name);
    return found != std::end(kTests) && found->name == name ? found : nullptr;
}

}  // namespace lathe::chat
