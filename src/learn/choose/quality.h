// How good a candidate is, on one scale over all tasks of a brief.
//
//   of a task   (score - chance) / (1 - chance)   0: as good as guessing, 1: all right
//   quality     mean over the tasks, by their weights
//
// docs/design/choosing.md says why. Thread-safe: free functions only. Deterministic.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "learn/metrics/estimate.h"

namespace lathe::choose {

// What a candidate scored on the documents of a task, 0 to 1 each, in their order.
struct TaskScores {
    std::string task;
    double weight = 1;
    double chance = 0;  // the mean score of who guesses; below 1
    std::vector<double> scores;

    double mean() const;
    double quality() const { return (mean() - chance) / (1 - chance); }
};

// Requires: `tasks` is not empty, and no task is without scores.
double QualityOf(std::span<const TaskScores> tasks);
// The same with other weights. Requires: one for each task, with a sum above 0.
double QualityOf(std::span<const TaskScores> tasks, std::span<const double> weights);

// The 95 % interval of the quality over other documents of the same tasks: bootstrap, each
// task's documents drawn by themselves.
metrics::Interval QualityInterval(std::span<const TaskScores> tasks);

// A candidate's quality minus another's on the same documents.
struct QualityDifference {
    double value = 0;
    metrics::Interval interval;  // 95 %, paired bootstrap
    double p_value = 1;          // sign-flip test over all documents of all tasks

    // Lower, by both: with few documents the bootstrap alone is too sure.
    bool certainly_lower() const { return interval.high < 0 && p_value < 0.05; }
    bool certainly_higher() const { return interval.low > 0 && p_value < 0.05; }
    bool told_apart() const { return certainly_lower() || certainly_higher(); }
};

// Requires: both have the same tasks with the same numbers of documents.
QualityDifference CompareQuality(std::span<const TaskScores> candidate,
                                 std::span<const TaskScores> other);

}  // namespace lathe::choose
