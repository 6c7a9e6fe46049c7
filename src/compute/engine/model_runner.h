#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::engine {

using tokenizer::TokenId;

// Tokens of one sequence to run in this step, a ragged row of the batch.
struct SequenceSlice {
    std::span<const TokenId> tokens;      // consecutive
    int32_t position = 0;                 // of tokens[0]; everything before it is in the pages
    std::span<const uint32_t> pages;      // page table: enough for position + tokens.size()
    // Which tokens' logits are wanted: the last one, all, or none (an earlier chunk of a prompt).
    enum class Logits : uint8_t { kNone, kLast, kAll } logits = Logits::kLast;
};

// Receives one row of logits [vocab_size], valid during the call. `slice` and
// `token` say whose. Called concurrently from several threads, once per row.
using LogitsVisitor = std::function<void(size_t slice, size_t token, std::span<const float> logits)>;

// Runs a model over a batch. The real one is model::Runner behind an adapter in
// engine/; simulations use a fake one.
// Engine thread only.
class ModelRunner {
public:
    virtual ~ModelRunner() = default;

    virtual int32_t vocab_size() const = 0;
    virtual int32_t context_length() const = 0;
    virtual int32_t page_count() const = 0;    // pages of the KV cache
    virtual int32_t page_tokens() const = 0;   // tokens of a page
    virtual int32_t batch_tokens_max() const = 0;

    // One step: writes keys and values of all tokens into their pages, calls `visit`
    // for every wanted row. Results of a slice do not depend on the other slices nor
    // on how its tokens were cut into steps.
    virtual void Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit) = 0;
};

}  // namespace lathe::engine
