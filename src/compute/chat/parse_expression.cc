#include <algorithm>
#include <span>

#include "compute/chat/filters.h"
#include "compute/chat/is_tests.h"
#include "compute/chat/numbers.h"
#include "compute/chat/parser.h"

namespace lathe::chat {
namespace {

struct NamedComparison {
    std::string_view sign;
    Comparison comparison;
};
constexpr NamedComparison kComparisons[] = {
    {"==", Comparison::kEqual},  {"!=", Comparison::kNotEqual},
    {"<", Comparison::kLess},    {"<=", Comparison::kLessEqual},
    {">", Comparison::kGreater}, {">=", Comparison::kGreaterEqual},
};

struct NamedArithmetic {
    std::string_view sign;
    Arithmetic operation;
};
constexpr NamedArithmetic kSums[] = {{"+", Arithmetic::kAdd}, {"-", Arithmetic::kSubtract}};
constexpr NamedArithmetic kProducts[] = {{"*", Arithmetic::kMultiply},
                                         {"/", Arithmetic::kDivide},
                                         {"//", Arithmetic::kFloorDivide},
                                         {"%", Arithmetic::kModulo}};
constexpr NamedArithmetic kPowers[] = {{"**", Arithmetic::kPower}};

const NamedArithmetic* FindOperation(std::span<const NamedArithmetic> table, const Token& token) {
    if (token.type != Token::Type::kOperator) return nullptr;
    auto found = std::ranges::find(table, token.text, &NamedArithmetic::sign);
    return found == table.end() ? nullptr : &*found;
}

}  // namespace

void Parser::Raise(Expr& parent, const ExprPtr& child) const {
    if (!child) return;
    parent.height = std::max(parent.height, child->height + 1);
    if (parent.height > program_.limits.depth_max)
        FailAt(parent.line, "nested deeper than {} levels", program_.limits.depth_max);
}

void Parser::Raise(Expr& parent, const CallArguments& arguments) const {
    for (const ExprPtr& argument : arguments.positional) Raise(parent, argument);
    for (const auto& [name, argument] : arguments.named) Raise(parent, argument);
    Raise(parent, arguments.more_positional);
    Raise(parent, arguments.more_named);
}

ExprPtr Parser::Constant(int line, Value value) {
    return std::make_unique<ConstantExpr>(line, std::move(value));
}

Value Parser::ConstantString(std::string text) {
    Value value = MakeString(nullptr, std::move(text));
    program_.constants.emplace_back(value.object());
    return value;
}

ExprPtr Parser::ParseTuple(Condition condition, std::string_view end_name) {
    int line = current().line;
    auto tuple = std::make_unique<ItemsExpr>(ExprKind::kTuple, line);
    bool comma = false;
    for (;;) {
        bool ends = At(Token::Type::kVariableEnd) || At(Token::Type::kBlockEnd) || AtSign(")") ||
                    (!end_name.empty() && AtName(end_name));
        if (ends) break;
        tuple->items.push_back(ParseExpression(condition));
        Raise(*tuple, tuple->items.back());
        if (!SkipSign(",")) break;
        comma = true;
    }
    if (comma) return tuple;
    if (tuple->items.empty()) FailExpected("an expression");
    return std::move(tuple->items[0]);
}

ExprPtr Parser::ParseExpression(Condition condition) {
    Nest nest(*this);
    return condition == Condition::kAllowed ? ParseCondition() : ParseOr();
}

ExprPtr Parser::ParseCondition() {
    Nest nest(*this);
    int line = current().line;
    size_t unknown_before = unknown_.size();
    ExprPtr expr = ParseOr();
    bool conditional = AtName("if");
    while (SkipName("if")) {
        auto choice = std::make_unique<ConditionExpr>(line);
        choice->then = std::move(expr);
        choice->condition = ParseOr();
        if (SkipName("else")) choice->otherwise = ParseCondition();
        Raise(*choice, choice->then);
        Raise(*choice, choice->condition);
        Raise(*choice, choice->otherwise);
        line = current().line;
        expr = std::move(choice);
    }
    if (conditional) unknown_.resize(unknown_before);
    return expr;
}

// Operands that `joins` takes the sign between: one stays itself.
template <typename Level, typename Joins>
ExprPtr Parser::ParseItems(ExprKind kind, Level level, Joins joins) {
    int line = current().line;
    ExprPtr first = (this->*level)();
    if (!joins()) return first;
    auto chain = std::make_unique<ItemsExpr>(kind, line);
    chain->items.push_back(std::move(first));
    do {
        chain->items.push_back((this->*level)());
    } while (joins());
    for (const ExprPtr& item : chain->items) Raise(*chain, item);
    return chain;
}

ExprPtr Parser::ParseOr() {
    return ParseItems(ExprKind::kOr, &Parser::ParseAnd, [&] { return SkipName("or"); });
}

ExprPtr Parser::ParseAnd() {
    return ParseItems(ExprKind::kAnd, &Parser::ParseNot, [&] { return SkipName("and"); });
}

ExprPtr Parser::ParseNot() {
    if (!AtName("not")) return ParseCompare();
    Nest nest(*this);
    auto negation = std::make_unique<UnaryExpr>(ExprKind::kNot, Take().line);
    negation->operand = ParseNot();
    Raise(*negation, negation->operand);
    return negation;
}

ExprPtr Parser::ParseCompare() {
    int line = current().line;
    ExprPtr first = ParseSum();
    std::vector<CompareExpr::Operand> rest;
    for (;;) {
        CompareExpr::Operand operand{CompareExpr::Sign::kOrder, Comparison::kEqual, nullptr};
        const Token& token = current();
        auto order = token.type == Token::Type::kOperator
                         ? std::ranges::find(kComparisons, token.text, &NamedComparison::sign)
                         : std::end(kComparisons);
        if (order != std::end(kComparisons)) {
            operand.comparison = order->comparison;
            Take();
        } else if (SkipName("in")) {
            operand.sign = CompareExpr::Sign::kIn;
        } else if (AtName("not") && next().type == Token::Type::kName && next().text == "in") {
            operand.sign = CompareExpr::Sign::kNotIn;
            Take();
            Take();
        } else {
            break;
        }
        operand.value = ParseSum();
        rest.push_back(std::move(operand));
    }
    if (rest.empty()) return first;
    auto compare = std::make_unique<CompareExpr>(line);
    Raise(*compare, first);
    for (const auto& operand : rest) Raise(*compare, operand.value);
    compare->first = std::move(first);
    compare->rest = std::move(rest);
    return compare;
}

template <typename Level, typename Operator>
ExprPtr Parser::ParseArithmetic(Level level, Operator find) {
    int line = current().line;
    ExprPtr first = level();
    const NamedArithmetic* operation = find(current());
    if (!operation) return first;
    auto chain = std::make_unique<ArithmeticExpr>(line);
    Raise(*chain, first);
    chain->first = std::move(first);
    for (; operation; operation = find(current())) {
        Take();
        chain->rest.emplace_back(operation->operation, level());
        Raise(*chain, chain->rest.back().second);
    }
    return chain;
}

ExprPtr Parser::ParseSum() {
    return ParseArithmetic([&] { return ParseConcat(); },
                           [](const Token& token) { return FindOperation(kSums, token); });
}

ExprPtr Parser::ParseConcat() {
    return ParseItems(ExprKind::kConcat, &Parser::ParseProduct, [&] { return SkipSign("~"); });
}

ExprPtr Parser::ParseProduct() {
    return ParseArithmetic([&] { return ParsePower(); },
                           [](const Token& token) { return FindOperation(kProducts, token); });
}

ExprPtr Parser::ParsePower() {
    return ParseArithmetic([&] { return ParseUnary(Filters::kAllowed); },
                           [](const Token& token) { return FindOperation(kPowers, token); });
}

ExprPtr Parser::ParseUnary(Filters filters) {
    ExprPtr expr;
    if (AtSign("-") || AtSign("+")) {
        Nest nest(*this);
        Token sign = Take();
        auto unary = std::make_unique<UnaryExpr>(
            sign.text == "-" ? ExprKind::kNegate : ExprKind::kPlus, sign.line);
        unary->operand = ParseUnary(Filters::kNot);
        Raise(*unary, unary->operand);
        expr = std::move(unary);
    } else {
        expr = ParsePrimary();
    }
    expr = ParsePostfix(std::move(expr));
    return filters == Filters::kAllowed ? ParseFiltersAndTests(std::move(expr)) : std::move(expr);
}

ExprPtr Parser::ParsePrimary() {
    const Token& token = current();
    switch (token.type) {
        case Token::Type::kName: {
            Token name = Take();
            if (name.text == "true" || name.text == "True")
                return Constant(name.line, Value::Bool(true));
            if (name.text == "false" || name.text == "False")
                return Constant(name.line, Value::Bool(false));
            if (name.text == "none" || name.text == "None")
                return Constant(name.line, Value::None());
            return std::make_unique<NameExpr>(name.line, std::move(name.text));
        }
        case Token::Type::kString:
            return ParseStrings();
        case Token::Type::kInteger:
        case Token::Type::kFloat:
            return ParseNumber();
        default:
            break;
    }
    if (AtSign("(")) return ParseParentheses();
    if (AtSign("[")) return ParseList();
    if (AtSign("{")) return ParseDict();
    FailExpected("an expression");
}

ExprPtr Parser::ParseStrings() {
    int line = current().line;
    std::string text;
    while (At(Token::Type::kString)) text += Take().text;
    return Constant(line, ConstantString(std::move(text)));
}

ExprPtr Parser::ParseNumber() {
    Token token = Take();
    if (token.type == Token::Type::kFloat)
        return Constant(token.line, Value::Float(ParseFloat(token.text).value_or(0)));
    std::optional<Int> value = token.text.size() <= 4096 ? ParseInt(token.text, 0) : std::nullopt;
    if (!value) FailAt(token.line, "'{}' is not a number", token.text.substr(0, 40));
    return Constant(token.line, Value::Integer(*value));
}

ExprPtr Parser::ParseParentheses() {
    Nest nest(*this);
    int line = Take().line;
    if (SkipSign(")")) return std::make_unique<ItemsExpr>(ExprKind::kTuple, line);
    ExprPtr expr = ParseTuple(Condition::kAllowed);
    ExpectSign(")");
    return expr;
}

ExprPtr Parser::ParseList() {
    Nest nest(*this);
    auto list = std::make_unique<ItemsExpr>(ExprKind::kList, Take().line);
    while (!AtSign("]")) {
        if (!list->items.empty()) ExpectSign(",");
        if (AtSign("]")) break;
        list->items.push_back(ParseExpression());
        Raise(*list, list->items.back());
    }
    ExpectSign("]");
    return list;
}

ExprPtr Parser::ParseDict() {
    Nest nest(*this);
    auto dict = std::make_unique<DictExpr>(Take().line);
    while (!AtSign("}")) {
        if (!dict->entries.empty()) ExpectSign(",");
        if (AtSign("}")) break;
        ExprPtr key = ParseExpression();
        ExpectSign(":");
        ExprPtr value = ParseExpression();
        Raise(*dict, key);
        Raise(*dict, value);
        dict->entries.emplace_back(std::move(key), std::move(value));
    }
    ExpectSign("}");
    return dict;
}

ExprPtr Parser::ParsePostfix(ExprPtr expr) {
    for (;;) {
        if (AtSign("."))
            expr = ParseAttribute(std::move(expr));
        else if (AtSign("["))
            expr = ParseSubscript(std::move(expr));
        else if (AtSign("("))
            expr = ParseCall(std::move(expr));
        else
            return expr;
    }
}

ExprPtr Parser::ParseFiltersAndTests(ExprPtr expr) {
    for (;;) {
        if (AtSign("|"))
            expr = ParseFilters(std::move(expr));
        else if (AtName("is"))
            expr = ParseTest(std::move(expr));
        else if (AtSign("("))
            expr = ParseCall(std::move(expr));
        else
            return expr;
    }
}

ExprPtr Parser::ParseAttribute(ExprPtr object) {
    int line = Take().line;
    if (At(Token::Type::kInteger)) {
        auto item = std::make_unique<ItemExpr>(line);
        item->object = std::move(object);
        item->index = ParseNumber();
        Raise(*item, item->object);
        return item;
    }
    auto attribute = std::make_unique<AttributeExpr>(line);
    attribute->object = std::move(object);
    attribute->name = ConstantString(TakeName("a name or a number"));
    Raise(*attribute, attribute->object);
    return attribute;
}

ExprPtr Parser::ParseSubscript(ExprPtr object) {
    Nest nest(*this);
    int line = Take().line;
    ExprPtr bounds[3];
    bool slice = false;
    size_t given = 0;
    while (!AtSign("]") && !AtSign(",")) {
        if (SkipSign(":")) {
            slice = true;
            if (++given > 2) FailExpected("']'");
        } else if (bounds[given]) {
            FailExpected("']'");
        } else {
            bounds[given] = ParseExpression();
        }
    }
    if (slice) {
        ExpectSign("]");
        auto part = std::make_unique<SliceExpr>(line);
        part->object = std::move(object);
        part->start = std::move(bounds[0]);
        part->stop = std::move(bounds[1]);
        part->step = std::move(bounds[2]);
        for (const ExprPtr* child : {&part->object, &part->start, &part->stop, &part->step})
            Raise(*part, *child);
        return part;
    }
    auto item = std::make_unique<ItemExpr>(line);
    item->object = std::move(object);
    item->index = std::move(bounds[0]);
    if (!item->index || AtSign(",")) {  // x[1, 2] has a tuple for its index, x[] an empty one
        auto tuple = std::make_unique<ItemsExpr>(ExprKind::kTuple, line);
        if (item->index) tuple->items.push_back(std::move(item->index));
        while (SkipSign(",") && !AtSign("]")) tuple->items.push_back(ParseExpression());
        for (const ExprPtr& element : tuple->items) Raise(*tuple, element);
        item->index = std::move(tuple);
    }
    ExpectSign("]");
    Raise(*item, item->object);
    Raise(*item, item->index);
    return item;
}

CallArguments Parser::ParseArguments() {
    Nest nest(*this);
    int line = current().line;
    CallArguments arguments;
    auto ensure = [&](bool fits) {
        if (!fits) FailAt(line, "the arguments of a call are in the wrong order");
    };
    ExpectSign("(");
    for (bool first = true; !AtSign(")"); first = false) {
        if (!first) ExpectSign(",");
        if (!first && AtSign(")")) break;
        if (SkipSign("*")) {
            ensure(!arguments.more_positional && !arguments.more_named);
            arguments.more_positional = ParseExpression();
        } else if (SkipSign("**")) {
            ensure(!arguments.more_named);
            arguments.more_named = ParseExpression();
        } else if (At(Token::Type::kName) && next().type == Token::Type::kOperator &&
                   next().text == "=") {
            ensure(!arguments.more_named);
            std::string name = Take().text;
            Take();
            if (std::ranges::any_of(arguments.named,
                                    [&](const auto& pair) { return pair.first == name; }))
                FailAt(line, "the argument '{}' is given twice", name);
            if (arguments.named.size() >= 256)
                FailAt(line, "a call has more than 256 named arguments");
            arguments.named.emplace_back(std::move(name), ParseExpression());
        } else {
            ensure(!arguments.more_positional && !arguments.more_named && arguments.named.empty());
            arguments.positional.push_back(ParseExpression());
        }
    }
    ExpectSign(")");
    return arguments;
}

ExprPtr Parser::ParseCall(ExprPtr callee) {
    auto call = std::make_unique<CallExpr>(current().line);
    call->callee = std::move(callee);
    call->arguments = ParseArguments();
    Raise(*call, call->callee);
    Raise(*call, call->arguments);
    return call;
}

std::string Parser::ParseDottedName(std::string_view what) {
    std::string name = TakeName(what);
    while (SkipSign(".")) name += "." + TakeName(what);
    return name;
}

ExprPtr Parser::ParseFilters(ExprPtr value) {
    while (SkipSign("|")) value = ParseFilter(std::move(value));
    return value;
}

ExprPtr Parser::ParseFilter(ExprPtr value) {
    auto filter = std::make_unique<FilterExpr>(current().line);
    filter->value = std::move(value);
    filter->name = ParseDottedName("the name of a filter");
    filter->filter = FindFilter(filter->name);
    if (!filter->filter && !conditional_)
        unknown_.push_back({"filter", filter->name, filter->line});
    if (AtSign("(")) filter->arguments = ParseArguments();
    Raise(*filter, filter->value);
    Raise(*filter, filter->arguments);
    return filter;
}

ExprPtr Parser::ParseTest(ExprPtr value) {
    auto test = std::make_unique<TestExpr>(Take().line);
    bool negated = SkipName("not");
    test->value = std::move(value);
    test->name = ParseDottedName("the name of a test");
    test->test = FindTest(test->name);
    if (!test->test && !conditional_) unknown_.push_back({"test", test->name, test->line});
    bool argument = At(Token::Type::kName) || At(Token::Type::kString) ||
                    At(Token::Type::kInteger) || At(Token::Type::kFloat) || AtSign("[") ||
                    AtSign("{");
    if (AtSign("(")) {
        test->arguments = ParseArguments();
    } else if (argument && !AtAnyName({"else", "or", "and"})) {
        if (AtName("is")) FailAt(current().line, "tests with 'is' do not chain");
        Nest nest(*this);
        test->arguments.positional.push_back(ParsePostfix(ParsePrimary()));
    }
    Raise(*test, test->value);
    Raise(*test, test->arguments);
    if (!negated) return test;
    auto negation = std::make_unique<UnaryExpr>(ExprKind::kNot, test->line);
    negation->operand = std::move(test);
    Raise(*negation, negation->operand);
    return negation;
}

}  // namespace lathe::chat
