#include "compute/engine/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe::engine {
namespace {

// Counts how often each token of a text of `count` is scored.
std::vector<int> ScoredCounts(size_t count, const std::vector<ScoreWindow>& windows) {
    std::vector<int> counts(count);
    for (const ScoreWindow& window : windows)
        for (size_t i = window.scored; i < window.end; ++i) ++counts[i];
    return counts;
}

TEST(CutWindows, SlidingWindowsCountEveryTokenButTheFirstOnce) {
    std::vector<int> counts = ScoredCounts(103, CutWindows(103, 20, 7, false));
    EXPECT_EQ(counts[0], 0);
    for (size_t i = 1; i < counts.size(); ++i) EXPECT_EQ(counts[i], 1) << i;
}

TEST(CutWindows, DisjointWindowsLeaveOutEachFirstTokenUnlessThereIsAPrefix) {
    std::vector<int> counts = ScoredCounts(50, CutWindows(50, 20, 20, false));
    for (size_t i = 0; i < counts.size(); ++i) EXPECT_EQ(counts[i], i % 20 == 0 ? 0 : 1) << i;
    for (int count : ScoredCounts(50, CutWindows(50, 20, 20, true))) EXPECT_EQ(count, 1);
}

// A scorer for which token t costs t / 8 nats, whatever stands before it.
Result<std::vector<float>> CostById(std::span<const TokenId> ids) {
    std::vector<float> logprobs;
    for (TokenId id : ids.subspan(1)) logprobs.push_back(-static_cast<float>(id) / 8);
    return logprobs;
}

TEST(Perplexity, IsTheExponentialOfTheMeanCostWithItsError) {
    std::vector<TokenId> text{5, 8, 16, 8, 16};
    auto report = MeasurePerplexity(CostById, 100, text, {}, nullptr);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->tokens, 4u);
    EXPECT_DOUBLE_EQ(report->nll, 6);
    EXPECT_DOUBLE_EQ(report->perplexity, std::exp(1.5));
    // Costs 1, 2, 1, 2: variance 1/3, four of them.
    EXPECT_NEAR(report->standard_error, std::exp(1.5) * std::sqrt(1.0 / 12), 1e-12);
}

TEST(Perplexity, RefusesWindowsAndStridesThatDoNotFit) {
    std::vector<TokenId> text(50, 1);
    EXPECT_FALSE(MeasurePerplexity(CostById, 10, text, {.window = 10}, nullptr));
    EXPECT_TRUE(MeasurePerplexity(CostById, 10, text, {.window = 9}, nullptr));
    EXPECT_FALSE(MeasurePerplexity(CostById, 10, text, {.window = 9, .prefix = 1}, nullptr));
    EXPECT_FALSE(MeasurePerplexity(CostById, 10, text, {.window = 5, .stride = 6}, nullptr));
    EXPECT_FALSE(MeasurePerplexity(CostById, 10, std::vector<TokenId>{1}, {}, nullptr));
}

}  // namespace
}  // namespace lathe::engine
