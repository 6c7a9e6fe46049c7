#include "compute/sampling/logprobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace lathe::sampling {
namespace {

TEST(RowLogprobs, AgreeWithDoublePrecision) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0, 6);
    Scratch scratch;
    for (size_t size : {size_t{3}, size_t{640}, size_t{49152}, size_t{262144}}) {
        std::vector<float> row(size);
        for (float& x : row) x = normal(random);
        double max = *std::max_element(row.begin(), row.end());
        double sum = 0;
        for (float x : row) sum += std::exp(x - max);
        RowLogprobs logprobs(row, scratch);
        for (size_t i = 0; i < size; i += 1 + size / 50)
            EXPECT_NEAR(logprobs.Of(static_cast<TokenId>(i)), row[i] - max - std::log(sum), 1e-5);
    }
}

TEST(RowLogprobs, ListTheBestFirstAndEqualsByRisingId) {
    std::vector<float> row(100, 0.0f);
    row[50] = row[20] = 2.0f;
    row[70] = 3.0f;
    Scratch scratch;
    RowLogprobs logprobs(row, scratch);
    std::vector<TokenLogprob> top;
    logprobs.Top(5, top);
    ASSERT_EQ(top.size(), 5u);
    std::vector<TokenId> tokens;
    for (const TokenLogprob& t : top) {
        tokens.push_back(t.token);
        EXPECT_EQ(t.logprob, logprobs.Of(t.token));
    }
    EXPECT_THAT(tokens, ::testing::ElementsAre(70, 20, 50, 0, 1));
    logprobs.Top(0, top);
    EXPECT_TRUE(top.empty());
}

TEST(RowLogprobs, AreNotNumbersIfALogitIsNot) {
    std::vector<float> row(100, 0.0f);
    row[3] = std::numeric_limits<float>::quiet_NaN();
    Scratch scratch;
    RowLogprobs logprobs(row, scratch);
    EXPECT_TRUE(std::isnan(logprobs.Of(5)));
    std::vector<TokenLogprob> top(1);
    logprobs.Top(3, top);
    EXPECT_TRUE(top.empty());
}

TEST(RowLogprobs, GiveMinusInfinityToAMaskedToken) {
    std::vector<float> row(100, 0.0f);
    row[3] = -std::numeric_limits<float>::infinity();
    Scratch scratch;
    EXPECT_EQ(RowLogprobs(row, scratch).Of(3), row[3]);
}

}  // namespace
}  // namespace lathe::sampling
