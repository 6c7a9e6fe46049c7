// A mean or a rate measured on some documents, and how far the truth may lie from it.
//
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace lathe::metrics {

struct Interval {
    double low = 0;
    double high = 0;

    friend bool operator==(const Interval&, const Interval&) = default;
};

struct MeanEstimate {
    uint64_t count = 0;
    double mean = 0;
    // Of the sample, with count - 1 in the denominator; nullopt below two values.
    std::optional<double> deviation{};
    std::optional<double> standard_error{};  // of the mean: deviation / sqrt(count)
};

MeanEstimate EstimateMean(std::span<const double> values);

// The x with P(Z <= x) = probability for a standard normal Z. Requires 0 < probability < 1.
double NormalQuantile(double probability);
double NormalCdf(double x);

// Wilson's score interval (1927) for a rate of `successes` in `trials`: stays within 0..1
// and means something at 0 and at all successes, where the standard error is 0.
// Requires: successes <= trials, 0 < level < 1. Without trials, 0..1.
Interval WilsonInterval(uint64_t successes, uint64_t trials, double level = 0.95);

// Probability that one of `k` samples passes, estimated without bias from `passed` of
// `samples` (Chen et al. 2021, "Evaluating Large Language Models Trained on Code").
// Requires: passed <= samples, 1 <= k <= samples.
double PassAtK(uint64_t samples, uint64_t passed, uint64_t k);

}  // namespace lathe::metrics
