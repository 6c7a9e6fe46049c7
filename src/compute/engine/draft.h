#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "compute/tokenizer/tokenizer.h"

namespace lathe::engine {

using tokenizer::TokenId;

// Guesses how a text goes on: as it went on where its last tokens occurred before, in
// the prompt or in the text (prompt lookup decoding, Saxena 2023). The newest occurrence
// of the last three tokens counts, else that of the last two.
//
//   loop: Find(text) --> run the draft --> Observe(how much of it was right)
//
// Learns how far its guesses hold: a draft that was right makes the next one longer, a
// wrong one makes it shorter, and after some wrong ones in a row it rests for a while.
//
// Work of a call: constant per token that is new, whatever the text's length. Allocates
// only when it is made. One completion's own, not thread-safe.
class Drafter {
public:
    static constexpr size_t kDraftMax = 7;    // tokens of a draft
    static constexpr size_t kDraftFirst = 3;  // before anything was observed
    static constexpr size_t kGramMin = 2;     // tokens that have to occur again
    static constexpr size_t kGramMax = 3;
    static constexpr size_t kSlotsMax = 1 << 15;  // places remembered for each length
    static constexpr size_t kRestMin = 4;         // tokens to rest, doubled each time
    static constexpr size_t kRestMax = 64;

    // `length_max`: of prompt and text.
    explicit Drafter(size_t length_max);

    // Finds what may follow `text`, which goes on where the call before has left it. Empty
    // if nothing is known or it rests. Valid until the next call.
    std::span<const TokenId> Find(std::span<const TokenId> text);
    std::span<const TokenId> draft() const { return std::span(draft_).first(count_); }

    // Of a draft `tried` tokens were run and the first `accepted` were right. Requires: tried >= 1.
    void Observe(size_t tried, size_t accepted);

private:
    int32_t& SlotOf(std::span<const TokenId> gram);
    void Learn(std::span<const TokenId> text);
    size_t Recall(std::span<const TokenId> text);

    int shift_;                   // of a hash, so that a slot is left
    std::vector<int32_t> slots_;  // [kGramMax - kGramMin + 1][slots]: what came after, 0: unknown
    size_t learned_ = 1;          // tokens of the text that are in slots_ as what came after
    size_t limit_ = kDraftFirst;  // tokens of the next draft
    size_t rest_ = kRestMin;      // of the next rest
    size_t rests_until_ = 0;      // length of the text
    std::array<TokenId, kDraftMax> draft_{};
    size_t count_ = 0;
};

}  // namespace lathe::engine
