#pragma once

#include <memory>
#include <span>

#include "compute/model/batch.h"
#include "compute/model/kv_storage.h"
#include "compute/model/model.h"
#include "core/base/result.h"
#include "core/platform/team.h"

namespace lathe::model {

enum class Activations : uint8_t {
    kF32,   // exact: float32 meets the dequantized weights
    kInt8,  // where the weights are quantized: int8 with a scale per 32 columns, or bf16
            // (SequenceSlice::kind)
};

// Sees the rows that the matrices of the layers are multiplied by; for calibration.
class ActivationObserver {
public:
    enum class Input : uint8_t {
        kAttention,        // of queries, keys and values
        kAttentionOutput,  // of the output projection
        kFeedForward,      // of gate and up
        kDown,
    };
    static constexpr size_t kInputs = 4;

    virtual ~ActivationObserver() = default;
    // Every worker of the team calls it with the same rows, at the same time: each may look
    // at a share of the columns.
    virtual void Observe(uint32_t layer, Input input, const kernels::Rows& rows, int worker,
                         int workers) = 0;
};

struct RunnerOptions {
    Activations activations = Activations::kInt8;
    kernels::KvType kv_type = kernels::KvType::kF16;
    uint32_t page_count = 0;          // of the KV cache, kernels::kPageTokens tokens each
    uint32_t batch_tokens_max = 512;  // rows of one step
    uint32_t context_length = 0;      // longest sequence; 0: the model's
    // With float32 activations only; outlives the runner. Null: nobody looks.
    ActivationObserver* observer = nullptr;
};

// Runs a model over ragged batches with a paged KV cache. All memory is taken in
// Create(). The life of a step stands in step.h.
//
// Engine thread only; the team's threads help during Forward().
class Runner {
public:
    // `model` and `team` outlive the runner. Errors: kResourceExhausted for memory.
    static Result<std::unique_ptr<Runner>> Create(const Model& model, platform::Team& team,
                                                  const RunnerOptions& options);
    ~Runner();

    // Writes keys and values of all tokens into their pages and calls `visit` for every
    // wanted row of logits. A slice's results do not depend, to the bit, on the other
    // slices, on how its tokens were cut into steps, or on the size of the team.
    // Requires: at most batch_tokens_max tokens, every id in the vocabulary, pages that
    // cover every position.
    void Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit);

    const Model& model() const;
    const RunnerOptions& options() const;  // with defaults filled in
    // Whether SequenceSlice::kind changes the bits of a row.
    bool tells_prompts_apart() const;
    KvStorage& kv();

    // Bytes of one page for a model.
    static size_t PageBytes(const ModelConfig& config, kernels::KvType type);

private:
    struct State;
    explicit Runner(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace lathe::model
