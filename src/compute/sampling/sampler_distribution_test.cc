// Frequencies of drawn tokens against the probabilities of the reference: Pearson's
// chi-square. Seeds are fixed, so that the outcome of the test is too.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "compute/sampling/reference_sampler.h"
#include "compute/sampling/sampler.h"

namespace lathe::sampling {
namespace {

constexpr int kDraws = 20000;

std::vector<float> RandomRow(size_t size) {
    std::mt19937 random(21);
    std::normal_distribution<float> normal(0, 2);
    std::vector<float> row(size);
    for (float& x : row) x = normal(random);
    return row;
}

// Sum of (observed - expected)^2 / expected, rare outcomes pooled, and how many terms it has.
struct ChiSquare {
    double value = 0;
    int terms = 0;
    void Add(double observed, double expected) {
        value += (observed - expected) * (observed - expected) / expected;
        ++terms;
    }
    // Six standard deviations above the mean of the distribution it follows.
    double bound() const { return terms - 1 + 6 * std::sqrt(2.0 * terms); }
};

ChiSquare Compare(const std::map<TokenId, int>& counts,
                  const std::vector<reference::Outcome>& outcomes) {
    ChiSquare chi;
    double rare_observed = 0;
    double rare_expected = 0;
    for (const reference::Outcome& o : outcomes) {
        auto found = counts.find(o.token);
        double observed = found == counts.end() ? 0 : found->second;
        double expected = o.probability * kDraws;
        if (expected < 8) {
            rare_observed += observed;
            rare_expected += expected;
        } else {
            chi.Add(observed, expected);
        }
    }
    if (rare_expected > 0) chi.Add(rare_observed, rare_expected);
    return chi;
}

void ExpectRightFrequencies(const SamplingParams& params, size_t vocab) {
    std::vector<float> row = RandomRow(vocab);
    auto outcomes = reference::Outcomes(reference::Penalize(row, params, {}, {}, {}), params);
    std::map<TokenId, int> counts;
    Scratch scratch;
    Sampler sampler(params, 77, 0);
    for (int i = 0; i < kDraws; ++i) {
        TokenId token = sampler.Choose(row, {}, scratch).value();
        ++counts[token];
        sampler.Accept(token);  // the next position
    }
    for (auto [token, count] : counts)
        ASSERT_TRUE(std::ranges::any_of(outcomes, [&](auto& o) { return o.token == token; }))
            << token << " cannot follow";
    ChiSquare chi = Compare(counts, outcomes);
    EXPECT_LT(chi.value, chi.bound()) << chi.terms << " terms";
}

TEST(SamplerDistribution, IsTheSoftmaxWithoutFilters) {
    ExpectRightFrequencies({}, 700);
    ExpectRightFrequencies({.temperature = 0.5f}, 700);
    ExpectRightFrequencies({.temperature = 1.8f}, 70);
}

TEST(SamplerDistribution, IsRightUnderTopKAndTopP) {
    ExpectRightFrequencies({.top_k = 20}, 700);
    ExpectRightFrequencies({.top_p = 0.8f}, 700);
    ExpectRightFrequencies({.temperature = 1.4f, .top_k = 50, .top_p = 0.7f}, 700);
}

TEST(SamplerDistribution, IsRightUnderMinPAndTypical) {
    ExpectRightFrequencies({.min_p = 0.1f}, 700);
    ExpectRightFrequencies({.typical_p = 0.5f}, 700);
    ExpectRightFrequencies({.top_k = 100, .top_p = 0.95f, .min_p = 0.02f, .typical_p = 0.9f}, 700);
}

}  // namespace
}  // namespace lathe::sampling
