// The end of a step: the final norm of the rows whose logits are wanted, the head, and
// what the visitor gets.
#include <algorithm>
#include <cmath>

#include "compute/model/step.h"

namespace lathe::model {

using kernels::PackedMatrix;
using platform::Range;
using platform::Share;

void Step::Head(int worker) {
    if (plan_.wanted.empty() && plan_.wanted_top.empty()) return;
    team_.Barrier();
    HeadTop(worker);
    HeadWhole(worker);
}

// Rows [range.begin, range.end) of `rows`, by their place there.
void Step::NormHeadRows(int worker, std::span<const uint32_t> rows, Range range) {
    for (size_t i = range.begin; i < range.end; ++i) {
        table_.rms_norm(Residual(worker, rows[i]), model_.weights.output_norm.data(),
                        config_.norm_epsilon, config_.width, work_.head_input.row(i));
        if (quantizes_)
            table_.quantize_row(work_.head_input.row(i), config_.width,
                                work_.head_input.quantized(i + 1), i);
    }
}

void Step::CapLogits(std::span<float> logits) const {
    if (float cap = config_.logit_softcap; cap > 0)
        for (float& logit : logits) logit = cap * std::tanh(logit / cap);
}

void Step::HeadWhole(int worker) {
    const PackedMatrix& head = model_.weights.logits_matrix();
    const size_t vocab = config_.vocab_size;
    for (size_t first = 0; first < plan_.wanted.size(); first += Workspace::kHeadRows) {
        const size_t count = std::min(Workspace::kHeadRows, plan_.wanted.size() - first);
        const Range range = Share(count, worker, team_.size());
        NormHeadRows(worker, std::span(plan_.wanted).subspan(first, count), range);
        team_.Barrier();
        auto [panel, panel_end] = Share(head.panel_count(), worker, team_.size());
        MultiplyInt8(worker, head, work_.head_input, count, {panel, panel_end},
                     {work_.logits.get(), vocab});
        team_.Barrier();
        for (size_t i = range.begin; i < range.end; ++i) {
            std::span<float> logits(work_.logits.get() + i * vocab, vocab);
            CapLogits(logits);
            const StepPlan::Row& row = plan_.rows[plan_.wanted[first + i]];
            visit_(row.slice, row.token, LogitsRow(logits));
        }
        team_.Barrier();
    }
}

void Step::HeadTop(int worker) {
    for (size_t first = 0; first < plan_.wanted_top.size(); first += Workspace::kHeadRows) {
        const size_t count = std::min(Workspace::kHeadRows, plan_.wanted_top.size() - first);
        std::span<const uint32_t> rows = std::span(plan_.wanted_top).subspan(first, count);
        const Range range = Share(count, worker, team_.size());
        NormHeadRows(worker, rows, range);
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
