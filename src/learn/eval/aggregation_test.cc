#include "learn/eval/aggregation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lathe::eval {
namespace {

using Items = std::vector<Json>;

double Value(std::string_view name, const Items& items) {
    auto value = Aggregate(name, items);
    EXPECT_TRUE(value) << value.error().message;
    return value.value_or(NAN);
}

std::optional<double> Error(std::string_view name, const Items& items) {
    auto error = StandardError(name, items);
    EXPECT_TRUE(error) << error.error().message;
    return error.value_or(std::nullopt);
}

TEST(Aggregation, OfMeansHasTheErrorOfASample) {
    Items items = {1, 0, 1, 1};
    EXPECT_DOUBLE_EQ(Value("mean", items), 0.75);
    EXPECT_DOUBLE_EQ(*Error("mean", items), std::sqrt(0.75 / 3 / 4));
    EXPECT_EQ(Error("mean", {1}), std::nullopt);
}

TEST(Aggregation, OfLikelihoodsWeighsThem) {
    Items items = {{-10.0, 2}, {-20.0, 8}};
    EXPECT_DOUBLE_EQ(Value("weighted_perplexity", items), std::exp(3.0));
    EXPECT_DOUBLE_EQ(Value("bits_per_byte", items), 3 / std::log(2.0));
    EXPECT_DOUBLE_EQ(Value("perplexity", {-1.0, -3.0}), std::exp(2.0));
    EXPECT_EQ(Error("weighted_perplexity", items), std::nullopt);
}

// Expected values from scikit-learn's f1_score and matthews_corrcoef.
TEST(Aggregation, OfLabels) {
    Items items = {{1, 1}, {1, 0}, {0, 1}, {0, 0}, {1, 1}};
    EXPECT_DOUBLE_EQ(Value("f1", items), 2.0 / 3);
    EXPECT_NEAR(Value("matthews_corrcoef", items), 0.16666666666666666, 1e-12);
    EXPECT_DOUBLE_EQ(Value("brier_score", {{1, {0.25, 0.75}}, {0, {1.0, 0.0}}}), 0.0625);
    EXPECT_FALSE(Aggregate("f1", Items{{2, 1}}));
}

TEST(Aggregation, RefusesItemsItIsNotFor) {
    EXPECT_FALSE(Aggregate("mean", Items{{1, 2}}));
    EXPECT_FALSE(Aggregate("weighted_perplexity", Items{1}));
    EXPECT_FALSE(Aggregate("mode", Items{1}));
}

TEST(Aggregation, OfGroupsPoolsErrors) {
    std::vector<double> errors = {0.1, 0.2};
    std::vector<double> sizes = {10, 30};
    EXPECT_DOUBLE_EQ(PooledError(errors, sizes),
                     std::sqrt((9 * 0.01 * 10 + 29 * 0.04 * 30) / 38 / 40));
    EXPECT_DOUBLE_EQ(UnweightedError(errors), std::sqrt(0.05) / 2);
}

}  // namespace
}  // namespace lathe::eval
