#include "compute/constraint/expression.h"

#include <algorithm>
#include <utility>

#include "compute/constraint/expression_node.h"
#include "core/base/check.h"

namespace lathe::constraint {
namespace {

using Node = Expression::Node;

constexpr CodePointRange kSurrogates = {0xD800, 0xDFFF};

Expression Make(Node node) {
    return Expression(std::make_shared<const Node>(std::move(node)));
}

Expression MakeParts(Node::Kind kind, std::vector<Expression> parts) {
    Node node;
    node.kind = kind;
    node.parts = std::move(parts);
    return Make(std::move(node));
}

// Rising, apart from each other, without surrogates.
std::vector<CodePointRange> Normalized(std::vector<CodePointRange> ranges) {
    std::ranges::sort(ranges, {}, &CodePointRange::first);
    std::vector<CodePointRange> merged;
    for (CodePointRange range : ranges) {
        range.last = std::min(range.last, kCodePointMax);
        if (range.first > range.last) continue;
        if (!merged.empty() && range.first <= merged.back().last + 1)
            merged.back().last = std::max(merged.back().last, range.last);
        else
            merged.push_back(range);
    }
    std::vector<CodePointRange> out;
    for (CodePointRange range : merged) {
        if (range.first < kSurrogates.first)
            out.push_back({range.first, std::min<char32_t>(range.last, kSurrogates.first - 1)});
        if (range.last > kSurrogates.last)
            out.push_back({std::max<char32_t>(range.first, kSurrogates.last + 1), range.last});
    }
    return out;
}

}  // namespace

Expression::Expression() : node_(std::make_shared<const Node>()) {}

Expression Literal(std::string_view text) {
    Node node;
    node.kind = Node::Kind::kLiteral;
    node.text = text;
    return Make(std::move(node));
}

Expression CharClass(std::vector<CodePointRange> ranges) {
    Node node;
    node.kind = Node::Kind::kClass;
    node.ranges = Normalized(std::move(ranges));
    if (node.ranges.empty()) return Nothing();
    return Make(std::move(node));
}

std::vector<CodePointRange> Complement(std::span<const CodePointRange> ranges) {
    std::vector<CodePointRange> out;
    char32_t next = 0;
    for (CodePointRange range : Normalized({ranges.begin(), ranges.end()})) {
        if (range.first > next) out.push_back({next, range.first - 1});
        next = range.last + 1;
    }
    if (next <= kCodePointMax) out.push_back({next, kCodePointMax});
    return Normalized(std::move(out));
}

Expression Sequence(std::vector<Expression> parts) {
    if (parts.size() == 1) return std::move(parts[0]);
    return MakeParts(Node::Kind::kSequence, std::move(parts));
}

Expression Either(std::vector<Expression> parts) {
    if (parts.empty()) return Nothing();
    if (parts.size() == 1) return std::move(parts[0]);
    return MakeParts(Node::Kind::kEither, std::move(parts));
}

Expression Repeat(Expression part, uint32_t min, std::optional<uint32_t> max) {
    LATHE_CHECK(!max || min <= *max);
    Node node;
    node.kind = Node::Kind::kRepeat;
    node.parts = {std::move(part)};
    node.min = min;
    node.max = max;
    return Make(std::move(node));
}

Expression Optional(Expression part) {
    return Repeat(std::move(part), 0, 1);
}

Expression List(std::vector<ListItem> items, Expression separator, ListSize size) {
    Node node;
    node.kind = Node::Kind::kList;
    node.items = std::move(items);
    node.parts = {std::move(separator)};
    node.min = size == ListSize::kNotEmpty ? 1 : 0;
    return Make(std::move(node));
}

Expression Both(Expression a, Expression b) {
    return MakeParts(Node::Kind::kBoth, {std::move(a), std::move(b)});
}

Expression Except(Expression a, Expression b) {
    return MakeParts(Node::Kind::kExcept, {std::move(a), std::move(b)});
}

Expression Nothing() {
    Node node;
    node.kind = Node::Kind::kNothing;
    return Make(std::move(node));
}

struct RuleSet::Rules {
    std::vector<std::unique_ptr<Rule>> rules;
};

RuleSet::RuleSet() : rules_(std::make_shared<Rules>()) {}
RuleSet::RuleSet(RuleSet&&) noexcept = default;
RuleSet& RuleSet::operator=(RuleSet&&) noexcept = default;
RuleSet::~RuleSet() = default;

RuleSet::Id RuleSet::Declare(std::string name) {
    rules_->rules.push_back(std::make_unique<Rule>(std::move(name), std::nullopt));
    return rules_->rules.size() - 1;
}

void RuleSet::Define(Id rule, Expression body) {
    LATHE_CHECK(rule < rules_->rules.size() && !rules_->rules[rule]->body);
    rules_->rules[rule]->body = std::move(body);
}

Expression RuleSet::Use(Id rule) const {
    LATHE_CHECK(rule < rules_->rules.size());
    Node node;
    node.kind = Node::Kind::kRule;
    node.rule = rules_->rules[rule].get();
    return Make(std::move(node));
}

Expression RuleSet::Close(Expression body) {
    for (const auto& rule : rules_->rules) LATHE_CHECK(rule->body.has_value());
    Node node;
    node.kind = Node::Kind::kScope;
    node.parts = {std::move(body)};
    node.rules = std::exchange(rules_, std::make_shared<Rules>());
    return Make(std::move(node));
}

Expression Within(const Expression& scope, Expression body) {
    LATHE_CHECK(scope.node().kind == Node::Kind::kScope);
    Node node;
    node.kind = Node::Kind::kScope;
    node.parts = {std::move(body)};
    node.rules = scope.node().rules;
    return Make(std::move(node));
}

Expression Shared(std::string name, Expression body) {
    RuleSet rules;
    RuleSet::Id rule = rules.Declare(std::move(name));
    rules.Define(rule, std::move(body));
    return rules.Close(rules.Use(rule));
}

}  // namespace lathe::constraint
