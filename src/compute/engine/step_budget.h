#pragma once

#include <cstdint>

namespace lathe::engine {

// How many rows of prompts a step may have beside the sequences that are generating, so
// that the time between two of their tokens stays within a target. Learns from the
// steps themselves what a step costs that only generates, and what a row of a prompt
// adds; both follow the load as moving averages.
//
// The target is not a promise: a step that only generates may take longer by itself,
// and prompts always get kRowsMin rows, so that they come to an end too.
//
// Knows no clock. Engine thread only.
class StepBudget {
public:
    static constexpr int32_t kRowsMin = 16;
    static constexpr int32_t kRowsUnknown = 32;  // while nothing was measured yet
    static constexpr double kWeight = 0.25;      // of the newest step in an average

    // `token_seconds_max` 0: no target. `rows_max` is what a step takes.
    StepBudget(double token_seconds_max, int32_t rows_max)
        : token_seconds_max_(token_seconds_max), rows_max_(rows_max) {}

    // At least 1.
    int32_t PrefillRows(int32_t decode_rows) const;

    // A step of so many rows took so long.
    void Observe(int32_t decode_rows, int32_t prefill_rows, double seconds);

    double decode_seconds() const { return decode_seconds_; }
    double row_seconds() const { return row_seconds_; }

private:
    double token_seconds_max_;
    int32_t rows_max_;
    double decode_seconds_ = 0;  // of a step that only generates; 0: not known
    double row_seconds_ = 0;     // that a row of a prompt adds; 0: not known
};

}  // namespace lathe::engine
