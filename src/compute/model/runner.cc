#include "compute/model/runner.h"

#include <algorithm>
#include <array>

#include "compute/model/step.h"
#include "core/base/check.h"

namespace lathe::model {
namespace {

std::array<const kernels::PackedMatrix*, 7> MatricesOf(const LayerWeights& layer) {
    return {&layer.query, &layer.key, &layer.value, &layer.attention_output,
            &layer.gate,  &layer.up,  &layer.down};
}

bool Quantized(const Weights& weights) {
    for (const LayerWeights& layer : weights.layers)
        for (const kernels::PackedMatrix* matrix : MatricesOf(layer))
            if (!matrix->quantized()) return false;
    return true;
}

}  // namespace

struct Runner::State {
    State(const Model& model_in, platform::Team& team_in, const RunnerOptions& options_in,
          KvStorage kv_in)
        : model(model_in),
          team(team_in),
          options(options_in),
          kv(std::move(kv_in)),
          rope(model.config.rope, model.weights.rope_factors),
          rope_local(model.config.rope_local, {}),
          bf16(options.activations == Activations::kInt8 && model.table->gemm_bf16 != nullptr &&
               Quantized(model.weights)),
          workspace(model.config, options.batch_tokens_max, bf16) {
        AllocateWorkers();
    }

    void AllocateWorkers();
    size_t GemmScratch() const;
    size_t AttentionScratch() const;

    const Model& model;
    platform::Team& team;
    RunnerOptions options;
    KvStorage kv;
    RopeTable rope;
    RopeTable rope_local;
    const bool bf16;  // prompts' rows are computed so
    Workspace workspace;
    StepPlan plan;
};

size_t Runner::State::GemmScratch() const {
    const kernels::Table& table = *model.table;
    size_t floats = table.gemm_scratch_floats(model.weights.logits_matrix());
    for (const LayerWeights& layer : model.weights.layers)
        for (const kernels::PackedMatrix* matrix : MatricesOf(layer))
            floats = std::max(floats, table.gemm_scratch_floats(*matrix));
    return floats;
}

size_t Runner::State::AttentionScratch() const {
    const ModelConfig& config = model.config;
    return model.table->attention_scratch_floats(
        {.kv_type = options.kv_type,
         .row_count = bf16 ? Workspace::kBf16AttentionRows : Workspace::kAttentionRows,
         .group = config.head_count / config.kv_head_count,
         .head_dim = config.head_dim});
}

void Runner::State::AllocateWorkers() {
    size_t pages = options.context_length / kernels::kPageTokens + 1;
    for (int i = 0; i < team.size(); ++i) {
        Workspace::PerWorker& worker =
            workspace.workers.emplace_back(model.config, options.batch_tokens_max, bf16);
        worker.gemm = ZeroedArray<float>(GemmScratch());
        worker.attention = ZeroedArray<float>(AttentionScratch());
        worker.key_pages.resize(pages);
        worker.value_pages.resize(pages);
    }
}

Runner::Runner(std::unique_ptr<State> state) : state_(std::move(state)) {}
Runner::~Runner() = default;

size_t Runner::PageBytes(const ModelConfig& config, kernels::KvType type) {
    return KvStorage::PageBytes({.type = type,
                                 .layer_count = config.layer_count,
                                 .kv_head_count = config.kv_head_count,
                                 .head_dim = config.head_dim});
}

Result<std::unique_ptr<Runner>> Runner::Create(const Model& model, platform::Team& team,
                                               const RunnerOptions& options) {
    RunnerOptions filled = options;
    const ModelConfig& config = model.config;
    if (filled.context_length == 0) filled.context_length = config.context_length;
    if (filled.page_count == 0)
        filled.page_count = filled.context_length / static_cast<uint32_t>(kernels::kPageTokens) + 1;
    LATHE_CHECK(filled.batch_tokens_max > 0);
    LATHE_TRY(KvStorage kv, KvStorage::Create({.type = filled.kv_type,
                                               .layer_count = config.layer_count,
                                               .kv_head_count = config.kv_head_count,
                                               .head_dim = config.head_dim},
                                              filled.page_count));
    return std::unique_ptr<Runner>(
        new Runner(std::make_unique<State>(model, team, filled, std::move(kv))));
}

void Runner::Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit) {
    State& s = *state_;
    s.plan.Build(batch, s.model.config.kv_head_count, s.bf16,
                 s.bf16 && s.model.weights.logits_matrix().quantized());
    if (s.plan.rows.empty()) return;
    LATHE_CHECK(s.plan.rows.size() <= s.options.batch_tokens_max);
    LATHE_CHECK(s.plan.position_max < s.options.context_length);
    s.rope.Extend(s.plan.position_max);
    s.rope_local.Extend(s.plan.position_max);
    Step step(s.model, s.options, s.team, s.kv, s.rope, s.rope_local, s.workspace, s.plan, visit);
    s.team.Run([&](int worker) { step.Run(worker); });
}

const Model& Runner::model() const {
    return state_->model;
}
const RunnerOptions& Runner::options() const {
    return state_->options;
}
bool Runner::tells_prompts_apart() const {
    return state_->bf16;
}
KvStorage& Runner::kv() {
    return state_->kv;
}

}  // namespace lathe::model
