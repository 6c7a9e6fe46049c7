#include "compute/constraint/nfa.h"

#include <algorithm>
#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "core/base/check.h"

namespace lathe::constraint {
namespace {

// Where the UTF-8 form becomes longer.
constexpr char32_t kLengthEnds[] = {0x7F, 0x7FF, 0xFFFF, kCodePointMax};

size_t Utf8Length(char32_t value) {
    size_t length = 1;
    while (value > kLengthEnds[length - 1]) ++length;
    return length;
}

std::array<uint8_t, 4> Utf8(char32_t value, size_t length) {
    constexpr uint8_t kLead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    std::array<uint8_t, 4> bytes{};
    for (size_t i = length; i-- > 1;) {
        bytes[i] = static_cast<uint8_t>(0x80 | (value & 0x3F));
        value >>= 6;
    }
    bytes[0] = static_cast<uint8_t>(kLead[length] | value);
    return bytes;
}

using StateSet = std::vector<uint32_t>;

struct SetHash {
    size_t operator()(const StateSet& set) const {
        return boost::hash_range(set.begin(), set.end());
    }
};

// Subset construction.
class Subsets {
public:
    Subsets(const Nfa& nfa, uint32_t end, const ByteIntervals& intervals, Budget& budget)
        : nfa_(nfa), end_(end), intervals_(intervals), budget_(budget), mark_(nfa.size(), 0) {
        dfa_.intervals = intervals.count();
    }

    Result<Dfa> Build(uint32_t start) {
        if (Intern({start}) == kNoState) return TooLarge();
        std::vector<StateSet> moved(intervals_.count());
        std::map<uint32_t, StateSet> called;
        for (size_t state = 0; state < sets_.size(); ++state) {
            CollectMoves(*sets_[state], moved, called);
            for (size_t i = 0; i < moved.size(); ++i) {
                if (moved[i].empty()) continue;
                // Neighbouring intervals mostly lead to the same place.
                uint32_t to = i > 0 && moved[i] == moved[i - 1]
                                  ? dfa_.table[state * moved.size() + i - 1]
                                  : Intern(moved[i]);
                if (to == kNoState) return TooLarge();
                dfa_.table[state * moved.size() + i] = to;
            }
            for (auto& [rule, set] : called) {
                uint32_t to = Intern(std::move(set));
                if (to == kNoState) return TooLarge();
                dfa_.calls[state].push_back({rule, to});
            }
        }
        return std::move(dfa_);
    }

private:
    void CollectMoves(const StateSet& set, std::vector<StateSet>& moved,
                      std::map<uint32_t, StateSet>& called) {
        for (StateSet& one : moved) one.clear();
        called.clear();
        for (uint32_t state : set) {
            for (uint32_t e = nfa_.head(state); e != kNoState; e = nfa_.edge(e).next) {
                const Nfa::Edge& edge = nfa_.edge(e);
                if (edge.kind == Nfa::Edge::Kind::kCall) called[edge.rule].push_back(edge.to);
                if (edge.kind != Nfa::Edge::Kind::kBytes) continue;
                size_t last = intervals_.of[edge.last];
                for (size_t i = intervals_.of[edge.first]; i <= last; ++i)
                    moved[i].push_back(edge.to);
            }
        }
    }

    // The number of the closure of `from`; kNoState if the budget is used up.
    uint32_t Intern(StateSet from) {
        ++round_;
        StateSet closed;
        while (!from.empty()) {
            uint32_t state = from.back();
            from.pop_back();
            if (mark_[state] == round_) continue;
            mark_[state] = round_;
            bool keeps = state == end_;
            for (uint32_t e = nfa_.head(state); e != kNoState; e = nfa_.edge(e).next) {
                const Nfa::Edge& edge = nfa_.edge(e);
                if (edge.kind == Nfa::Edge::Kind::kEmpty)
                    from.push_back(edge.to);
                else
                    keeps = true;
            }
            if (keeps) closed.push_back(state);
        }
        std::ranges::sort(closed);
        if (!budget_.Spend(0, closed.size() + 1)) return kNoState;
        auto [place, added] = numbers_.try_emplace(std::move(closed), dfa_.size());
        if (!added) return place->second;
        if (!budget_.Spend(intervals_.count(), 0)) return kNoState;
        // A node of its own, because the map moves its keys.
        sets_.push_back(std::make_unique<StateSet>(place->first));
        dfa_.table.resize(dfa_.table.size() + intervals_.count(), kNoState);
        dfa_.calls.emplace_back();
        dfa_.final.push_back(mark_[end_] == round_);
        return place->second;
    }

    const Nfa& nfa_;
    const uint32_t end_;
    const ByteIntervals& intervals_;
    Budget& budget_;
    std::vector<uint32_t> mark_;  // [nfa state]: the round that saw it
    uint32_t round_ = 0;
    std::vector<std::unique_ptr<StateSet>> sets_;
    boost::unordered_flat_map<StateSet, uint32_t, SetHash> numbers_;
    Dfa dfa_;
};

}  // namespace

std::unexpected<Error> TooLarge() {
    return InvalidArgument(
        "the grammar is too large: it would need too many states; use smaller repetition "
        "counts and lengths, fewer alternatives, or fewer properties");
}

bool Budget::Spend(size_t state_entries, size_t members) {
    constexpr size_t kStatesMax = size_t{1} << 16;
    constexpr size_t kTableEntriesMax = size_t{1} << 23;
    constexpr size_t kSetMembersMax = size_t{1} << 23;
    states += state_entries > 0;
    table_entries += state_entries;
    set_members += members;
    return states <= kStatesMax && table_entries <= kTableEntriesMax &&
           set_members <= kSetMembersMax;
}

uint32_t Nfa::AddState() {
    if (heads_.size() >= kStatesMax) {
        full_ = true;
        return static_cast<uint32_t>(heads_.size() - 1);  // whatever is built is thrown away
    }
    heads_.push_back(kNoState);
    return static_cast<uint32_t>(heads_.size() - 1);
}

void Nfa::Add(uint32_t from, Edge edge) {
    if (full_) return;
    if (edges_.size() >= 4 * kStatesMax) {
        full_ = true;
        return;
    }
    edge.next = heads_[from];
    heads_[from] = static_cast<uint32_t>(edges_.size());
    edges_.push_back(edge);
}

void Nfa::AddClass(uint32_t from, std::span<const CodePointRange> ranges, uint32_t to) {
    std::map<std::array<uint32_t, 3>, uint32_t> suffixes;
    for (CodePointRange range : ranges) {
        char32_t first = range.first;
        while (first <= range.last) {
            char32_t last = std::min(range.last, kLengthEnds[Utf8Length(first) - 1]);
            AddUtf8(from, first, last, to, suffixes);
            first = last + 1;
        }
    }
}

// Code points of one length. Cuts the range where a continuation byte does not run over
// all its values, until each part is a product of byte ranges. `suffixes` shares what
// several parts end with.
void Nfa::AddUtf8(uint32_t from, char32_t first, char32_t last, uint32_t to,
                  std::map<std::array<uint32_t, 3>, uint32_t>& suffixes) {
    size_t length = Utf8Length(first);
    for (size_t i = length - 1; i > 0; --i) {
        char32_t mask = (char32_t{1} << (6 * i)) - 1;
        if ((first & ~mask) == (last & ~mask)) continue;
        if ((first & mask) != 0) {
            AddUtf8(from, first, first | mask, to, suffixes);
            return AddUtf8(from, (first | mask) + 1, last, to, suffixes);
        }
        if ((last & mask) != mask) {
            AddUtf8(from, first, (last & ~mask) - 1, to, suffixes);
            return AddUtf8(from, last & ~mask, last, to, suffixes);
        }
    }
    auto low = Utf8(first, length);
    auto high = Utf8(last, length);
    uint32_t next = to;
    for (size_t i = length - 1; i > 0; --i) {
        auto [place, added] = suffixes.try_emplace({next, low[i], high[i]}, 0);
        if (added) {
            place->second = AddState();
            AddBytes(place->second, low[i], high[i], next);
        }
        next = place->second;
    }
    AddBytes(from, low[0], high[0], next);
}

ByteIntervals IntervalsOf(std::span<const Nfa::Edge> edges) {
    std::array<bool, 257> begins{};
    begins[0] = true;
    for (const Nfa::Edge& edge : edges) {
        if (edge.kind != Nfa::Edge::Kind::kBytes) continue;
        begins[edge.first] = true;
        begins[size_t{edge.last} + 1] = true;
    }
    ByteIntervals intervals;
    for (size_t byte = 0; byte < 256; ++byte) {
        if (begins[byte]) intervals.first.push_back(static_cast<uint8_t>(byte));
        intervals.of[byte] = static_cast<uint8_t>(intervals.first.size() - 1);
    }
    return intervals;
}

Result<Dfa> Determinize(const Nfa& nfa, uint32_t start, uint32_t end,
                        const ByteIntervals& intervals, Budget& budget) {
    return Subsets(nfa, end, intervals, budget).Build(start);
}

Result<Dfa> Product(const Dfa& a, const Dfa& b, bool exclude, Budget& budget) {
    LATHE_CHECK(a.intervals == b.intervals);
    Dfa out;
    out.intervals = a.intervals;
    boost::unordered_flat_map<uint64_t, uint32_t> numbers;
    std::vector<std::pair<uint32_t, uint32_t>> pairs;  // b's is kNoState where it has failed
    auto intern = [&](uint32_t in_a, uint32_t in_b) {
        auto [place, added] =
            numbers.try_emplace((uint64_t{in_a} << 32) | in_b, static_cast<uint32_t>(pairs.size()));
        if (added) {
            pairs.emplace_back(in_a, in_b);
            out.table.resize(out.table.size() + out.intervals, kNoState);
            out.calls.emplace_back();
            bool in_both = in_b != kNoState && b.final[in_b];
            out.final.push_back(a.final[in_a] && in_both != exclude);
        }
        return place->second;
    };
    intern(0, 0);
    for (size_t state = 0; state < pairs.size(); ++state) {
        if (!budget.Spend(out.intervals, 1)) return TooLarge();
        auto [in_a, in_b] = pairs[state];
        for (size_t i = 0; i < out.intervals; ++i) {
            uint32_t next_a = a.table[in_a * out.intervals + i];
            uint32_t next_b = in_b == kNoState ? kNoState : b.table[in_b * out.intervals + i];
            if (next_a == kNoState || (next_b == kNoState && !exclude)) continue;
            uint32_t to = intern(next_a, next_b);
            out.table[state * out.intervals + i] = to;
        }
    }
    return out;
}

}  // namespace lathe::constraint
