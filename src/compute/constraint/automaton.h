#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/constraint/grammar.h"
#include "compute/constraint/token_trie.h"
#include "core/base/result.h"

namespace lathe::constraint {

// The tokens with which a text may go on; bit n of word n / 64 is token n.
struct Mask {
    std::vector<uint64_t> bits;
    size_t count = 0;
};
using MaskPtr = std::shared_ptr<const Mask>;

struct AutomatonOptions {
    size_t bytes_max = size_t{64} << 20;  // of everything that is kept to be fast
};

// A grammar over a vocabulary: where texts stand in the grammar, and which tokens may
// follow there. Shared by all texts under the same grammar; what one computes the others
// find.
//
// A text stands in a set of stacks: grammar states, each with the states to which the
// rules around it will return. Stacks and sets are numbered as they are met, and the steps
// from set to set by a byte are remembered, so that in the end a set behaves as a state of a
// deterministic automaton. The mask of a set is the union over its stacks. What a
// grammar state allows without leaving its rule is the same on every stack and is
// computed once (Base); only tokens that go beyond the end of the rule are looked at per stack.
//
// When more than bytes_max is kept, everything is forgotten; positions of before are
// found again by their texts.
//
// Thread-safe.
class Automaton {
public:
    // The most stacks at one place of a text: more only in grammars that are ambiguous
    // without end.
    static constexpr size_t kStacksMax = 1024;
    // The most work on one mask, in stacks looked at (16 nodes of the trie count as one).
    static constexpr size_t kWorkMax = size_t{1} << 23;

    // Where a text stands. Belongs to one text and to one thread at a time.
    struct Position {
        uint32_t set = 0;
        uint64_t epoch = 0;     // 0: nowhere yet
        bool complete = false;  // the text may end here
        bool finished = false;  // ... and must
    };

    // `trie` outlives it.
    Automaton(GrammarPtr grammar, const TokenTrie& trie, const AutomatonOptions& options = {});

    // The position of the empty text.
    Position Start();

    // Goes on by `bytes`. `text` is everything before them. False if the grammar does not
    // allow that; the position is then of no use. Error (kInvalidArgument): the grammar is
    // too ambiguous.
    Result<bool> Advance(Position& position, std::string_view text, std::string_view bytes);

    // Tokens that may follow `text`, which stands at `position`. Errors as of Advance.
    Result<MaskPtr> Allowed(Position& position, std::string_view text);

    // The same only if it is known already.
    MaskPtr TryAllowed(const Position& position);

    const GrammarPtr& grammar() const { return grammar_; }
    // What is kept now.
    size_t bytes();

private:
    using StackId = uint32_t;
    using SetId = uint32_t;
    // Bottoms of stacks: of the text, and of what is looked at without the stack below.
    static constexpr StackId kEnd = 0;
    static constexpr StackId kOpen = 1;
    static constexpr SetId kDead = 0;
    static constexpr SetId kUnknown = UINT32_MAX;

    struct Stack {
        Grammar::State state = 0;
        StackId below = 0;
    };
    // What a grammar state allows without what is below it on the stack.
    struct Base {
        std::vector<uint64_t> bits;
        std::vector<uint32_t> escapes;  // trie nodes at which the rule may end
        bool too_many = false;          // escapes to keep: walk per stack instead
    };
    struct Set {
        uint32_t begin = 0;  // stacks in set_stacks_, rising
        uint32_t count = 0;
        enum class Loop : uint8_t { kUnknown, kYes, kNo };
        Loop plain_loop = Loop::kUnknown;
        MaskPtr mask;
    };

    void Reset();
    bool Restore(Position& position, std::string_view text);
    void Describe(Position& position) const;
    std::span<const StackId> StacksOf(SetId set) const {
        return std::span(set_stacks_).subspan(sets_[set].begin, sets_[set].count);
    }
    bool Has(SetId set, StackId bottom) const;
    StackId InternStack(Grammar::State state, StackId below);
    SetId InternSet(std::vector<StackId> stacks);
    SetId CloseSet(std::span<const StackId> stacks);
    SetId Next(SetId set, uint8_t byte);
    SetId ComputeNext(SetId set, uint8_t byte_class);
    bool IsPlainLoop(SetId set);
    bool ComputePlainLoop(SetId set);
    MaskPtr ComputeMask(SetId set);
    std::shared_ptr<const Base> BaseOf(Grammar::State state);
    void Walk(SetId from, uint32_t begin, uint32_t end, std::vector<uint64_t>& bits, Base* record);
    void AddEscapes(const Base& base, StackId below, std::vector<uint64_t>& bits);
    Error Exploded() const;

    const GrammarPtr grammar_;
    const TokenTrie& trie_;
    const AutomatonOptions options_;

    std::mutex mutex_;  // guards all below
    uint64_t epoch_ = 0;
    size_t bytes_ = 0;
    size_t work_ = 0;
    bool exploded_ = false;  // in the current call
    std::vector<Stack> stacks_;
    boost::unordered_flat_map<uint64_t, StackId> stack_ids_;
    std::vector<Set> sets_;
    std::vector<StackId> set_stacks_;
    std::vector<SetId> next_;                                          // [set, byte class]
    boost::unordered_flat_map<uint64_t, std::vector<SetId>> set_ids_;  // by hash
    boost::unordered_flat_map<Grammar::State, std::shared_ptr<const Base>> bases_;
    std::vector<StackId> open_;  // of CloseSet
    std::vector<StackId> closed_;
    std::vector<SetId> path_;  // of Walk
};

// One text as it grows under a grammar. One thread at a time.
class Matcher {
public:
    explicit Matcher(std::shared_ptr<Automaton> automaton);

    // Tokens that may follow. Errors of Automaton::Allowed.
    Result<MaskPtr> Allowed();
    // Null if it would have to be computed.
    MaskPtr TryAllowed() { return mask_ ? mask_ : mask_ = automaton_->TryAllowed(position_); }

    // The text goes on. False if the grammar does not allow it.
    Result<bool> Accept(std::string_view bytes);

    // The text may end here; nothing may follow it.
    bool complete() const { return position_.complete; }
    bool finished() const { return position_.finished; }
    const std::string& text() const { return text_; }

private:
    std::shared_ptr<Automaton> automaton_;
    Automaton::Position position_;
    std::string text_;
    MaskPtr mask_;  // at this position, once it is known
};

}  // namespace lathe::constraint
