#include "learn/metrics/classification.h"

#include <cmath>
#include <map>

#include "core/base/check.h"

namespace lathe::metrics {
namespace {

struct LabelCounts {
    double expected = 0;
    double given = 0;
    double both = 0;
};

std::map<Label, LabelCounts> CountLabels(const LabelPairs& pairs) {
    LATHE_CHECK(pairs.expected.size() == pairs.given.size());
    std::map<Label, LabelCounts> counts;
    for (size_t i = 0; i < pairs.expected.size(); ++i) {
        ++counts[pairs.expected[i]].expected;
        ++counts[pairs.given[i]].given;
        if (pairs.expected[i] == pairs.given[i]) ++counts[pairs.given[i]].both;
    }
    return counts;
}

double F1(const LabelCounts& counts) {
    double sum = counts.expected + counts.given;
    return sum == 0 ? 0 : 2 * counts.both / sum;
}

}  // namespace

double BinaryF1(const LabelPairs& pairs, Label positive) {
    return F1(CountLabels(pairs)[positive]);
}

double MacroF1(const LabelPairs& pairs) {
    std::map<Label, LabelCounts> counts = CountLabels(pairs);
    double sum = 0;
    for (const auto& [label, one] : counts) sum += F1(one);
    return counts.empty() ? 0 : sum / static_cast<double>(counts.size());
}

double MatthewsCorrelation(const LabelPairs& pairs) {
    auto n = static_cast<double>(pairs.expected.size());
    double both = 0, cross = 0, expected = 0, given = 0;
    for (const auto& [label, one] : CountLabels(pairs)) {
        both += one.both;
        cross += one.expected * one.given;
        expected += one.expected * one.expected;
        given += one.given * one.given;
    }
    double spread = (n * n - expected) * (n * n - given);
    return spread <= 0 ? 0 : (both * n - cross) / std::sqrt(spread);
}

std::optional<double> CohensKappa(const LabelPairs& pairs) {
    auto n = static_cast<double>(pairs.expected.size());
    double agreed = 0, by_chance = 0;
    for (const auto& [label, one] : CountLabels(pairs)) {
        agreed += one.both / n;
        by_chance += one.expected * one.given / (n * n);
    }
    if (n == 0 || by_chance >= 1) return std::nullopt;
    return (agreed - by_chance) / (1 - by_chance);
}

}  // namespace lathe::metrics
