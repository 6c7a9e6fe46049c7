#include "learn/metrics/estimate.h"

#include <gtest/gtest.h>

#include "learn/metrics/bootstrap.h"
#include "learn/metrics/golden.h"

namespace lathe::metrics {
namespace {

void ExpectInterval(const Interval& interval, const Json& golden, double tolerance) {
    EXPECT_NEAR(interval.low, golden[0].get<double>(), tolerance);
    EXPECT_NEAR(interval.high, golden[1].get<double>(), tolerance);
}

TEST(Estimate, MeansAndStandardErrorsAreScipys) {
    for (const Json& golden : ReadGolden("estimate")["means"]) {
        MeanEstimate estimate = EstimateMean(golden["values"].get<std::vector<double>>());
        EXPECT_NEAR(estimate.mean, golden["mean"].get<double>(), 1e-14);
        EXPECT_NEAR(*estimate.deviation, golden["deviation"].get<double>(), 1e-14);
        EXPECT_NEAR(*estimate.standard_error, golden["standard_error"].get<double>(), 1e-14);
    }
}

TEST(Estimate, OneValueHasNoStandardError) {
    MeanEstimate one = EstimateMean(std::vector<double>{3});
    EXPECT_EQ(one.mean, 3);
    EXPECT_EQ(one.standard_error, std::nullopt);
    EXPECT_EQ(EstimateMean({}).count, 0u);
}

TEST(Estimate, NormalQuantilesAreScipys) {
    for (const Json& golden : ReadGolden("estimate")["quantiles"]) {
        auto z = golden["z"].get<double>();
        EXPECT_NEAR(NormalQuantile(golden["p"]), z, 1e-12 + std::abs(z) * 1e-7 * (z > 4)) << z;
    }
}

TEST(Estimate, WilsonIntervalsAreStatsmodels) {
    for (const Json& golden : ReadGolden("estimate")["wilson"])
        ExpectInterval(WilsonInterval(golden["successes"], golden["trials"], golden["level"]),
                       golden["interval"], 1e-12);
    EXPECT_EQ(WilsonInterval(0, 0), (Interval{.low = 0, .high = 1}));
}

TEST(Estimate, PassAtKIsTheShareOfSelectionsWithAPass) {
    for (const Json& golden : ReadGolden("estimate")["pass_at_k"])
        EXPECT_NEAR(PassAtK(golden["samples"], golden["passed"], golden["k"]),
                    golden["value"].get<double>(), 1e-12)
            << golden;
}

TEST(Bootstrap, IntervalsOfGivenReplicatesAreScipys) {
    for (const Json& golden : ReadGolden("bootstrap")) {
        std::vector<double> values = golden["values"], replicates = golden["replicates"];
        double mean = EstimateMean(values).mean;
        for (const Json& one : golden["intervals"]) {
            Interval interval =
                one["method"] == "BCa"
                    ? BcaInterval(mean, replicates, LeaveOneOutMeans(values), one["level"])
                    : PercentileInterval(replicates, one["level"]);
            SCOPED_TRACE(one.dump());
            ExpectInterval(interval, one["interval"], 1e-12);
        }
    }
}

TEST(Bootstrap, ItsOwnDrawsLeadToTheSameIntervals) {
    for (const Json& golden : ReadGolden("bootstrap")) {
        std::vector<double> values = golden["values"];
        Interval interval =
            BcaInterval(EstimateMean(values).mean, BootstrapMeans(values, {.replicates = 20'000}),
                        LeaveOneOutMeans(values));
        double width = golden["long_run"][1].get<double>() - golden["long_run"][0].get<double>();
        ExpectInterval(interval, golden["long_run"], 0.05 * width);
    }
}

TEST(Bootstrap, DrawsDependOnTheSeedAlone) {
    std::vector<double> values{1, 2, 3, 4, 5, 6, 7};
    EXPECT_EQ(BootstrapMeans(values, {.replicates = 50, .seed = 7}),
              BootstrapMeans(values, {.replicates = 50, .seed = 7}));
    EXPECT_NE(BootstrapMeans(values, {.replicates = 50, .seed = 7}),
              BootstrapMeans(values, {.replicates = 50, .seed = 8}));
    // More replicates begin with the same ones.
    std::vector<double> longer = BootstrapMeans(values, {.replicates = 60, .seed = 7});
    longer.resize(50);
    EXPECT_EQ(BootstrapMeans(values, {.replicates = 50, .seed = 7}), longer);
}

TEST(Bootstrap, TheJackknifeLeavesEachDocumentOutOnce) {
    std::vector<double> values{1, 2, 4, 8};
    auto mean = [&](std::span<const uint32_t> documents) {
        double sum = 0;
        for (uint32_t document : documents) sum += values[document];
        return sum / static_cast<double>(documents.size());
    };
    EXPECT_EQ(LeaveOneOut(4, mean), LeaveOneOutMeans(values));
}

TEST(Bootstrap, ConstantValuesHaveAnIntervalOfNoWidth) {
    std::vector<double> values(10, 0.25);
    Interval interval =
        BcaInterval(0.25, BootstrapMeans(values, {.replicates = 100}), LeaveOneOutMeans(values));
    EXPECT_EQ(interval, (Interval{.low = 0.25, .high = 0.25}));
}

}  // namespace
}  // namespace lathe::metrics
