#pragma once

#include <vector>

#include "compute/constraint/expression_node.h"
#include "compute/constraint/nfa.h"
#include "core/base/result.h"

namespace lathe::constraint {

// Numbers the rules of a grammar in the order in which they are met.
class RuleNumbers {
public:
    static constexpr size_t kRulesMax = 4096;

    // kNoRule if there are too many.
    uint32_t Of(const Rule* rule);
    const Rule& operator[](size_t number) const { return *rules_[number]; }
    size_t size() const { return rules_.size(); }

private:
    std::vector<const Rule*> rules_;
    std::map<const Rule*, uint32_t> numbers_;
};

// Writes expressions into an Nfa as fragments between two states. A fragment leads
// nothing into its first state and nothing out of its last one, so fragments may share them.
class Emitter {
public:
    // Without `rules`, uses of rules are written in place.
    Emitter(Nfa& nfa, RuleNumbers* rules, Budget& budget)
        : nfa_(nfa), rules_(rules), budget_(budget) {}

    // Errors: too large, too deep.
    Status Emit(const Expression& expression, uint32_t from, uint32_t to);

private:
    using Node = Expression::Node;

    Status EmitNode(const Node& node, uint32_t from, uint32_t to);
    Status EmitSequence(const Node& node, uint32_t from, uint32_t to);
    Status EmitRepeat(const Node& node, uint32_t from, uint32_t to);
    Status EmitList(const Node& node, uint32_t from, uint32_t to);
    Status EmitProduct(const Node& node, uint32_t from, uint32_t to);
    Status EmitRule(const Rule& rule, uint32_t from, uint32_t to);

    Nfa& nfa_;
    RuleNumbers* rules_;
    Budget& budget_;
    size_t depth_ = 0;
};

}  // namespace lathe::constraint
