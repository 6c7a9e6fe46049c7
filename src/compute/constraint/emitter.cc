#include "compute/constraint/emitter.h"

namespace lathe::constraint {
namespace {

constexpr size_t kDepthMax = 1000;

}  // namespace

uint32_t RuleNumbers::Of(const Rule* rule) {
    if (auto found = numbers_.find(rule); found != numbers_.end()) return found->second;
    if (rules_.size() == kRulesMax) return kNoRule;
    rules_.push_back(rule);
    return numbers_[rule] = static_cast<uint32_t>(rules_.size() - 1);
}

Status Emitter::Emit(const Expression& expression, uint32_t from, uint32_t to) {
    if (nfa_.full()) return TooLarge();
    if (depth_ == kDepthMax)
        return InvalidArgument(
            "the grammar is nested deeper than {} levels, or is recursive where it must not be",
            kDepthMax);
    ++depth_;
    Status status = EmitNode(expression.node(), from, to);
    --depth_;
    return status;
}

Status Emitter::EmitNode(const Node& node, uint32_t from, uint32_t to) {
    switch (node.kind) {
        case Node::Kind::kNothing:
            return {};
        case Node::Kind::kLiteral: {
            if (node.text.empty()) nfa_.AddEmpty(from, to);
            for (size_t i = 0; i < node.text.size(); ++i) {
                auto byte = static_cast<uint8_t>(node.text[i]);
                uint32_t next = i + 1 == node.text.size() ? to : nfa_.AddState();
                nfa_.AddBytes(from, byte, byte, next);
                from = next;
            }
            return {};
        }
        case Node::Kind::kClass:
            nfa_.AddClass(from, node.ranges, to);
            return {};
        case Node::Kind::kSequence:
            return EmitSequence(node, from, to);
        case Node::Kind::kEither:
            for (const Expression& part : node.parts) LATHE_RETURN_IF_ERROR(Emit(part, from, to));
            return {};
        case Node::Kind::kRepeat:
            return EmitRepeat(node, from, to);
        case Node::Kind::kList:
            return EmitList(node, from, to);
        case Node::Kind::kBoth:
        case Node::Kind::kExcept:
            return EmitProduct(node, from, to);
        case Node::Kind::kRule:
            return EmitRule(*node.rule, from, to);
        case Node::Kind::kScope:
            return Emit(node.parts[0], from, to);
    }
    return {};
}

Status Emitter::EmitSequence(const Node& node, uint32_t from, uint32_t to) {
    if (node.parts.empty()) nfa_.AddEmpty(from, to);
    for (size_t i = 0; i < node.parts.size(); ++i) {
        uint32_t next = i + 1 == node.parts.size() ? to : nfa_.AddState();
        LATHE_RETURN_IF_ERROR(Emit(node.parts[i], from, next));
        from = next;
    }
    return {};
}

Status Emitter::EmitRepeat(const Node& node, uint32_t from, uint32_t to) {
    const Expression& part = node.parts[0];
    for (uint32_t i = 0; i < node.min; ++i) {
        uint32_t next = nfa_.AddState();
        LATHE_RETURN_IF_ERROR(Emit(part, from, next));
        from = next;
    }
    if (!node.max) {
        uint32_t loop = nfa_.AddState();
        nfa_.AddEmpty(from, loop);
        nfa_.AddEmpty(loop, to);
        return Emit(part, loop, loop);
    }
    nfa_.AddEmpty(from, to);
    for (uint32_t i = node.min; i < *node.max; ++i) {
        uint32_t next = nfa_.AddState();
        LATHE_RETURN_IF_ERROR(Emit(part, from, next));
        nfa_.AddEmpty(next, to);
        from = next;
    }
    return {};
}

// Two tracks: on `first` no item has come yet, on `after` one has, and the next one needs
// the separator. Each item stands there once, whatever came before it.
Status Emitter::EmitList(const Node& node, uint32_t from, uint32_t to) {
    uint32_t first = nfa_.AddState();
    uint32_t after = nfa_.AddState();
    nfa_.AddEmpty(from, first);
    for (const ListItem& item : node.items) {
        uint32_t begin = nfa_.AddState();
        uint32_t end = nfa_.AddState();
        uint32_t next_first = nfa_.AddState();
        uint32_t next_after = nfa_.AddState();
        nfa_.AddEmpty(first, begin);
        LATHE_RETURN_IF_ERROR(Emit(node.parts[0], after, begin));
        LATHE_RETURN_IF_ERROR(Emit(item.expression, begin, end));
        nfa_.AddEmpty(end, next_after);
        if (item.repeats) LATHE_RETURN_IF_ERROR(Emit(node.parts[0], end, begin));
        if (!item.required) {
            nfa_.AddEmpty(first, next_first);
            nfa_.AddEmpty(after, next_after);
        }
        first = next_first;
        after = next_after;
    }
    if (node.min == 0) nfa_.AddEmpty(first, to);
    nfa_.AddEmpty(after, to);
    return {};
}

Status Emitter::EmitProduct(const Node& node, uint32_t from, uint32_t to) {
    Nfa parts;
    uint32_t begin[2];
    uint32_t end[2];
    Emitter inner(parts, nullptr, budget_);
    inner.depth_ = depth_;
    for (size_t i = 0; i < 2; ++i) {
        begin[i] = parts.AddState();
        end[i] = parts.AddState();
        LATHE_RETURN_IF_ERROR(inner.Emit(node.parts[i], begin[i], end[i]));
    }
    if (parts.full()) return TooLarge();
    ByteIntervals intervals = IntervalsOf(parts.edges());
    LATHE_TRY(Dfa a, Determinize(parts, begin[0], end[0], intervals, budget_));
    LATHE_TRY(Dfa b, Determinize(parts, begin[1], end[1], intervals, budget_));
    LATHE_TRY(Dfa both, Product(a, b, node.kind == Node::Kind::kExcept, budget_));

    std::vector<uint32_t> states(both.size());
    for (uint32_t& state : states) state = nfa_.AddState();
    nfa_.AddEmpty(from, states[0]);
    for (size_t state = 0; state < both.size(); ++state) {
        if (both.final[state]) nfa_.AddEmpty(states[state], to);
        for (size_t i = 0; i < intervals.count(); ++i) {
            uint32_t next = both.table[state * intervals.count() + i];
            if (next == kNoState) continue;
            auto last = i + 1 < intervals.count() ? intervals.first[i + 1] - 1 : 255;
            nfa_.AddBytes(states[state], intervals.first[i], static_cast<uint8_t>(last),
                          states[next]);
        }
    }
    return {};
}

Status Emitter::EmitRule(const Rule& rule, uint32_t from, uint32_t to) {
    if (rules_ == nullptr) return Emit(*rule.body, from, to);
    uint32_t number = rules_->Of(&rule);
    if (number == kNoRule)
        return InvalidArgument("the grammar has more than {} rules", RuleNumbers::kRulesMax);
    nfa_.AddCall(from, number, to);
    return {};
}

}  // namespace lathe::constraint
