#include "compute/chat/attributes.h"

#include <algorithm>

#include "compute/chat/dict.h"
#include "compute/chat/functions.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"

namespace lathe::chat {
namespace {

struct BoundMethod : HostObject {
    BoundMethod(Budget* owner, Value value, const Method* called)
        : HostObject(owner, sizeof(BoundMethod)), self(std::move(value)), method(*called) {
        height = HeightAbove(self.height());
    }
    std::string_view type_name() const override { return "builtin_function_or_method"; }
    std::string Print() const override {
        return fmt::format("<built-in method {} of {} object>", method.name, TypeName(self));
    }
    Value Call(Interpreter& interpreter, Arguments& arguments) override {
        arguments.positional.insert(arguments.positional.begin(), self);
        return method.call(interpreter, arguments);
    }

    const Value self;
    const Method& method;
};

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

// What the sandbox keeps from templates: changes of data, and Python's insides.
bool IsUnsafe(const Value& value, std::string_view name) {
    if (name.starts_with("__") && name.ends_with("__")) return true;
    switch (value.kind()) {
        case Kind::kList:
            return IsOneOf(
                name, {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"});
        case Kind::kDict:
            return IsOneOf(name, {"clear", "pop", "popitem", "setdefault", "update"});
        case Kind::kNamespace:
            return name.starts_with('_') && value.name_space().attributes.Find(name);
        default:
            return false;
    }
}

Value Unsafe(Budget& budget, const Value& value, std::string_view name) {
    return MakeUndefined(budget, fmt::format("access to attribute {} of '{}' object is unsafe.",
                                             QuotedText(name), TypeName(value)));
}

}  // namespace

Value FindAttribute(Interpreter& interpreter, const Value& value, std::string_view name) {
    Budget& budget = interpreter.budget();
    if (IsUnsafe(value, name)) return Unsafe(budget, value, name);
    const Method* method = nullptr;
    switch (value.kind()) {
        case Kind::kString:
            method = FindStringMethod(name);
            break;
        case Kind::kTuple:
            if (dynamic_cast<const GroupObject*>(value.object())) {
                if (name == "grouper") return value.items()[0];
                if (name == "list") return value.items()[1];
            }
            method = FindCollectionMethod(value.kind(), name);
            break;
        case Kind::kRange:
            if (name == "start") return Value::Integer(value.range().start);
            if (name == "stop") return Value::Integer(value.range().stop);
            if (name == "step") return Value::Integer(value.range().step);
            method = FindCollectionMethod(value.kind(), name);
            break;
        case Kind::kNamespace: {
            const Value* found = value.name_space().attributes.Find(name);
            return found ? *found : Value();
        }
        case Kind::kHost:
            return value.host().Attribute(interpreter, name);
        default:
            method = FindCollectionMethod(value.kind(), name);
            break;
    }
    if (!method) return Value();
    return Value(Kind::kHost, new BoundMethod(&budget, value, method));
}

Value UndefinedItem(Budget& budget, const Value& value, const Value& index) {
    std::string type = value.IsNone() ? "None" : std::string(TypeName(value)) + " object";
    if (!index.IsString())
        return MakeUndefined(budget, type + " has no element " + Repr(budget, index));
    return MakeUndefined(budget, "'" + type + "' has no attribute " + QuotedText(index.text()));
}

Value GetAttribute(Interpreter& interpreter, const Value& value, const Value& name) {
    RequireDefined(value);
    Value attribute = FindAttribute(interpreter, value, name.text());
    if (!attribute.IsMissing()) return attribute;
    if (auto item = Subscript(interpreter.budget(), value, name)) return *std::move(item);
    return UndefinedItem(interpreter.budget(), value, name);
}

Value GetItem(Interpreter& interpreter, const Value& value, const Value& index) {
    if (auto item = Subscript(interpreter.budget(), value, index)) return *std::move(item);
    if (index.IsString()) {
        Value attribute = FindAttribute(interpreter, value, index.text());
        if (!attribute.IsMissing()) return attribute;
    }
    return UndefinedItem(interpreter.budget(), value, index);
}

}  // namespace lathe::chat
