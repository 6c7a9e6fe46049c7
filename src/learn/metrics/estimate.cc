#include "learn/metrics/estimate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/check.h"

namespace lathe::metrics {

MeanEstimate EstimateMean(std::span<const double> values) {
    MeanEstimate out{.count = values.size()};
    if (values.empty()) return out;
    auto count = static_cast<double>(values.size());
    double sum = 0;
    for (double value : values) sum += value;
    out.mean = sum / count;
    if (values.size() < 2) return out;
    double squares = 0;
    for (double value : values) squares += (value - out.mean) * (value - out.mean);
    out.deviation = std::sqrt(squares / (count - 1));
    out.standard_error = *out.deviation / std::sqrt(count);
    return out;
}

double NormalCdf(double x) {
    return std::erfc(-x / std::numbers::sqrt2) / 2;
}

double NormalQuantile(double probability) {
    LATHE_CHECK(probability > 0 && probability < 1);
    // The lower tail, where NormalCdf keeps its digits.
    if (probability > 0.5) return -NormalQuantile(1 - probability);
    double low = -40, high = 0;
    for (;;) {
        double middle = (low + high) / 2;
        if (middle <= low || middle >= high) return middle;
        (NormalCdf(middle) < probability ? low : high) = middle;
    }
}

Interval WilsonInterval(uint64_t successes, uint64_t trials, double level) {
    LATHE_CHECK(successes <= trials);
    if (trials == 0) return {.low = 0, .high = 1};
    double z = NormalQuantile((1 + level) / 2);
    auto n = static_cast<double>(trials);
    double rate = static_cast<double>(successes) / n;
    double scale = 1 + z * z / n;
    double center = (rate + z * z / (2 * n)) / scale;
    double half = z / scale * std::sqrt(rate * (1 - rate) / n + z * z / (4 * n * n));
    return {.low = std::max(0.0, center - half), .high = std::min(1.0, center + half)};
}

double PassAtK(uint64_t samples, uint64_t passed, uint64_t k) {
    LATHE_CHECK(passed <= samples && k >= 1 && k <= samples);
    if (samples - passed < k) return 1;
    double all_fail = 1;  // C(samples - passed, k) / C(samples, k), as a product
    for (uint64_t i = samples - passed + 1; i <= samples; ++i)
        all_fail *= 1 - static_cast<double>(k) / static_cast<double>(i);
    return 1 - all_fail;
}

}  // namespace lathe::metrics
