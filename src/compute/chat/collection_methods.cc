// The methods of dict, list, tuple, range and the numbers.
#include <algorithm>
#include <cmath>
#include <span>

#include "compute/chat/attributes.h"
#include "compute/chat/dict.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"

namespace lathe::chat {
namespace {

using By = Bound::By;

Value DictGet(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("get", arguments, {"self", "key", "default"}, 2, By::kPosition);
    const Value* found = bound[0].dict().dict.Find(interpreter.budget(), bound[1]);
    if (found) return *found;
    return bound.Has(2) ? bound[2] : Value::None();
}

template <ViewObject::Part kPart>
Value DictView(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("keys", arguments, {"self"}, 1, By::kPosition);
    return MakeView(interpreter.budget(), bound[0], kPart);
}

// Values are immutable here, so a copy is the value itself.
Value Copy(Interpreter&, Arguments& arguments) {
    Bound bound("copy", arguments, {"self"}, 1, By::kPosition);
    return bound[0];
}

Value FromKeys(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("fromkeys", arguments, {"self", "iterable", "value"}, 2, By::kPosition);
    Dict dict;
    Ref<IteratorObject> iterator = interpreter.Iterate(bound[1]);
    Value key;
    while (iterator->Next(interpreter, key))
        dict.Set(interpreter.budget(), key, bound.Has(2) ? bound[2] : Value::None());
    return MakeDict(interpreter.budget(), std::move(dict));
}

Value CountItems(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("count", arguments, {"self", "value"}, 2, By::kPosition);
    Int count = 0;
    Ref<IteratorObject> iterator = interpreter.Iterate(bound[0]);
    Value item;
    while (iterator->Next(interpreter, item)) count += Equals(interpreter.budget(), item, bound[1]);
    return Value::Integer(count);
}

Value IndexOf(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("index", arguments, {"self", "value", "start", "stop"}, 2, By::kPosition);
    Int length = RequireLength(bound[0]);
    auto position = [&](size_t argument, Int otherwise) {
        Int at = bound.IntOr(argument, otherwise);
        return std::clamp<Int>(at < 0 ? at + length : at, 0, length);
    };
    Int stop = position(3, length);
    for (Int at = position(2, 0); at < stop; ++at) {
        auto item = Subscript(interpreter.budget(), bound[0], Value::Integer(at));
        if (item && Equals(interpreter.budget(), *item, bound[1])) return Value::Integer(at);
    }
    Fail("{} is not in {}", Repr(interpreter.budget(), bound[1]), TypeName(bound[0]));
}

Value IsInteger(Interpreter&, Arguments& arguments) {
    Bound bound("is_integer", arguments, {"self"}, 1, By::kPosition);
    double value = bound[0].real();
    return Value::Bool(std::isfinite(value) && std::floor(value) == value);
}

constexpr Method kDict[] = {
    {"copy", Copy},
    {"fromkeys", FromKeys},
    {"get", DictGet},
    {"items", DictView<ViewObject::Part::kItems>},
    {"keys", DictView<ViewObject::Part::kKeys>},
    {"values", DictView<ViewObject::Part::kValues>},
};
constexpr Method kList[] = {{"copy", Copy}, {"count", CountItems}, {"index", IndexOf}};
constexpr Method kTuple[] = {{"count", CountItems}, {"index", IndexOf}};
constexpr Method kFloat[] = {{"is_integer", IsInteger}};

std::span<const Method> MethodsOf(Kind kind) {
    switch (kind) {
        case Kind::kDict:
            return kDict;
        case Kind::kList:
            return kList;
        case Kind::kTuple:
        case Kind::kRange:
            return kTuple;
        case Kind::kFloat:
            return kFloat;
        default:
            return {};
    }
}

}  // namespace

const Method* FindCollectionMethod(Kind kind, std::string_view name) {
    std::span<const Method> methods = MethodsOf(kind);
    auto found = std::ranges::find(methods, name, &Method::name);
    return found == methods.end() ? nullptr : &*found;
}

}  // namespace lathe::chat
