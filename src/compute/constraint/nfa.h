// Finite automata over bytes and calls of rules, as Compile needs them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "compute/constraint/expression.h"
#include "core/base/result.h"

namespace lathe::constraint {

struct Rule;

inline constexpr uint32_t kNoRule = UINT32_MAX;
inline constexpr uint32_t kNoState = UINT32_MAX;

// Bytes 0..255 cut into intervals inside which no edge tells bytes apart.
struct ByteIntervals {
    std::array<uint8_t, 256> of{};  // [byte]
    std::vector<uint8_t> first;     // [interval]: its first byte
    size_t count() const { return first.size(); }
};

// Nondeterministic automata in one arena; a fragment of it is a pair of states.
class Nfa {
public:
    static constexpr size_t kStatesMax = size_t{1} << 18;

    struct Edge {
        enum class Kind : uint8_t { kEmpty, kBytes, kCall };
        uint32_t to = 0;
        uint32_t next = kNoState;  // of the same state
        uint32_t rule = kNoRule;
        Kind kind = Kind::kEmpty;
        uint8_t first = 0;  // bytes from, to
        uint8_t last = 0;
    };

    // kNoState when kStatesMax is reached; then `full` stays true.
    uint32_t AddState();
    bool full() const { return full_; }
    size_t size() const { return heads_.size(); }

    void AddEmpty(uint32_t from, uint32_t to) { Add(from, {.to = to}); }
    void AddBytes(uint32_t from, uint8_t first, uint8_t last, uint32_t to) {
        Add(from, {.to = to, .kind = Edge::Kind::kBytes, .first = first, .last = last});
    }
    void AddCall(uint32_t from, uint32_t rule, uint32_t to) {
        Add(from, {.to = to, .rule = rule, .kind = Edge::Kind::kCall});
    }
    // One code point of `ranges` (normalized) as UTF-8.
    void AddClass(uint32_t from, std::span<const CodePointRange> ranges, uint32_t to);

    uint32_t head(uint32_t state) const { return heads_[state]; }
    const Edge& edge(uint32_t index) const { return edges_[index]; }
    std::span<const Edge> edges() const { return edges_; }

private:
    void Add(uint32_t from, Edge edge);
    void AddUtf8(uint32_t from, char32_t first, char32_t last, uint32_t to,
                 std::map<std::array<uint32_t, 3>, uint32_t>& suffixes);

    std::vector<uint32_t> heads_;  // [state]: its first edge
    std::vector<Edge> edges_;
    bool full_ = false;
};

ByteIntervals IntervalsOf(std::span<const Nfa::Edge> edges);

// A deterministic automaton; state 0 is the start.
struct Dfa {
    struct Call {
        uint32_t rule = 0;
        uint32_t to = 0;
    };
    size_t intervals = 0;
    std::vector<uint32_t> table;           // [state, interval], kNoState: none
    std::vector<std::vector<Call>> calls;  // [state]
    std::vector<uint8_t> final;            // [state]
    size_t size() const { return final.size(); }
};

// What bounds the work of one Compile, over all its automata.
struct Budget {
    size_t states = 0;
    size_t table_entries = 0;
    size_t set_members = 0;
    // False when it is used up.
    bool Spend(size_t state_entries, size_t members);
};

Result<Dfa> Determinize(const Nfa& nfa, uint32_t start, uint32_t end,
                        const ByteIntervals& intervals, Budget& budget);

// Texts of `a` that are also (or with `exclude` are not) texts of `b`. Requires: no calls,
// the same intervals.
Result<Dfa> Product(const Dfa& a, const Dfa& b, bool exclude, Budget& budget);

std::unexpected<Error> TooLarge();

}  // namespace lathe::constraint
