#include "learn/metrics/classification.h"

#include <gtest/gtest.h>

#include "learn/metrics/golden.h"

namespace lathe::metrics {
namespace {

TEST(Classification, ScoresAsScikitLearnDoes) {
    size_t count = 0;
    for (const Json& golden : ReadGolden("classification")) {
        std::vector<Label> expected = golden["expected"], given = golden["given"];
        LabelPairs pairs{.expected = expected, .given = given};
        EXPECT_NEAR(MacroF1(pairs), golden["macro_f1"].get<double>(), 1e-12);
        EXPECT_NEAR(BinaryF1(pairs), golden["binary_f1"].get<double>(), 1e-12);
        EXPECT_NEAR(MatthewsCorrelation(pairs), golden["mcc"].get<double>(), 1e-12);
        std::optional<double> kappa = CohensKappa(pairs);
        ASSERT_EQ(kappa.has_value(), !golden["kappa"].is_null());
        if (kappa) {
            EXPECT_NEAR(*kappa, golden["kappa"].get<double>(), 1e-12);
        }
        ++count;
    }
    EXPECT_EQ(count, 5u);
}

TEST(Classification, NothingToScoreIsZeroAndNoAgreement) {
    EXPECT_EQ(MacroF1({}), 0);
    EXPECT_EQ(MatthewsCorrelation({}), 0);
    EXPECT_EQ(CohensKappa({}), std::nullopt);
}

TEST(Classification, KappaIsOneForRatersWhoAlwaysAgree) {
    std::vector<Label> labels{0, 1, 2, 1};
    EXPECT_DOUBLE_EQ(*CohensKappa({.expected = labels, .given = labels}), 1);
}

}  // namespace
}  // namespace lathe::metrics
