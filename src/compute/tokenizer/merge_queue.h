// The merging loop that all byte-pair encodings share.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "compute/tokenizer/subword.h"

namespace lathe::tokenizer {

struct MergeRule {
    uint32_t rank = 0;  // the lowest goes first
    TokenId id = -1;
};

// Merges neighbouring symbols in `workspace.symbols` (linked, in order, covering
// `piece`), always the pair of lowest rank and of those the leftmost, until no rule
// applies. What is left is linked from symbol 0.
//
// `find(left, right, text)`: the rule for two neighbours, whose joint text is `text`,
// or nullopt. It must not change between calls.
//
// Time O(n log n) calls and heap steps.
template <typename FindRule>
void MergeSymbols(std::string_view piece, Workspace& workspace, const FindRule& find) {
    auto& symbols = workspace.symbols;
    auto& heap = workspace.merges;
    auto later = [](const Workspace::Merge& a, const Workspace::Merge& b) {
        return a.rank != b.rank ? a.rank > b.rank : a.symbol > b.symbol;
    };
    auto end_of = [&](const Workspace::Symbol& symbol) {
        return symbol.next < 0 ? static_cast<uint32_t>(piece.size())
                               : symbols[static_cast<size_t>(symbol.next)].begin;
    };
    auto propose = [&](int32_t left) {
        if (left < 0) return false;
        const auto& first = symbols[static_cast<size_t>(left)];
        if (first.next < 0) return false;
        const auto& second = symbols[static_cast<size_t>(first.next)];
        uint32_t end = end_of(second);
        std::optional<MergeRule> rule =
            find(first.id, second.id, piece.substr(first.begin, end - first.begin));
        if (rule) heap.push_back({rule->rank, static_cast<uint32_t>(left), end, rule->id});
        return rule.has_value();
    };
    heap.clear();
    for (size_t i = 0; i + 1 < symbols.size(); ++i) propose(static_cast<int32_t>(i));
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty()) {
        Workspace::Merge merge = heap.front();
        std::pop_heap(heap.begin(), heap.end(), later);
        heap.pop_back();
        auto& left = symbols[merge.symbol];
        // Borders between symbols only ever vanish, so a pair is the one that was
        // proposed if and only if both symbols live and it ends where it did.
        if (left.begin == UINT32_MAX || left.next < 0) continue;
        auto& right = symbols[static_cast<size_t>(left.next)];
        if (end_of(right) != merge.end) continue;
        left.id = merge.id;
        left.next = right.next;
        right.begin = UINT32_MAX;
        auto self = static_cast<int32_t>(merge.symbol);
        if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = self;
        if (propose(left.previous)) std::push_heap(heap.begin(), heap.end(), later);
        if (propose(self)) std::push_heap(heap.begin(), heap.end(), later);
    }
}

}  // namespace lathe::tokenizer
