#include "compute/constraint/grammar.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "compute/constraint/emitter.h"
#include "compute/constraint/expression_node.h"
#include "compute/constraint/nfa.h"

namespace lathe::constraint {
namespace {

// All automata of a grammar with their states numbered through.
struct Network {
    struct Call {
        uint32_t entry = 0;
        uint32_t next = 0;
    };
    size_t intervals = 0;
    std::vector<uint32_t> table;           // [state, interval]
    std::vector<std::vector<Call>> calls;  // [state]
    std::vector<uint8_t> final;            // [state]
    std::vector<uint32_t> rule_of;         // [state]
    std::vector<uint32_t> entries;         // [rule]
    size_t size() const { return final.size(); }
};

// Marks states from which a property spreads backwards: a final state has it, so has one
// with a byte that leads to such a state (unless `empty_only`), and one with a call whose entry
// and whose next state have it.
std::vector<bool> Backwards(const Network& network, bool empty_only) {
    size_t count = network.size();
    std::vector<std::vector<uint32_t>> before(count);
    for (uint32_t state = 0; state < count; ++state) {
        uint32_t previous = kNoState;
        for (size_t i = 0; !empty_only && i < network.intervals; ++i) {
            uint32_t to = network.table[state * network.intervals + i];
            if (to != kNoState && to != previous) before[to].push_back(state);
            previous = to;
        }
        for (auto [entry, next] : network.calls[state]) {
            before[entry].push_back(state);
            before[next].push_back(state);
        }
    }
    std::vector<bool> has(count, false);
    std::vector<uint32_t> open;
    for (uint32_t state = 0; state < count; ++state)
        if (network.final[state]) open.push_back(state);
    for (uint32_t state : open) has[state] = true;
    auto follows = [&](uint32_t state) {
        if (!empty_only)
            for (size_t i = 0; i < network.intervals; ++i) {
                uint32_t to = network.table[state * network.intervals + i];
                if (to != kNoState && has[to]) return true;
            }
        return std::ranges::any_of(network.calls[state], [&](Network::Call call) {
            return has[call.entry] && has[call.next];
        });
    };
    while (!open.empty()) {
        uint32_t state = open.back();
        open.pop_back();
        for (uint32_t previous : before[state]) {
            if (has[previous] || !follows(previous)) continue;
            has[previous] = true;
            open.push_back(previous);
        }
    }
    return has;
}

}  // namespace

class GrammarBuilder {
public:
    Result<GrammarPtr> Build(const Expression& expression) {
        LATHE_TRY(Network network, BuildNetwork(expression));
        LATHE_RETURN_IF_ERROR(Trim(network));
        LATHE_RETURN_IF_ERROR(CheckLeftRecursion(network));
        return Assemble(network);
    }

private:
    Result<Network> BuildNetwork(const Expression& expression);
    Status Trim(Network& network);
    Status CheckLeftRecursion(const Network& network) const;
    Result<GrammarPtr> Assemble(const Network& network) const;

    Rule root_{"the grammar", std::nullopt};
    Budget budget_;
    RuleNumbers numbers_;
    ByteIntervals intervals_;
};

Result<Network> GrammarBuilder::BuildNetwork(const Expression& expression) {
    struct Fragment {
        Nfa nfa;
        uint32_t start = 0;
        uint32_t end = 0;
    };
    root_.body = expression;
    numbers_.Of(&root_);
    std::vector<std::unique_ptr<Fragment>> fragments;
    std::vector<Nfa::Edge> edges;
    size_t states = 0;
    for (size_t i = 0; i < numbers_.size(); ++i) {
        auto& fragment = *fragments.emplace_back(std::make_unique<Fragment>());
        fragment.start = fragment.nfa.AddState();
        fragment.end = fragment.nfa.AddState();
        Emitter emitter(fragment.nfa, &numbers_, budget_);
        Expression body = *numbers_[i].body;
        LATHE_RETURN_IF_ERROR(emitter.Emit(body, fragment.start, fragment.end));
        states += fragment.nfa.size();
        if (fragment.nfa.full() || states > Nfa::kStatesMax) return TooLarge();
        edges.insert(edges.end(), fragment.nfa.edges().begin(), fragment.nfa.edges().end());
    }
    intervals_ = IntervalsOf(edges);
    Network network;
    network.intervals = intervals_.count();
    for (const auto& fragment : fragments) {
        LATHE_TRY(Dfa dfa,
                  Determinize(fragment->nfa, fragment->start, fragment->end, intervals_, budget_));
        auto offset = static_cast<uint32_t>(network.size());
        network.entries.push_back(offset);
        for (uint32_t to : dfa.table)
            network.table.push_back(to == kNoState ? kNoState : to + offset);
        network.final.insert(network.final.end(), dfa.final.begin(), dfa.final.end());
        network.rule_of.resize(network.size(), static_cast<uint32_t>(network.entries.size() - 1));
        for (const auto& calls : dfa.calls) {
            auto& out = network.calls.emplace_back();
            for (Dfa::Call call : calls) out.push_back({call.rule, call.to + offset});
        }
    }
    for (auto& calls : network.calls)  // until here `entry` was the rule
        for (auto& call : calls) call.entry = network.entries[call.entry];
    return network;
}

// Removes what leads to no end.
Status GrammarBuilder::Trim(Network& network) {
    std::vector<bool> alive = Backwards(network, /*empty_only=*/false);
    if (!alive[network.entries[0]])
        return InvalidArgument(
            "the grammar matches no text at all: its parts contradict each other");
    for (uint32_t& to : network.table)
        if (to != kNoState && !alive[to]) to = kNoState;
    for (auto& calls : network.calls)
        std::erase_if(calls,
                      [&](Network::Call call) { return !alive[call.entry] || !alive[call.next]; });
    return {};
}

// A rule that may begin with itself would call itself without end.
Status GrammarBuilder::CheckLeftRecursion(const Network& network) const {
    std::vector<bool> empty = Backwards(network, /*empty_only=*/true);
    size_t count = network.entries.size();
    std::vector<std::vector<uint32_t>> begins_with(count);
    std::vector<uint32_t> seen_by(network.size(), kNoState);
    for (uint32_t rule = 0; rule < count; ++rule) {
        std::vector<uint32_t> open = {network.entries[rule]};
        while (!open.empty()) {
            uint32_t state = open.back();
            open.pop_back();
            if (seen_by[state] == rule) continue;
            seen_by[state] = rule;
            for (auto [entry, next] : network.calls[state]) {
                begins_with[rule].push_back(network.rule_of[entry]);
                if (empty[entry]) open.push_back(next);
            }
        }
    }
    enum : uint8_t { kNew, kOpen, kDone };
    std::vector<uint8_t> mark(count, kNew);
    std::vector<std::pair<uint32_t, size_t>> path;
    for (uint32_t begin = 0; begin < count; ++begin) {
        if (mark[begin] == kNew) path.emplace_back(begin, 0);
        while (!path.empty()) {
            auto& [rule, next] = path.back();
            mark[rule] = kOpen;
            if (next == begins_with[rule].size()) {
                mark[rule] = kDone;
                path.pop_back();
                continue;
            }
            uint32_t called = begins_with[rule][next++];
            if (mark[called] == kOpen)
                return InvalidArgument(
                    "\"{}\" may begin with itself (left recursion); write it as a repetition, or "
                    "with the recursion at its end",
                    numbers_[called].name);
            if (mark[called] == kNew) path.emplace_back(called, 0);
        }
    }
    return {};
}

Result<GrammarPtr> GrammarBuilder::Assemble(const Network& network) const {
    // Numbers by reachability from the start.
    std::vector<uint32_t> numbers(network.size(), kNoState);
    std::vector<uint32_t> order;
    auto reach = [&](uint32_t state) {
        if (state == kNoState || numbers[state] != kNoState) return;
        numbers[state] = static_cast<uint32_t>(order.size());
        order.push_back(state);
    };
    reach(network.entries[0]);
    for (size_t i = 0; i < order.size(); ++i) {
        for (size_t k = 0; k < network.intervals; ++k)
            reach(network.table[order[i] * network.intervals + k]);
        for (auto [entry, next] : network.calls[order[i]]) {
            reach(entry);
            reach(next);
        }
    }
    // Intervals that no state tells apart become one class.
    std::vector<uint32_t> column(network.intervals, 0);
    size_t classes = 1;
    for (uint32_t state : order) {
        if (classes == network.intervals) break;
        std::map<std::pair<uint32_t, uint32_t>, uint32_t> split;
        for (size_t k = 0; k < network.intervals; ++k) {
            uint32_t to = network.table[state * network.intervals + k];
            auto number = static_cast<uint32_t>(split.size());
            column[k] = split.try_emplace({column[k], to}, number).first->second;
        }
        classes = split.size();
    }
    if (classes == network.intervals)
        for (uint32_t k = 0; k < network.intervals; ++k) column[k] = k;
    if (order.size() > Grammar::kStatesMax || order.size() * classes > Grammar::kTableEntriesMax)
        return TooLarge();

    auto grammar = std::shared_ptr<Grammar>(new Grammar());
    grammar->entry_ = numbers[network.entries[0]];
    grammar->class_count_ = classes;
    grammar->table_.assign(order.size() * classes, Grammar::kNoState);
    grammar->call_begins_.push_back(0);
    for (size_t i = 0; i < order.size(); ++i) {
        bool leads_on = false;
        for (size_t k = 0; k < network.intervals; ++k) {
            uint32_t to = network.table[order[i] * network.intervals + k];
            if (to == kNoState) continue;
            grammar->table_[i * classes + column[k]] = numbers[to];
            leads_on = true;
        }
        grammar->has_bytes_.push_back(leads_on);
        for (auto [entry, next] : network.calls[order[i]])
            grammar->calls_.push_back({numbers[entry], numbers[next]});
        grammar->call_begins_.push_back(static_cast<uint32_t>(grammar->calls_.size()));
        leads_on = leads_on || !network.calls[order[i]].empty();
        grammar->final_.push_back(!network.final[order[i]] ? 0 : leads_on ? 1 : 2);
    }
    for (size_t byte = 0; byte < 256; ++byte)
        grammar->classes_[byte] = static_cast<uint8_t>(column[intervals_.of[byte]]);
    return GrammarPtr(std::move(grammar));
}

size_t Grammar::bytes() const {
    return sizeof(Grammar) + table_.size() * sizeof(State) + calls_.size() * sizeof(Call) +
           call_begins_.size() * sizeof(uint32_t) + 2 * final_.size();
}

Result<GrammarPtr> Compile(const Expression& expression) {
    return GrammarBuilder().Build(expression);
}

}  // namespace lathe::constraint
