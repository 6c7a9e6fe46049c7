#include "learn/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/check.h"

namespace lathe::metrics {
namespace {

// Linear between order statistics, numpy's default.
double Quantile(std::span<const double> sorted, double probability) {
    double place = probability * static_cast<double>(sorted.size() - 1);
    auto below = static_cast<size_t>(place);
    size_t above = std::min(below + 1, sorted.size() - 1);
    return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

// Skewness of the jackknife values over 6: how fast the deviation changes with the value.
double Acceleration(std::span<const double> leave_one_out) {
    double mean = std::reduce(leave_one_out.begin(), leave_one_out.end()) /
                  static_cast<double>(leave_one_out.size());
    double squares = 0, cubes = 0;
    for (double value : leave_one_out) {
        double d = mean - value;
        squares += d * d;
        cubes += d * d * d;
    }
    return squares == 0 ? 0 : cubes / (6 * std::pow(squares, 1.5));
}

}  // namespace

std::vector<double> BootstrapReplicates(uint32_t document_count, const Statistic& statistic,
                                        const BootstrapOptions& options) {
    LATHE_CHECK(document_count > 0);
    std::vector<uint32_t> drawn(document_count);
    std::vector<double> out(options.replicates);
    for (uint32_t replicate = 0; replicate < options.replicates; ++replicate) {
        SplitMix64 random(options.seed, replicate);
        for (uint32_t& document : drawn) document = random.Below(document_count);
        out[replicate] = statistic(drawn);
    }
    return out;
}

std::vector<double> BootstrapMeans(std::span<const double> values,
                                   const BootstrapOptions& options) {
    return BootstrapReplicates(
        static_cast<uint32_t>(values.size()),
        [values](std::span<const uint32_t> documents) {
            double sum = 0;
            for (uint32_t document : documents) sum += values[document];
            return sum / static_cast<double>(documents.size());
        },
        options);
}

std::vector<double> LeaveOneOut(uint32_t document_count, const Statistic& statistic) {
    LATHE_CHECK(document_count > 1);
    std::vector<uint32_t> rest(document_count - 1);
    std::iota(rest.begin(), rest.end(), 1u);  // all but document 0
    std::vector<double> out;
    for (uint32_t without = 0; without < document_count; ++without) {
        out.push_back(statistic(rest));
        if (without + 1 < document_count) rest[without] = without;
    }
    return out;
}

std::vector<double> LeaveOneOutMeans(std::span<const double> values) {
    LATHE_CHECK(values.size() > 1);
    double sum = 0;
    for (double value : values) sum += value;
    std::vector<double> out;
    for (double value : values)
        out.push_back((sum - value) / static_cast<double>(values.size() - 1));
    return out;
}

Interval PercentileInterval(std::vector<double> replicates, double level) {
    LATHE_CHECK(!replicates.empty() && level > 0 && level < 1);
    std::ranges::sort(replicates);
    return {.low = Quantile(replicates, (1 - level) / 2),
            .high = Quantile(replicates, (1 + level) / 2)};
}

Interval BcaInterval(double observed, std::vector<double> replicates,
                     std::span<const double> leave_one_out, double level) {
    LATHE_CHECK(!replicates.empty() && level > 0 && level < 1);
    std::ranges::sort(replicates);
    auto [first, last] = std::ranges::equal_range(replicates, observed);
    // Replicates that equal the observation count for half.
    double below = static_cast<double>((first - replicates.begin()) + (last - replicates.begin())) /
                   (2 * static_cast<double>(replicates.size()));
    if (below <= 0 || below >= 1 || replicates.front() == replicates.back())
        return PercentileInterval(std::move(replicates), level);
    double bias = NormalQuantile(below);
    double acceleration = Acceleration(leave_one_out);
    auto corrected = [&](double probability) {
        double z = bias + NormalQuantile(probability);
        return Quantile(replicates, NormalCdf(bias + z / (1 - acceleration * z)));
    };
    return {.low = corrected((1 - level) / 2), .high = corrected((1 + level) / 2)};
}

double BootstrapPValue(double observed, std::span<const double> replicates) {
    LATHE_CHECK(!replicates.empty());
    double mean =
        std::reduce(replicates.begin(), replicates.end()) / static_cast<double>(replicates.size());
    auto as_far = static_cast<double>(std::ranges::count_if(
        replicates, [&](double r) { return std::abs(r - mean) >= std::abs(observed); }));
    return (as_far + 1) / (static_cast<double>(replicates.size()) + 1);
}

}  // namespace lathe::metrics
