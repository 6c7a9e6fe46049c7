#include "compute/engine/step_budget.h"

#include <algorithm>

namespace lathe::engine {
namespace {

void Follow(double& average, double value) {
    average = average == 0 ? value : average + StepBudget::kWeight * (value - average);
}

}  // namespace

int32_t StepBudget::PrefillRows(int32_t decode_rows) const {
    if (token_seconds_max_ == 0 || decode_rows == 0) return rows_max_;
    double rows = kRowsUnknown;
    if (row_seconds_ > 0) rows = (token_seconds_max_ - decode_seconds_) / row_seconds_;
    int32_t least = std::min(kRowsMin, rows_max_);
    return static_cast<int32_t>(std::clamp<double>(rows, least, rows_max_));
}

void StepBudget::Observe(int32_t decode_rows, int32_t prefill_rows, double seconds) {
    if (seconds <= 0 || decode_rows + prefill_rows <= 0) return;
    if (prefill_rows == 0) return Follow(decode_seconds_, seconds);
    // A mixed step does not tell its parts. What a step that only generates costs is taken
    // off, but never so much that the prompt's rows look cheaper than a tenth of the mean
    // row: it may have been measured under more load than there is now.
    double row = (seconds - (decode_rows == 0 ? 0 : decode_seconds_)) / prefill_rows;
    Follow(row_seconds_, std::max(row, seconds / (decode_rows + prefill_rows) / 10));
}

}  // namespace lathe::engine
