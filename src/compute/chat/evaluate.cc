#include "compute/chat/attributes.h"
#include "compute/chat/filters.h"
#include "compute/chat/interpreter.h"
#include "compute/chat/is_tests.h"
#include "compute/chat/operators.h"
#include "compute/chat/print.h"

namespace lathe::chat {

Value Interpreter::Evaluate(const Expr& expr) {
    Value value = EvaluateLeniently(expr);
    if (value.IsUndefined() && program_.style.strict_undefined) {
        line_ = expr.line;
        Fail("{}", value.undefined().message);
    }
    return value;
}

// Kept small, and its cases functions of their own: every level of nesting costs one
// frame of it.
Value Interpreter::EvaluateLeniently(const Expr& expr) {
    Nest nest(*this);
    budget_.Step();
    switch (expr.kind) {
        case ExprKind::kConstant:
            return static_cast<const ConstantExpr&>(expr).value;
        case ExprKind::kName:
            return EvaluateName(static_cast<const NameExpr&>(expr));
        case ExprKind::kNamespaceRef:
            break;
        case ExprKind::kTuple:
        case ExprKind::kList:
            return EvaluateItems(static_cast<const ItemsExpr&>(expr));
        case ExprKind::kDict:
            return EvaluateDict(static_cast<const DictExpr&>(expr));
        case ExprKind::kAttribute:
            return EvaluateAttribute(static_cast<const AttributeExpr&>(expr));
        case ExprKind::kItem:
            return EvaluateItem(static_cast<const ItemExpr&>(expr));
        case ExprKind::kSlice:
            return EvaluateSlice(static_cast<const SliceExpr&>(expr));
        case ExprKind::kCall:
            return EvaluateCall(static_cast<const CallExpr&>(expr));
        case ExprKind::kFilter:
            return EvaluateFilter(static_cast<const FilterExpr&>(expr));
        case ExprKind::kTest:
            return EvaluateTest(static_cast<const TestExpr&>(expr));
        case ExprKind::kNot:
        case ExprKind::kNegate:
        case ExprKind::kPlus:
            return EvaluateUnary(static_cast<const UnaryExpr&>(expr));
        case ExprKind::kAnd:
            return EvaluateAnd(static_cast<const ItemsExpr&>(expr));
        case ExprKind::kOr:
            return EvaluateOr(static_cast<const ItemsExpr&>(expr));
        case ExprKind::kCompare:
            return EvaluateCompare(static_cast<const CompareExpr&>(expr));
        case ExprKind::kArithmetic:
            return EvaluateArithmetic(static_cast<const ArithmeticExpr&>(expr));
        case ExprKind::kConcat:
            return EvaluateConcat(static_cast<const ItemsExpr&>(expr));
        case ExprKind::kCondition:
            return EvaluateCondition(static_cast<const ConditionExpr&>(expr));
    }
    return Value::None();
}

Value Interpreter::EvaluateName(const NameExpr& name) {
    const Value& value = Variable(name.slot);
    if (!value.IsMissing()) return value;
    return MakeUndefined(budget_, "'" + name.name + "' is undefined");
}

Value Interpreter::EvaluateItems(const ItemsExpr& expr) {
    std::vector<Value> items;
    items.reserve(expr.items.size());
    for (const ExprPtr& item : expr.items) items.push_back(Evaluate(*item));
    return expr.kind == ExprKind::kList ? MakeList(budget_, std::move(items))
                                        : MakeTuple(budget_, std::move(items));
}

Value Interpreter::EvaluateDict(const DictExpr& expr) {
    Dict dict;
    for (const auto& [key, value] : expr.entries) {
        Value name = Evaluate(*key);
        dict.Set(budget_, std::move(name), Evaluate(*value));
    }
    return MakeDict(budget_, std::move(dict));
}

Value Interpreter::EvaluateAttribute(const AttributeExpr& expr) {
    Value object = Evaluate(*expr.object);
    line_ = expr.line;
    return GetAttribute(*this, object, expr.name);
}

Value Interpreter::EvaluateItem(const ItemExpr& expr) {
    Value object = Evaluate(*expr.object);
    Value index = Evaluate(*expr.index);
    line_ = expr.line;
    return GetItem(*this, object, index);
}

Value Interpreter::EvaluateSlice(const SliceExpr& expr) {
    auto bound = [&](const ExprPtr& part) { return part ? Evaluate(*part) : Value(); };
    Value object = Evaluate(*expr.object);
    Value start = bound(expr.start), stop = bound(expr.stop), step = bound(expr.step);
    line_ = expr.line;
    return Slice(budget_, object, start, stop, step);
}

Value Interpreter::EvaluateCall(const CallExpr& expr) {
    Value callee = Evaluate(*expr.callee);
    Arguments arguments;
    EvaluateArguments(expr.arguments, arguments);
    line_ = expr.line;
    return Call(callee, arguments);
}

// With a block: the innermost filter, which has no value, takes the block's text.
Value Interpreter::EvaluateFilter(const FilterExpr& expr, const Value* block) {
    Arguments arguments;
    if (!expr.value) {
        arguments.positional.push_back(*block);
    } else if (block && expr.value->kind == ExprKind::kFilter) {
        Nest nest(*this);
        arguments.positional.push_back(
            EvaluateFilter(static_cast<const FilterExpr&>(*expr.value), block));
    } else {
        bool lenient = expr.name == "default" || expr.name == "d";
        arguments.positional.push_back(lenient ? EvaluateLeniently(*expr.value)
                                               : Evaluate(*expr.value));
    }
    EvaluateArguments(expr.arguments, arguments);
    line_ = expr.line;
    if (!expr.filter) Fail("No filter named '{}' found.", expr.name);
    return expr.filter->apply(*this, arguments);
}

Value Interpreter::EvaluateTest(const TestExpr& expr) {
    Arguments arguments;
    bool lenient = expr.name == "defined" || expr.name == "undefined";
    arguments.positional.push_back(lenient ? EvaluateLeniently(*expr.value)
                                           : Evaluate(*expr.value));
    EvaluateArguments(expr.arguments, arguments);
    line_ = expr.line;
    if (!expr.test) Fail("No test named '{}' found.", expr.name);
    return Value::Bool(expr.test->holds(*this, arguments));
}

Value Interpreter::EvaluateUnary(const UnaryExpr& expr) {
    Value operand = Evaluate(*expr.operand);
    line_ = expr.line;
    if (expr.kind == ExprKind::kNot) return Value::Bool(!Truth(operand));
    return expr.kind == ExprKind::kNegate ? Negate(operand) : Plus(operand);
}

Value Interpreter::EvaluateAnd(const ItemsExpr& expr) {
    Value value;
    for (const ExprPtr& item : expr.items) {
        value = Evaluate(*item);
        if (!Truth(value)) break;
    }
    return value;
}

Value Interpreter::EvaluateOr(const ItemsExpr& expr) {
    Value value;
    for (const ExprPtr& item : expr.items) {
        value = Evaluate(*item);
        if (Truth(value)) break;
    }
    return value;
}

Value Interpreter::EvaluateCompare(const CompareExpr& expr) {
    Value left = Evaluate(*expr.first);
    for (const CompareExpr::Operand& operand : expr.rest) {
        Value right = Evaluate(*operand.value);
        line_ = expr.line;
        bool holds = operand.sign == CompareExpr::Sign::kOrder
                         ? Compare(budget_, operand.comparison, left, right)
                         : Contains(*this, right, left) == (operand.sign == CompareExpr::Sign::kIn);
        if (!holds) return Value::Bool(false);
        left = std::move(right);
    }
    return Value::Bool(true);
}

Value Interpreter::EvaluateArithmetic(const ArithmeticExpr& expr) {
    Value left = Evaluate(*expr.first);
    for (const auto& [operation, operand] : expr.rest) {
        Value right = Evaluate(*operand);
        line_ = expr.line;
        left = Calculate(*this, operation, left, right);
    }
    return left;
}

Value Interpreter::EvaluateConcat(const ItemsExpr& expr) {
    TextBuilder out(budget_);
    for (const ExprPtr& item : expr.items) AppendStr(out, budget_, Evaluate(*item));
    return MakeString(budget_, out.Release());
}

Value Interpreter::EvaluateCondition(const ConditionExpr& expr) {
    bool holds = Truth(Evaluate(*expr.condition));
    if (holds) return Evaluate(*expr.then);
    if (expr.otherwise) return Evaluate(*expr.otherwise);
    return MakeUndefined(budget_,
                         fmt::format("the inline if-expression on line {} evaluated to false and "
                                     "no else section was defined.",
                                     expr.line));
}

}  // namespace lathe::chat
