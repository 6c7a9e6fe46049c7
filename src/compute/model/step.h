// One forward pass over a ragged batch: the whole transformer on a page.
//
// Every worker of the team runs Run() with its number; phases are split by rows
// (tokens), by panels of a weight matrix (outputs) or by attention tasks, and meet
// at barriers:
//
//   embed                                        rows
//   per layer
//     norm, quantize (3)                         rows     | (1)
//     q, k, v                                    panels   |
//     bias, head norm, rope, write k and v       pages    | (2)
//     attention, quantize                        tasks    |
//     output projection                          panels   |
//     add to the residual, norm, quantize        rows     | (1)
//     gate and up, activation, quantize          panels   |
//     down projection                            panels   |
//     add to the residual                        rows (the next layer's norm follows at once)
//   final norm of wanted rows, head, visit       rows, panels, rows; where only the best
//                                                logits are wanted, a worker collects them
//                                                piece by piece of its panels
//
// Few rows make barriers dear. (1) With at most Workspace::kPrivateRows rows every
// worker keeps a residual of its own and computes these phases for all rows. (2) Where
// every slice is a single token, a task of the attention needs no other token of this
// step: it does this itself. Five barriers a layer are left.
//
// (3) Activations meet quantized weights in int8; where the kernels have bf16, those of
// prompts' rows do in bf16. Rows of prompts lie behind the others.
//
// Many bf16 rows would leave the cache between two phases: with Workspace::kSplitRows of
// them for each worker, a worker takes its share of the rows through everything but
// attention, with all panels, and waits for nobody on the way.
//
// Each element of each result is computed by one worker in an order that depends on
// its own row only; hence results do not depend on batch or team.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "compute/model/batch.h"
#include "compute/model/kv_storage.h"
#include "compute/model/model.h"
#include "compute/model/rope_table.h"
#include "compute/model/runner.h"
#include "compute/model/workspace.h"
#include "core/platform/team.h"

namespace lathe::model {

// The rows of a batch laid out flat, and the lists of what is to be done with them.
// Rebuilt every step in place.
class StepPlan {
public:
    struct Row {
        uint32_t slice;
        uint32_t token;  // within the slice
        uint32_t position;
        TokenId id;
    };
    struct AttentionUnit {
        uint32_t slice;
        uint32_t kv_head;
        uint32_t first_row;
        uint32_t row_count;
    };

    // Rows of one slice that lie in one page: written in order, by one worker.
    struct StoreUnit {
        uint32_t first_row;
        uint32_t row_count;
    };

    // `bf16`: prompts' rows are computed so, and go to the end. `bf16_head`: the logits of
    // those that are scored, too.
    void Build(std::span<const SequenceSlice> batch, uint32_t kv_head_count, bool bf16,
               bool bf16_head);

    std::span<const SequenceSlice> batch;
    std::vector<Row> rows;
    size_t int8_rows = 0;  // the first so many rows (or f32); the others are bf16
    std::vector<StoreUnit> stores;
    std::vector<AttentionUnit> attention;
    std::vector<uint32_t> wanted;      // rows whose logits are asked for
    std::vector<uint32_t> wanted_top;  // rows of which only the best logits are
    std::vector<uint32_t> scored;      // rows of prompts that are scored: their head is in bf16
    uint32_t position_max = 0;
    bool single_tokens = false;  // no slice has two

private:
    void AddSlice(uint32_t index, uint32_t kv_head_count, uint32_t attention_rows, bool bf16_head);
};

class Step {
public:
    Step(const Model& model, const RunnerOptions& options, platform::Team& team, KvStorage& kv,
         const RopeTable& rope, const RopeTable& rope_local, Workspace& workspace,
         const StepPlan& plan, const LogitsVisitor& visit);

    void Run(int worker);

private:
    void Embed(int worker, const std::vector<float>& next_norm);
    void Observe(int worker, uint32_t layer_index, ActivationObserver::Input input,
                 ActivationBuffer& rows) const;
    void NormAndQuantize(size_t row, int worker, const std::vector<float>& weight);
    void ProjectQkv(int worker, const LayerWeights& layer);
    void PositionAndStore(int worker, uint32_t layer_index);
    void PositionAndStoreHeads(uint32_t layer_index, size_t row, uint32_t kv_head);
    void Attend(int worker, uint32_t layer_index);
    void FetchAhead(uint32_t layer_index, const StepPlan::AttentionUnit& unit) const;
    void AttendUnit(int worker, uint32_t layer_index, const StepPlan::AttentionUnit& unit);
    void ProjectAttention(int worker, const LayerWeights& layer);
    void EndBlock(int worker, const std::vector<float>& bias, const std::vector<float>& post_norm,
                  const std::vector<float>* next_norm);
    void AddToResidual(size_t row, int worker, const std::vector<float>& bias,
                       const std::vector<float>& post_norm);
    void GateAndUp(int worker, const LayerWeights& layer);
    void GateAndUpInt8(int worker, const LayerWeights& layer, kernels::PanelRange panels);
    void GateAndUpBf16(int worker, const LayerWeights& layer, kernels::PanelRange panels);
    void Down(int worker, const LayerWeights& layer);
    void Head(int worker);
    enum class HeadKind : uint8_t { kInt8, kBf16 };
    void HeadWhole(int worker, std::span<const uint32_t> rows, HeadKind kind);
    void HeadWholeChunk(int worker, std::span<const uint32_t> rows, HeadKind kind);
    void HeadTop(int worker);
    void HeadTopChunk(int worker, std::span<const uint32_t> rows);
    void NormHeadRows(int worker, std::span<const uint32_t> rows, platform::Range range,
                      HeadKind kind);
    void CapLogits(std::span<float> logits) const;

    // A worker's part of all rows of the step, and of the first `rows` rows; its bf16 rows
    // with some panels, the first of these rows at `output`.
    void Multiply(int worker, const kernels::PackedMatrix& weights, ActivationBuffer& input,
                  kernels::MutableRows output);
    void MultiplyInt8(int worker, const kernels::PackedMatrix& weights, ActivationBuffer& input,
                      size_t rows, kernels::PanelRange panels, kernels::MutableRows output);
    void MultiplyBf16(int worker, const kernels::PackedMatrix& weights, ActivationBuffer& input,
                      kernels::PanelRange panels, kernels::MutableRows output);
    kernels::MutableRows Bf16Output(int worker, kernels::MutableRows output) const;
    // Columns [column, column + cols) of a row of the step, which are at `values`, for the
    // products to come.
    void Quantize(ActivationBuffer& buffer, size_t row, const float* values, size_t column,
                  size_t cols) const;
    // Calls each(row) for the rows of a worker.
    template <class Each>
    void ForRowsOf(int worker, Each each) const;
    platform::Range Bf16RowsOf(int worker) const;  // counted from the first of them
    kernels::PanelRange Bf16PanelsOf(int worker, const kernels::PackedMatrix& weights,
                                     size_t grain = 1) const;
    // After products, where others read the rows or their panels made them; after rows, where
    // others read them.
    void BarrierUnlessSplit();
    void BarrierUnlessOwn();
    bool AttentionQuantizes() const;

    // The rows of a worker: its own, or its share of everybody's.
    float* Residual(int worker, size_t row);
    ActivationBuffer& Normed(int worker);

    const Model& model_;
    const ModelConfig& config_;
    const kernels::Table& table_;
    const RunnerOptions& options_;
    platform::Team& team_;
    KvStorage& kv_;
    const RopeTable& rope_;
    const RopeTable& rope_local_;
    Workspace& work_;
    const StepPlan& plan_;
    const LogitsVisitor& visit_;
    const bool quantizes_;
    const size_t bf16_rows_;
    const bool private_rows_;
    const bool splits_rows_;  // a worker multiplies its bf16 rows with all panels
    std::atomic<uint32_t> next_unit_{0};
};

}  // namespace lathe::model
