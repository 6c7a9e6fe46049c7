#include "learn/choose/quality.h"

#include <numeric>

#include "core/base/check.h"
#include "learn/metrics/bootstrap.h"
#include "learn/metrics/comparison.h"

namespace lathe::choose {
namespace {

double Mean(std::span<const double> values) {
    LATHE_CHECK(!values.empty());
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double WeightSum(std::span<const TaskScores> tasks) {
    double sum = 0;
    for (const TaskScores& task : tasks) sum += task.weight;
    LATHE_CHECK(sum > 0);
    return sum;
}

// What a point of a task's mean is worth in quality.
double Worth(const TaskScores& task, double weight_sum) {
    return task.weight / weight_sum / (1 - task.chance);
}

// The middle 95 % of sums over tasks of worth * (bootstrap mean of values - offset).
class StratifiedBootstrap {
public:
    void Add(std::span<const double> values, double worth, double offset) {
        metrics::BootstrapOptions options;
        options.seed += stratum_++;  // tasks of equal length must not draw alike
        std::vector<double> means = metrics::BootstrapMeans(values, options);
        sums_.resize(means.size());
        for (size_t i = 0; i < means.size(); ++i) sums_[i] += worth * (means[i] - offset);
    }
    metrics::Interval Interval() { return metrics::PercentileInterval(std::move(sums_)); }

private:
    uint64_t stratum_ = 0;
    std::vector<double> sums_;
};

}  // namespace

double TaskScores::mean() const {
    return Mean(scores);
}

double QualityOf(std::span<const TaskScores> tasks, std::span<const double> weights) {
    LATHE_CHECK(tasks.size() == weights.size() && !tasks.empty());
    double sum = 0, weight_sum = 0;
    for (size_t i = 0; i < tasks.size(); ++i) {
        sum += weights[i] * tasks[i].quality();
        weight_sum += weights[i];
    }
    LATHE_CHECK(weight_sum > 0);
    return sum / weight_sum;
}

double QualityOf(std::span<const TaskScores> tasks) {
    std::vector<double> weights;
    for (const TaskScores& task : tasks) weights.push_back(task.weight);
    return QualityOf(tasks, weights);
}

metrics::Interval QualityInterval(std::span<const TaskScores> tasks) {
    StratifiedBootstrap bootstrap;
    double weight_sum = WeightSum(tasks);
    for (const TaskScores& task : tasks)
        bootstrap.Add(task.scores, Worth(task, weight_sum), task.chance);
    return bootstrap.Interval();
}

QualityDifference CompareQuality(std::span<const TaskScores> candidate,
                                 std::span<const TaskScores> other) {
    LATHE_CHECK(candidate.size() == other.size());
    QualityDifference out;
    out.value = QualityOf(candidate) - QualityOf(other);
    StratifiedBootstrap bootstrap;
    double weight_sum = WeightSum(candidate);
    // Of the test: each document's part of the quality.
    std::vector<double> parts[2];
    for (size_t t = 0; t < candidate.size(); ++t) {
        const std::vector<double>& a = candidate[t].scores;
        const std::vector<double>& b = other[t].scores;
        LATHE_CHECK(a.size() == b.size());
        double worth = Worth(candidate[t], weight_sum);
        std::vector<double> differences;
        for (size_t i = 0; i < a.size(); ++i) {
            differences.push_back(a[i] - b[i]);
            parts[0].push_back(worth * b[i] / static_cast<double>(b.size()));
            parts[1].push_back(worth * a[i] / static_cast<double>(a.size()));
        }
        bootstrap.Add(differences, worth, 0);
    }
    out.interval = bootstrap.Interval();
    out.p_value = metrics::PermutationPValue({.baseline = parts[0], .candidate = parts[1]});
    return out;
}

}  // namespace lathe::choose
