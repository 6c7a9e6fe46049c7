// The unit of work of a model: a ragged batch of token rows.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace lathe::model {

using TokenId = int32_t;

// Consecutive tokens of one sequence to run in one step.
struct SequenceSlice {
    std::span<const TokenId> tokens;
    int32_t position = 0;             // of tokens[0]; everything before it is in the pages
    std::span<const uint32_t> pages;  // page table: enough for position + tokens.size()
    // Which tokens' logits are wanted: the last one, all, or none (an earlier chunk of a prompt).
    enum class Logits : uint8_t { kNone, kLast, kAll } logits = Logits::kLast;
};

// Receives one row of logits [vocab_size], valid during the call. `slice` and
// `token` say whose. Called concurrently from several threads, once per row.
using LogitsVisitor = std::function<void(size_t slice, size_t token, std::span<const float> logits)>;

}  // namespace lathe::model
