#pragma once

#include <cstdint>
#include <span>

#include "compute/model/batch.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::engine {

using tokenizer::TokenId;

using model::LogitsRow;
using model::LogitsVisitor;
using model::SequenceSlice;

// Runs a model over a batch. The real one is model::Runner behind an adapter in
// engine/; simulations use a fake one.
// Engine thread only.
class ModelRunner {
public:
    virtual ~ModelRunner() = default;

    virtual int32_t vocab_size() const = 0;
    virtual int32_t context_length() const = 0;
    virtual int32_t page_count() const = 0;   // pages of the KV cache
    virtual int32_t page_tokens() const = 0;  // tokens of a page
    virtual int32_t batch_tokens_max() const = 0;
    // Whether SequenceSlice::kind changes results.
    virtual bool tells_prompts_apart() const { return false; }

    // One step: writes keys and values of all tokens into their pages, calls `visit`
    // for every wanted row. Results of a slice do not depend on the other slices nor
    // on how its tokens were cut into steps.
    virtual void Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit) = 0;

    // Gives page `to` the contents of `from`, between steps.
    virtual void CopyPage(uint32_t from, uint32_t to) = 0;
};

}  // namespace lathe::engine
