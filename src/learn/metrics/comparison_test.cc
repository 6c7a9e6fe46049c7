#include "learn/metrics/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "learn/metrics/golden.h"

namespace lathe::metrics {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Comparison, McNemarIsStatsmodels) {
    for (const Json& golden : ReadGolden("paired")["mcnemar"]) {
        auto p = golden["p"].get<double>();
        EXPECT_NEAR(McNemarPValue(golden["better"], golden["worse"]), p, 1e-9 * p + 1e-300)
            << golden;
    }
}

TEST(Comparison, ThePermutationTestIsScipys) {
    for (const Json& golden : ReadGolden("paired")["permutation"]) {
        std::vector<double> baseline = golden["baseline"], candidate = golden["candidate"];
        double p = PermutationPValue({.baseline = baseline, .candidate = candidate},
                                     {.replicates = 40'000});
        // Few documents: all flips on both sides. Many: draws of two generators.
        double tolerance = baseline.size() <= kFlipsExactMax ? 1e-12 : 0.015;
        EXPECT_NEAR(p, golden["p"].get<double>(), tolerance) << baseline.size();
    }
}

TEST(Comparison, HolmIsStatsmodels) {
    for (const Json& golden : ReadGolden("paired")["holm"]) {
        std::vector<double> corrected = HolmCorrection(golden["p"].get<std::vector<double>>());
        for (size_t i = 0; i < corrected.size(); ++i)
            EXPECT_NEAR(corrected[i], golden["corrected"][i].get<double>(), 1e-14);
    }
    EXPECT_TRUE(HolmCorrection({}).empty());
}

// `better` documents go from 0 to 1, `worse` back, the rest stay.
Comparison CompareChanged(size_t better, size_t worse, size_t same) {
    std::vector<double> baseline, candidate;
    for (size_t i = 0; i < better + worse + same; ++i) {
        double before = i < better ? 0 : i < better + worse ? 1 : double(i % 2);
        baseline.push_back(before);
        candidate.push_back(i < better + worse ? 1 - before : before);
    }
    return Compare({.baseline = baseline, .candidate = candidate});
}

TEST(Comparison, CountsWhoChangedSides) {
    Comparison comparison = CompareChanged(12, 3, 85);
    EXPECT_EQ(comparison.documents, 100u);
    EXPECT_EQ(comparison.higher, 12u);
    EXPECT_EQ(comparison.lower, 3u);
    EXPECT_EQ(comparison.test, PairedTest::kMcNemar);
    EXPECT_NEAR(comparison.difference.mean, 0.09, 1e-12);
    EXPECT_LT(comparison.interval.low, 0.09);
    EXPECT_GT(comparison.interval.high, 0.09);
}

TEST(Comparison, SaysWhichIsBetterAndHowItKnows) {
    std::string better =
        Conclusion(CompareChanged(30, 3, 167), {.baseline = "A", .candidate = "B"});
    EXPECT_THAT(better,
                StartsWith("B is better than A on documents like these 200: +13.50 points"));
    EXPECT_THAT(better, HasSubstr("McNemar p = 1.4e-06"));
    std::string worse = Conclusion(CompareChanged(3, 30, 167), {.baseline = "A", .candidate = "B"});
    EXPECT_THAT(worse, StartsWith("B is worse than A"));
    std::string loss = Conclusion(CompareChanged(3, 30, 167),
                                  {.baseline = "A", .candidate = "B", .higher_is_better = false});
    EXPECT_THAT(loss, StartsWith("B is better than A"));
}

TEST(Comparison, SaysThatItCannotTellAndWhatItWouldTake) {
    std::string text = Conclusion(CompareChanged(6, 4, 90), {.baseline = "A", .candidate = "B"});
    EXPECT_THAT(text, StartsWith("100 documents do not tell B and A apart: +2.00 points"));
    // (1.960 + 0.842)^2 * 0.1006 / 0.02^2, rounded up
    EXPECT_THAT(text, HasSubstr("takes about 1975 documents"));
}

TEST(Comparison, OneFindingAmongManyMayBeChance) {
    Comparison comparison = CompareChanged(9, 1, 90);
    EXPECT_THAT(Conclusion(comparison), StartsWith("the candidate is better"));
    comparison.comparisons = 8;
    comparison.p_value_corrected = 8 * comparison.p_value;
    EXPECT_THAT(Conclusion(comparison), HasSubstr("do not tell"));
    EXPECT_THAT(Conclusion(comparison), HasSubstr("after Holm's correction for 8 comparisons"));
}

TEST(Comparison, SameScoresAreNoProofOfEquality) {
    // 1 - 0.05^(1/50)
    EXPECT_THAT(Conclusion(CompareChanged(0, 0, 50)), HasSubstr("up to 5.8 % of documents"));
    EXPECT_THAT(Conclusion(Compare({})), HasSubstr("nothing to compare"));
}

TEST(Comparison, FindsInWordsAndNumbersWhatTheSentenceSays) {
    auto name = [](const Comparison& comparison, bool higher_is_better) {
        return VerdictName(FindingOf(comparison, higher_is_better).verdict);
    };
    EXPECT_EQ(name(CompareChanged(30, 3, 167), true), "better");
    EXPECT_EQ(name(CompareChanged(3, 30, 167), true), "worse");
    EXPECT_EQ(name(CompareChanged(3, 30, 167), false), "better");
    EXPECT_EQ(name(Compare({}), true), "open");
    Finding open = FindingOf(CompareChanged(6, 4, 90), true);
    EXPECT_EQ(VerdictName(open.verdict), "open");
    EXPECT_EQ(open.documents_needed, 1975u);
    EXPECT_NEAR(open.alpha, 0.05, 1e-12);
    Finding same = FindingOf(CompareChanged(0, 0, 50), true);
    EXPECT_EQ(VerdictName(same.verdict), "same");
    EXPECT_NEAR(same.share_differing_max.value(), 1 - std::pow(0.05, 0.02), 1e-12);
    EXPECT_EQ(same.documents_needed, std::nullopt);
    Comparison among = CompareChanged(9, 1, 90);
    EXPECT_EQ(name(among, true), "better");
    among.p_value_corrected = 8 * among.p_value;
    EXPECT_EQ(name(among, true), "open");
}

TEST(Comparison, ScoresOtherThanZeroAndOneArePermuted) {
    std::vector<double> baseline, candidate;
    for (int i = 0; i < 40; ++i) {
        baseline.push_back(20 + i % 7);
        candidate.push_back(baseline.back() + (i % 5 == 0 ? -1 : 2));
    }
    Comparison comparison = Compare({.baseline = baseline, .candidate = candidate});
    EXPECT_EQ(comparison.test, PairedTest::kPermutation);
    EXPECT_LT(comparison.p_value, 0.001);
    EXPECT_THAT(Conclusion(comparison), HasSubstr("+1.40 (95 % interval"));
    EXPECT_THAT(Conclusion(comparison), HasSubstr("permutation test"));
}

TEST(Comparison, APairedBootstrapWorksForAnyStatistic) {
    std::vector<double> baseline{1, 2, 3, 4, 5, 6, 7, 8}, candidate{2, 3, 4, 6, 6, 7, 9, 9};
    auto ratio = [&](std::span<const uint32_t> documents) {
        double above = 0, below = 0;
        for (uint32_t i : documents) above += candidate[i], below += baseline[i];
        return above / below - 1;
    };
    std::vector<double> replicates = BootstrapReplicates(8, ratio, {.replicates = 2000});
    EXPECT_LT(BootstrapPValue(46.0 / 36 - 1, replicates), 0.01);
    EXPECT_GT(BootstrapPValue(0.01, replicates), 0.5);
}

}  // namespace
}  // namespace lathe::metrics
