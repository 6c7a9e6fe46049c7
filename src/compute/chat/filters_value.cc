// Filters of single values: numbers, defaults, JSON.
#include <cmath>

#include "compute/chat/attributes.h"
#include "compute/chat/filter_tables.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/iterators.h"
#include "compute/chat/json_text.h"
#include "compute/chat/numbers.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"

namespace lathe::chat {
namespace {

Value Absolute(Interpreter&, Arguments& arguments) {
    Bound bound("abs", arguments, {"x"}, 1, Bound::By::kPosition);
    const Value& value = bound[0];
    if (value.Is(Kind::kFloat)) return Value::Float(std::fabs(value.real()));
    if (!value.IsIntegral()) Fail("bad operand type for abs(): '{}'", TypeName(value));
    return value.integer() < 0 ? Negate(value) : Value::Integer(value.integer());
}

Value AttributeOnly(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("attr", arguments, {"obj", "name"}, 2);
    RequireDefined(bound[0]);
    bound.Text(1);
    Value attribute = FindAttribute(interpreter, bound[0], bound[1].text());
    return attribute.IsMissing() ? UndefinedItem(interpreter.budget(), bound[0], bound[1])
                                 : attribute;
}

Value Default(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("default", arguments, {"value", "default_value", "boolean"}, 1);
    bool use_default = bound[0].IsUndefined() || (bound.TruthOr(2, false) && !Truth(bound[0]));
    if (!use_default) return bound[0];
    return bound.Has(1) ? bound[1] : MakeString(interpreter.budget(), "");
}

Value ToInt(Interpreter&, Arguments& arguments) {
    Bound bound("int", arguments, {"value", "default", "base"}, 1);
    const Value& value = bound[0];
    RequireDefined(value);
    Value otherwise = bound.Has(1) ? bound[1] : Value::Integer(0);
    if (value.IsString()) {
        Int base = bound.IntOr(2, 10);
        if (base != 0 && (base < 2 || base > 36)) return otherwise;
        if (auto number = ParseInt(value.text(), static_cast<int>(base)))
            return Value::Integer(*number);
        auto real = ParseFloat(value.text());
        return real && std::isfinite(*real) ? Value::Integer(Truncate(*real)) : otherwise;
    }
    if (value.IsIntegral()) return Value::Integer(value.integer());
    if (!value.Is(Kind::kFloat) || std::isnan(value.real())) return otherwise;
    return Value::Integer(Truncate(value.real()));
}

Value ToFloat(Interpreter&, Arguments& arguments) {
    Bound bound("float", arguments, {"value", "default"}, 1);
    const Value& value = bound[0];
    RequireDefined(value);
    if (value.IsNumber()) return Value::Float(value.AsDouble());
    if (value.IsString())
        if (auto real = ParseFloat(value.text())) return Value::Float(*real);
    return bound.Has(1) ? bound[1] : Value::Float(0);
}

Value Round(Interpreter&, Arguments& arguments) {
    Bound bound("round", arguments, {"value", "precision", "method"}, 1);
    const Value& value = bound[0];
    RequireDefined(value);
    if (!value.IsNumber()) Fail("type {} doesn't define __round__ method", TypeName(value));
    Int precision = bound.IntOr(1, 0);
    std::string method = bound.Has(2) ? bound.Text(2) : "common";
    if (method == "common") {
        if (value.IsIntegral()) return Value::Integer(RoundTo(value.integer(), precision));
        return Value::Float(RoundTo(value.real(), precision));
    }
    if (method != "ceil" && method != "floor") Fail("method must be common, ceil or floor");
    double unit = std::pow(10.0, static_cast<double>(Clamp64(precision)));
    double scaled = value.AsDouble() * unit;
    if (!std::isfinite(scaled)) Fail("cannot round {}", FloatText(scaled));
    return Value::Float((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Value Length(Interpreter&, Arguments& arguments) {
    Bound bound("len", arguments, {"obj"}, 1, Bound::By::kPosition);
    return Value::Integer(RequireLength(bound[0]));
}

Value ToJsonText(Interpreter& interpreter, Arguments& arguments) {
    Bound bound("tojson", arguments, {"x", "ensure_ascii", "indent", "separators", "sort_keys"}, 1);
    Budget& budget = interpreter.budget();
    JsonStyle style;
    style.ascii_only = bound.TruthOr(1, false);
    style.sorted_keys = bound.TruthOr(4, false);
    if (bound.Given(2)) {
        style.item_separator = ",";
        TextBuilder indent(budget);
        if (bound[2].IsString())
            indent.Append(bound[2].text());
        else
            indent.Repeat(
                " ", static_cast<size_t>(std::max<int64_t>(0, Clamp64(RequireIndex(bound[2])))));
        style.indent = indent.Release();
    }
    if (bound.Given(3)) {
        std::vector<Value> separators = Collect(interpreter, bound[3]);
        if (separators.size() != 2 || !separators[0].IsString() || !separators[1].IsString())
            Fail("tojson: separators must be two strings");
        style.item_separator = separators[0].text();
        style.key_separator = separators[1].text();
    }
    return MakeString(budget, ToJson(budget, bound[0], style));
}

constexpr Filter kFilters[] = {
    {"abs", Absolute},    {"attr", AttributeOnly}, {"count", Length}, {"d", Default},
    {"default", Default}, {"float", ToFloat},      {"int", ToInt},    {"length", Length},
    {"round", Round},     {"tojson", ToJsonText},
};

}  // namespace

std::span<const Filter> ValueFilters() {
    return kFilters;
}

}  // namespace lathe::chat
