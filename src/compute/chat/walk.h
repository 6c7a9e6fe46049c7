#pragma once

#include "compute/chat/ast.h"

namespace lathe::chat {

// Call visit(child) for every expression right below, in the order of the source.
template <typename Visit>
void EachArgument(const CallArguments& arguments, const Visit& visit) {
    for (const ExprPtr& argument : arguments.positional) visit(*argument);
    for (const auto& [name, argument] : arguments.named) visit(*argument);
    if (arguments.more_positional) visit(*arguments.more_positional);
    if (arguments.more_named) visit(*arguments.more_named);
}

template <typename Visit>
void EachChild(Expr& expr, const Visit& visit) {
    auto maybe = [&](const ExprPtr& child) {
        if (child) visit(*child);
    };
    switch (expr.kind) {
        case ExprKind::kConstant:
        case ExprKind::kName:
        case ExprKind::kNamespaceRef:
            break;
        case ExprKind::kTuple:
        case ExprKind::kList:
        case ExprKind::kAnd:
        case ExprKind::kOr:
        case ExprKind::kConcat:
            for (const ExprPtr& item : static_cast<ItemsExpr&>(expr).items) visit(*item);
            break;
        case ExprKind::kDict:
            for (const auto& [key, value] : static_cast<DictExpr&>(expr).entries) {
                visit(*key);
                visit(*value);
            }
            break;
        case ExprKind::kNot:
        case ExprKind::kNegate:
        case ExprKind::kPlus:
            visit(*static_cast<UnaryExpr&>(expr).operand);
            break;
        case ExprKind::kAttribute:
            visit(*static_cast<AttributeExpr&>(expr).object);
            break;
        case ExprKind::kItem:
            visit(*static_cast<ItemExpr&>(expr).object);
            visit(*static_cast<ItemExpr&>(expr).index);
            break;
        case ExprKind::kSlice: {
            auto& slice = static_cast<SliceExpr&>(expr);
            visit(*slice.object);
            maybe(slice.start);
            maybe(slice.stop);
            maybe(slice.step);
            break;
        }
        case ExprKind::kCall:
            visit(*static_cast<CallExpr&>(expr).callee);
            EachArgument(static_cast<CallExpr&>(expr).arguments, visit);
            break;
        case ExprKind::kFilter:
            maybe(static_cast<FilterExpr&>(expr).value);
            EachArgument(static_cast<FilterExpr&>(expr).arguments, visit);
            break;
        case ExprKind::kTest:
            visit(*static_cast<TestExpr&>(expr).value);
            EachArgument(static_cast<TestExpr&>(expr).arguments, visit);
            break;
        case ExprKind::kCompare:
            visit(*static_cast<CompareExpr&>(expr).first);
            for (const auto& operand : static_cast<CompareExpr&>(expr).rest) visit(*operand.value);
            break;
        case ExprKind::kArithmetic:
            visit(*static_cast<ArithmeticExpr&>(expr).first);
            for (const auto& [sign, operand] : static_cast<ArithmeticExpr&>(expr).rest)
                visit(*operand);
            break;
        case ExprKind::kCondition:
            visit(*static_cast<ConditionExpr&>(expr).condition);
            visit(*static_cast<ConditionExpr&>(expr).then);
            maybe(static_cast<ConditionExpr&>(expr).otherwise);
            break;
    }
}

}  // namespace lathe::chat
