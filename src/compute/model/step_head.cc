// The end of a step: the final norm of the rows whose logits are wanted, the head, and
// what the visitor gets.
#include <algorithm>
#include <cmath>

#include "compute/model/step.h"

namespace lathe::model {

using kernels::MutableRows;
using kernels::PackedMatrix;
using kernels::PanelRange;
using platform::Range;
using platform::Share;

void Step::Head(int worker) {
    if (plan_.wanted.empty() && plan_.wanted_top.empty() && plan_.scored.empty()) return;
    team_.Barrier();
    HeadTop(worker);
    HeadWhole(worker, plan_.wanted, HeadKind::kInt8);
    HeadWhole(worker, plan_.scored, HeadKind::kBf16);
}

// Rows [range.begin, range.end) of `rows`, by their place there.
void Step::NormHeadRows(int worker, std::span<const uint32_t> rows, Range range, HeadKind kind) {
    ActivationBuffer& input = work_.head_input;
    for (size_t i = range.begin; i < range.end; ++i) {
        table_.rms_norm(Residual(worker, rows[i]), model_.weights.output_norm.data(),
                        config_.norm_epsilon, config_.width, input.row(i));
        if (kind == HeadKind::kBf16)
            table_.to_bf16_row(input.row(i), config_.width, input.bf16(0, rows.size()), i);
        else if (quantizes_)
            table_.quantize_row(input.row(i), config_.width, input.quantized(i + 1), i);
    }
}

void Step::CapLogits(std::span<float> logits) const {
    if (float cap = config_.logit_softcap; cap > 0)
        for (float& logit : logits) logit = cap * std::tanh(logit / cap);
}

// Expanding the head for bf16 pays for many rows at once only.
void Step::HeadWhole(int worker, std::span<const uint32_t> rows, HeadKind kind) {
    const size_t most = kind == HeadKind::kBf16 ? work_.scored_rows : Workspace::kHeadRows;
    for (; !rows.empty(); rows = rows.subspan(std::min(most, rows.size())))
        HeadWholeChunk(worker, rows.first(std::min(most, rows.size())), kind);
}

void Step::HeadWholeChunk(int worker, std::span<const uint32_t> rows, HeadKind kind) {
    const PackedMatrix& head = model_.weights.logits_matrix();
    const size_t vocab = config_.vocab_size, stride = work_.logits_stride;
    const Range range = Share(rows.size(), worker, team_.size());
    NormHeadRows(worker, rows, range, kind);
    team_.Barrier();
    auto [panel, panel_end] = Share(head.panel_count(), worker, team_.size());
    const PanelRange panels{panel, panel_end};
    const MutableRows output{work_.logits.data(), stride};
    if (kind == HeadKind::kInt8)
        MultiplyInt8(worker, head, work_.head_input, rows.size(), panels, output);
    else if (panel < panel_end)
        table_.gemm_bf16(head, panels, work_.head_input.bf16(0, rows.size()), output,
                         work_.workers[static_cast<size_t>(worker)].gemm.data());
    team_.Barrier();
    for (size_t i = range.begin; i < range.end; ++i) {
        std::span<float> logits(work_.logits.data() + i * stride, vocab);
        CapLogits(logits);
        const StepPlan::Row& row = plan_.rows[rows[i]];
        visit_(row.slice, row.token, LogitsRow(logits));
    }
    team_.Barrier();
}

void Step::HeadTop(int worker) {
    for (size_t first = 0; first < plan_.wanted_top.size(); first += Workspace::kHeadRows) {
        const size_t count = std::min(Workspace::kHeadRows, plan_.wanted_top.size() - first);
        std::span<const uint32_t> rows = std::span(plan_.wanted_top).subspan(first, count);
        const Range range = Share(count, worker, team_.size());
        NormHeadRows(worker, rows, range, HeadKind::kInt8);
        team_.Barrier();
        HeadTopChunk(worker, rows);
        team_.Barrier();
        for (size_t i = range.begin; i < range.end; ++i) {
            TopLogits& top = work_.workers[static_cast<size_t>(worker)].merged;
            const StepPlan::Row& row = plan_.rows[rows[i]];
            top.Start(plan_.batch[row.slice].top);
            for (const Workspace::PerWorker& each : work_.workers) top.Merge(each.top[i]);
            top.Finish();
            visit_(row.slice, row.token, LogitsRow(top.best(), top.sound()));
        }
        team_.Barrier();
    }
}

// A worker's panels, a piece at a time that stays in its cache.
void Step::HeadTopChunk(int worker, std::span<const uint32_t> rows) {
    const PackedMatrix& head = model_.weights.logits_matrix();
    Workspace::PerWorker& own = work_.workers[static_cast<size_t>(worker)];
    for (size_t i = 0; i < rows.size(); ++i)
        own.top[i].Start(plan_.batch[plan_.rows[rows[i]].slice].top);
    constexpr size_t kStride = Workspace::kHeadPiecePanels * PackedMatrix::kPanelRows;
    auto [begin, end] = Share(head.panel_count(), worker, team_.size());
    for (size_t panel = begin; panel < end; panel += Workspace::kHeadPiecePanels) {
        const size_t piece_end = std::min(end, panel + Workspace::kHeadPiecePanels);
        const size_t token = panel * PackedMatrix::kPanelRows;
        const size_t count = std::min(kStride, config_.vocab_size - token);
        // The kernel counts outputs from the first panel of the matrix.
        MultiplyInt8(worker, head, work_.head_input, rows.size(), {panel, piece_end},
                     {own.head_piece.data() - token, kStride});
        for (size_t i = 0; i < rows.size(); ++i) {
            std::span<float> logits(
                own.head_piece.data() + i * kStride,
                std::min(count, (piece_end - panel) * PackedMatrix::kPanelRows));
            CapLogits(logits);
            own.top[i].Add(static_cast<TokenId>(token), logits);
        }
    }
}

}  // namespace lathe::model
