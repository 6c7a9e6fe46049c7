#include "compute/model/step.h"

#include <algorithm>

namespace lathe::model {

using kernels::MutableRows;
using kernels::PackedMatrix;
using kernels::PanelRange;
using platform::Range;
using platform::Share;

void StepPlan::Build(std::span<const SequenceSlice> slices, uint32_t kv_head_count, bool bf16,
                     bool bf16_head) {
    batch = slices;
    rows.clear();
    stores.clear();
    attention.clear();
    wanted.clear();
    wanted_top.clear();
    scored.clear();
    position_max = 0;
    single_tokens = true;
    for (bool prompts : {false, true}) {
        for (uint32_t s = 0; s < slices.size(); ++s)
            if ((bf16 && slices[s].kind == SequenceSlice::Kind::kPrompt) == prompts)
                AddSlice(s, kv_head_count,
                         static_cast<uint32_t>(prompts ? Workspace::kBf16AttentionRows
                                                       : Workspace::kAttentionRows),
                         prompts && bf16_head);
        if (!prompts) int8_rows = rows.size();
    }
}

void StepPlan::AddSlice(uint32_t index, uint32_t kv_head_count, uint32_t attention_rows,
                        bool bf16_head) {
    const SequenceSlice& slice = batch[index];
    auto first = static_cast<uint32_t>(rows.size());
    auto count = static_cast<uint32_t>(slice.tokens.size());
    single_tokens &= count <= 1;
    std::vector<uint32_t>& asked = slice.top > 0               ? wanted_top
                                   : bf16_head && slice.scored ? scored
                                                               : wanted;
    for (uint32_t t = 0; t < count; ++t) {
        auto position = static_cast<uint32_t>(slice.position) + t;
        if (t == 0 || position % kernels::kPageTokens == 0) stores.push_back({first + t, 0});
        ++stores.back().row_count;
        rows.push_back({index, t, position, slice.tokens[t]});
        position_max = std::max(position_max, position);
        bool last = t + 1 == count;
        if ((slice.logits == SequenceSlice::Logits::kAll && t >= slice.first_wanted) ||
            (slice.logits == SequenceSlice::Logits::kLast && last))
            asked.push_back(first + t);
    }
    for (uint32_t row = 0; row < count; row += attention_rows)
        for (uint32_t head = 0; head < kv_head_count; ++head)
            attention.push_back({index, head, first + row, std::min(attention_rows, count - row)});
}

Step::Step(const Model& model, const RunnerOptions& options, platform::Team& team, KvStorage& kv,
           const RopeTable& rope, const RopeTable& rope_local, Workspace& workspace,
           const StepPlan& plan, const LogitsVisitor& visit)
    : model_(model),
      config_(model.config),
      table_(*model.table),
      options_(options),
      team_(team),
      kv_(kv),
      rope_(rope),
      rope_local_(rope_local),
      work_(workspace),
      plan_(plan),
      visit_(visit),
      quantizes_(options.activations == Activations::kInt8),
      bf16_rows_(plan.rows.size() - plan.int8_rows),
      private_rows_(plan.rows.size() <= Workspace::kPrivateRows),
      splits_rows_(bf16_rows_ >= Workspace::kSplitRows * static_cast<size_t>(team.size())) {}

void Step::Run(int worker) {
    const auto& layers = model_.weights.layers;
    Embed(worker, layers[0].attention_norm);
    for (uint32_t i = 0; i < layers.size(); ++i) {
        const LayerWeights& layer = layers[i];
        BarrierUnlessOwn();
        Observe(worker, i, ActivationObserver::Input::kAttention, Normed(worker));
        ProjectQkv(worker, layer);
        team_.Barrier();
        if (!plan_.single_tokens) {
            PositionAndStore(worker, i);
            team_.Barrier();
        }
        Attend(worker, i);
        team_.Barrier();
        if (worker == 0) next_unit_.store(0, std::memory_order_relaxed);  // barriers follow
        Observe(worker, i, ActivationObserver::Input::kAttentionOutput, work_.attended);
        ProjectAttention(worker, layer);
        BarrierUnlessSplit();
        EndBlock(worker, layer.output_bias, layer.post_attention_norm, &layer.feed_forward_norm);
        BarrierUnlessOwn();
        Observe(worker, i, ActivationObserver::Input::kFeedForward, Normed(worker));
        GateAndUp(worker, layer);
        BarrierUnlessSplit();
        Observe(worker, i, ActivationObserver::Input::kDown, work_.gate);
        Down(worker, layer);
        BarrierUnlessSplit();
        EndBlock(worker, {}, layer.post_feed_forward_norm,
                 i + 1 < layers.size() ? &layers[i + 1].attention_norm : nullptr);
    }
    Head(worker);
}

void Step::Observe(int worker, uint32_t layer_index, ActivationObserver::Input input,
                   ActivationBuffer& rows) const {
    if (options_.observer != nullptr)
        options_.observer->Observe(layer_index, input, rows.rows(plan_.rows.size()), worker,
                                   team_.size());
}

void Step::BarrierUnlessSplit() {
    if (!splits_rows_ || plan_.int8_rows > 0) team_.Barrier();
}

void Step::BarrierUnlessOwn() {
    if (!private_rows_) BarrierUnlessSplit();
}

template <class Each>
void Step::ForRowsOf(int worker, Each each) const {
    const Range all{0, plan_.int8_rows};
    Range range = private_rows_ ? all : Share(all.end, worker, team_.size());
    for (size_t row = range.begin; row < range.end; ++row) each(row);
    range = private_rows_ ? Range{0, bf16_rows_} : Bf16RowsOf(worker);
    for (size_t row = range.begin; row < range.end; ++row) each(plan_.int8_rows + row);
}

Range Step::Bf16RowsOf(int worker) const {
    return Share(bf16_rows_, worker, team_.size(), kernels::Bf16Rows::kTileRows);
}

PanelRange Step::Bf16PanelsOf(int worker, const PackedMatrix& weights, size_t grain) const {
    if (splits_rows_) return {0, weights.panel_count()};
    auto [begin, end] = Share(weights.panel_count(), worker, team_.size(), grain);
    return {begin, end};
}

float* Step::Residual(int worker, size_t row) {
    ZeroedArray<float>& residual =
        private_rows_ ? work_.workers[static_cast<size_t>(worker)].residual : work_.residual;
    return residual.data() + row * config_.width;
}

ActivationBuffer& Step::Normed(int worker) {
    return private_rows_ ? work_.workers[static_cast<size_t>(worker)].normed : work_.normed;
}

void Step::Quantize(ActivationBuffer& buffer, size_t row, const float* values, size_t column,
                    size_t cols) const {
    if (!quantizes_) return;
    if (row < plan_.int8_rows)
        table_.quantize_row(values, cols, buffer.quantized(row + 1, column), row);
    else
        table_.to_bf16_row(values, cols, buffer.bf16(0, bf16_rows_, column), row - plan_.int8_rows);
}

void Step::Multiply(int worker, const PackedMatrix& weights, ActivationBuffer& input,
                    MutableRows output) {
    auto [begin, end] = Share(weights.panel_count(), worker, team_.size());
    MultiplyInt8(worker, weights, input, plan_.int8_rows, {begin, end}, output);
    MultiplyBf16(worker, weights, input, Bf16PanelsOf(worker, weights), Bf16Output(worker, output));
}

// Where a worker's first bf16 row is.
MutableRows Step::Bf16Output(int worker, MutableRows output) const {
    size_t row = plan_.int8_rows + (splits_rows_ ? Bf16RowsOf(worker).begin : 0);
    return {output.data + row * output.stride, output.stride};
}

void Step::MultiplyInt8(int worker, const PackedMatrix& weights, ActivationBuffer& input,
                        size_t rows, PanelRange panels, MutableRows output) {
    if (rows == 0 || panels.begin >= panels.end) return;
    float* scratch = work_.workers[static_cast<size_t>(worker)].gemm.data();
    if (quantizes_ && weights.quantized())
        table_.gemm_i8(weights, panels, input.quantized(rows), output, scratch);
    else
        table_.gemm_f32(weights, panels, input.rows(rows), output, scratch);
}

void Step::MultiplyBf16(int worker, const PackedMatrix& weights, ActivationBuffer& input,
                        PanelRange panels, MutableRows output) {
    const Range range = splits_rows_ ? Bf16RowsOf(worker) : Range{0, bf16_rows_};
    const size_t rows = range.end - range.begin;
    if (rows == 0 || panels.begin >= panels.end) return;
    float* scratch = work_.workers[static_cast<size_t>(worker)].gemm.data();
    table_.gemm_bf16(weights, panels, input.bf16(range.begin, rows), output, scratch);
}

void Step::Embed(int worker, const std::vector<float>& next_norm) {
    ForRowsOf(worker, [&](size_t r) {
        std::span<float> row(Residual(worker, r), config_.width);
        model_.weights.embedding.ExpandRow(static_cast<size_t>(plan_.rows[r].id), row);
        if (config_.embedding_scale != 1)
            for (float& value : row) value *= config_.embedding_scale;
        NormAndQuantize(r, worker, next_norm);
    });
}

void Step::NormAndQuantize(size_t row, int worker, const std::vector<float>& weight) {
    ActivationBuffer& normed = Normed(worker);
    // A bf16 row of floats would only take the cache from others.
    float* floats = row < plan_.int8_rows
                        ? normed.row(row)
                        : work_.workers[static_cast<size_t>(worker)].projected.data();
    table_.rms_norm(Residual(worker, row), weight.data(), config_.norm_epsilon, config_.width,
                    floats);
    Quantize(normed, row, floats, 0, config_.width);
}

void Step::ProjectQkv(int worker, const LayerWeights& layer) {
    struct Part {
        const PackedMatrix* weights;
        ZeroedArray<float>* output;
    };
    const Part parts[] = {
        {&layer.query, &work_.query}, {&layer.key, &work_.key}, {&layer.value, &work_.value}};
    size_t total = 0;
    for (const Part& part : parts) total += part.weights->panel_count();
    auto [begin, end] = Share(total, worker, team_.size());
    size_t first = 0;  // panel of `part` 0 in the concatenation
    for (const Part& part : parts) {
        size_t count = part.weights->panel_count();
        PanelRange panels{std::clamp(begin, first, first + count) - first,
                          std::clamp(end, first, first + count) - first};
        MutableRows output{part.output->data(), part.weights->rows()};
        MultiplyInt8(worker, *part.weights, Normed(worker), plan_.int8_rows, panels, output);
        if (splits_rows_) panels = {0, count};
        MultiplyBf16(worker, *part.weights, Normed(worker), panels, Bf16Output(worker, output));
        first += count;
    }
}

void Step::PositionAndStore(int worker, uint32_t layer_index) {
    auto [begin, end] = Share(plan_.stores.size(), worker, team_.size());
    for (size_t i = begin; i < end; ++i) {
        const StepPlan::StoreUnit& unit = plan_.stores[i];
        for (size_t row = unit.first_row; row < unit.first_row + unit.row_count; ++row)
            for (uint32_t head = 0; head < config_.kv_head_count; ++head)
                PositionAndStoreHeads(layer_index, row, head);
    }
}

// Of one token: the KV head and the query heads that read it.
void Step::PositionAndStoreHeads(uint32_t layer_index, size_t index, uint32_t kv_head) {
    const LayerWeights& layer = model_.weights.layers[layer_index];
    const StepPlan::Row& row = plan_.rows[index];
    const RopeTable& rope = config_.layer_slides[layer_index] ? rope_local_ : rope_;
    const float* angles = rope.Row(row.position);
    const size_t dim = config_.head_dim;
    auto rotate = config_.rope_pairs == RopePairs::kInterleaved ? table_.rope_interleaved
                                                                : table_.rope_halves;
    auto prepare = [&](float* head, size_t number, const std::vector<float>& bias,
                       const std::vector<float>& norm) {
        if (!bias.empty()) table_.add(bias.data() + number * dim, dim, head);
        if (!norm.empty()) table_.rms_norm(head, norm.data(), config_.norm_epsilon, dim, head);
    };
    const size_t group = config_.head_count / config_.kv_head_count;
    for (size_t number = kv_head * group; number < (kv_head + 1) * group; ++number) {
        float* head = work_.query.data() + index * config_.query_width() + number * dim;
        prepare(head, number, layer.query_bias, layer.query_norm);
        rotate(head, angles, rope.dims());
    }
    float* key = work_.key.data() + index * config_.kv_width() + kv_head * dim;
    float* value = work_.value.data() + index * config_.kv_width() + kv_head * dim;
    prepare(key, kv_head, layer.key_bias, layer.key_norm);
    rotate(key, angles, rope.dims());
    prepare(value, kv_head, layer.value_bias, {});
    uint32_t page = plan_.batch[row.slice].pages[row.position / kernels::kPageTokens];
    table_.store_kv({.type = options_.kv_type,
                     .head_dim = dim,
                     .slot = row.position % kernels::kPageTokens,
                     .key = key,
                     .value = value,
                     .key_page = kv_.Keys(page, layer_index, kv_head),
                     .value_page = kv_.Values(page, layer_index, kv_head)});
}

void Step::Attend(int worker, uint32_t layer_index) {
    for (uint32_t i = next_unit_++; i < plan_.attention.size(); i = next_unit_++) {
        size_t next = i + static_cast<size_t>(team_.size());
        if (next < plan_.attention.size()) FetchAhead(layer_index, plan_.attention[next]);
        AttendUnit(worker, layer_index, plan_.attention[i]);
    }
}

// Of a unit that comes soon, the page that no page before it announces.
void Step::FetchAhead(uint32_t layer_index, const StepPlan::AttentionUnit& unit) const {
    if (unit.row_count > 1) return;
    const size_t position = plan_.rows[unit.first_row].position;
    const size_t window = config_.layer_slides[layer_index] ? config_.sliding_window : 0;
    const size_t first = window != 0 && position >= window ? position + 1 - window : 0;
    const uint32_t page = plan_.batch[unit.slice].pages[first / kernels::kPageTokens];
    const void* keys = kv_.Keys(page, layer_index, unit.kv_head);
    const size_t bytes = kernels::KvKeyPageBytes(options_.kv_type, config_.head_dim);
    for (size_t at = 0; at < bytes; at += 64)
        __builtin_prefetch(static_cast<const std::byte*>(keys) + at, 0, /*second level*/ 2);
}

void Step::AttendUnit(int worker, uint32_t layer_index, const StepPlan::AttentionUnit& unit) {
    if (plan_.single_tokens) PositionAndStoreHeads(layer_index, unit.first_row, unit.kv_head);
    Workspace::PerWorker& own = work_.workers[static_cast<size_t>(worker)];
    std::span<const uint32_t> pages = plan_.batch[unit.slice].pages;
    const uint32_t first_position = plan_.rows[unit.first_row].position;
    const size_t page_count = (first_position + unit.row_count - 1) / kernels::kPageTokens + 1;
    for (size_t p = 0; p < page_count; ++p) {
        own.key_pages[p] = kv_.Keys(pages[p], layer_index, unit.kv_head);
        own.value_pages[p] = kv_.Values(pages[p], layer_index, unit.kv_head);
    }
    const size_t group = config_.head_count / config_.kv_head_count;
    const size_t column = unit.kv_head * group * config_.head_dim;
    const size_t offset = unit.first_row * size_t{config_.query_width()} + column;
    const bool bf16 = unit.first_row >= plan_.int8_rows;
    const float* queries = work_.query.data() + offset;
    // Over the queries where floats are read once only, to quantize them.
    float* out = bf16 ? work_.query.data() + offset : work_.attended.row(0) + offset;
    (bf16 ? table_.attend_bf16 : table_.attend)(
        {.queries = queries,
         .query_row_stride = config_.query_width(),
         .query_head_stride = config_.head_dim,
         .out = out,
         .key_pages = own.key_pages.data(),
         .value_pages = own.value_pages.data(),
         .kv_type = options_.kv_type,
         .row_count = unit.row_count,
         .group = group,
         .head_dim = config_.head_dim,
         .first_position = first_position,
         .window = config_.layer_slides[layer_index] ? config_.sliding_window : 0,
         .scale = config_.attention_scale,
         .softcap = config_.attention_softcap,
         .scratch = own.attention.data()});
    if (AttentionQuantizes())
        for (size_t row = unit.first_row; row < unit.first_row + unit.row_count; ++row)
            Quantize(work_.attended, row, out + (row - unit.first_row) * config_.query_width(),
                     column, group * config_.head_dim);
}

// A task's columns are whole blocks of activations.
bool Step::AttentionQuantizes() const {
    return config_.query_width() / config_.kv_head_count % PackedMatrix::kBlock == 0;
}

void Step::ProjectAttention(int worker, const LayerWeights& layer) {
    if (quantizes_ && !AttentionQuantizes()) {
        auto [begin, end] = Share(plan_.rows.size(), worker, team_.size());
        for (size_t r = begin; r < end; ++r)
            Quantize(work_.attended, r,
                     r < plan_.int8_rows ? work_.attended.row(r)
                                         : work_.query.data() + r * config_.query_width(),
                     0, config_.query_width());
        team_.Barrier();
    }
    Multiply(worker, layer.attention_output, work_.attended,
             {work_.projected.data(), config_.width});
}

// What a block gave goes to the residual, and that to the next block.
void Step::EndBlock(int worker, const std::vector<float>& bias, const std::vector<float>& post_norm,
                    const std::vector<float>* next_norm) {
    ForRowsOf(worker, [&](size_t row) {
        AddToResidual(row, worker, bias, post_norm);
        if (next_norm != nullptr) NormAndQuantize(row, worker, *next_norm);
    });
}

void Step::AddToResidual(size_t row, int worker, const std::vector<float>& bias,
                         const std::vector<float>& post_norm) {
    const size_t width = config_.width;
    float* projected = work_.projected.data() + row * width;
    if (private_rows_ && (!bias.empty() || !post_norm.empty())) {  // others read it too
        float* copy = work_.workers[static_cast<size_t>(worker)].projected.data();
        std::copy_n(projected, width, copy);
        projected = copy;
    }
    if (!bias.empty()) table_.add(bias.data(), width, projected);
    if (!post_norm.empty())
        table_.rms_norm(projected, post_norm.data(), config_.norm_epsilon, width, projected);
    table_.add(projected, width, Residual(worker, row));
}

void Step::GateAndUp(int worker, const LayerWeights& layer) {
    // Two panels are one block of activations, so that a worker can quantize its own part.
    constexpr size_t kGrain = PackedMatrix::kBlock / PackedMatrix::kPanelRows;
    auto [begin, end] = Share(layer.gate.panel_count(), worker, team_.size(), kGrain);
    if (begin < end) GateAndUpInt8(worker, layer, {begin, end});
    if (bf16_rows_ == 0) return;
    constexpr size_t kPiece = Workspace::kGatePiecePanels;
    PanelRange panels = Bf16PanelsOf(worker, layer.gate, kGrain);
    for (size_t panel = panels.begin; panel < panels.end; panel += kPiece)
        GateAndUpBf16(worker, layer, {panel, std::min(panels.end, panel + kPiece)});
}

void Step::GateAndUpInt8(int worker, const LayerWeights& layer, PanelRange panels) {
    const size_t rows = plan_.int8_rows;
    const size_t width = config_.feed_forward_width;
    ActivationBuffer& normed = Normed(worker);
    MultiplyInt8(worker, layer.gate, normed, rows, panels, work_.gate.mutable_rows());
    MultiplyInt8(worker, layer.up, normed, rows, panels, {work_.up.data(), width});
    const size_t column = panels.begin * PackedMatrix::kPanelRows;
    const size_t count = std::min(width, panels.end * PackedMatrix::kPanelRows) - column;
    auto activate = config_.activation == Activation::kSilu ? table_.silu_mul : table_.gelu_mul;
    for (size_t r = 0; r < rows; ++r) {
        float* gate = work_.gate.row(r) + column;
        activate(gate, work_.up.data() + r * width + column, count);
        Quantize(work_.gate, r, gate, column, count);
    }
}

// Of many rows gate and up would leave the cache before they are multiplied: only their
// product, in bf16, goes to memory.
void Step::GateAndUpBf16(int worker, const LayerWeights& layer, PanelRange panels) {
    constexpr size_t kStride = Workspace::kGatePiecePanels * PackedMatrix::kPanelRows;
    Workspace::PerWorker& own = work_.workers[static_cast<size_t>(worker)];
    ActivationBuffer& normed = Normed(worker);
    const size_t column = panels.begin * PackedMatrix::kPanelRows;
    const size_t end = panels.end * PackedMatrix::kPanelRows;
    const size_t count = std::min<size_t>(config_.feed_forward_width, end) - column;
    // The kernel counts outputs from the first panel of the matrix.
    MultiplyBf16(worker, layer.gate, normed, panels, {own.gate_piece.data() - column, kStride});
    MultiplyBf16(worker, layer.up, normed, panels, {own.up_piece.data() - column, kStride});
    auto activate = config_.activation == Activation::kSilu ? table_.silu_mul : table_.gelu_mul;
    const Range rows = splits_rows_ ? Bf16RowsOf(worker) : Range{0, bf16_rows_};
    for (size_t i = 0; i < rows.end - rows.begin; ++i) {
        float* gate = own.gate_piece.data() + i * kStride;
        activate(gate, own.up_piece.data() + i * kStride, count);
        const size_t row = plan_.int8_rows + rows.begin + i;
        Quantize(work_.gate, row, gate, column, count);
    }
}

void Step::Down(int worker, const LayerWeights& layer) {
    Multiply(worker, layer.down, work_.gate, {work_.projected.data(), config_.width});
}

}  // namespace lathe::model
