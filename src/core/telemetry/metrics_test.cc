#include "core/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace lathe::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, WritesCountersWithHelpTypeAndLabels) {
    Metrics metrics;
    auto counter = metrics.AddCounter("vllm:prompt_tokens_total", "Prompt tokens.",
                                      {{"model_name", "tiny \"a\""}});
    counter.Add(3);
    counter.Add();
    auto text = metrics.Serialize();
    EXPECT_THAT(text, HasSubstr("# HELP vllm:prompt_tokens_total Prompt tokens.\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE vllm:prompt_tokens_total counter\n"));
    EXPECT_THAT(text, HasSubstr("vllm:prompt_tokens_total{model_name=\"tiny \\\"a\\\"\"} 4\n"));
    EXPECT_EQ(counter.value(), 4);
}

TEST(Metrics, GivesTheSameSeriesForTheSameNameAndLabels) {
    Metrics metrics;
    metrics.AddCounter("hits", "h", {{"route", "a"}}).Add();
    metrics.AddCounter("hits", "h", {{"route", "a"}}).Add();
    metrics.AddCounter("hits", "h", {{"route", "b"}}).Add();
    auto text = metrics.Serialize();
    EXPECT_THAT(text, HasSubstr("hits{route=\"a\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("hits{route=\"b\"} 1\n"));
    EXPECT_EQ(text.find("# TYPE hits"), text.rfind("# TYPE hits"));
}

TEST(Metrics, CountsObservationsInCumulativeBuckets) {
    Metrics metrics;
    std::array<double, 2> bounds = {0.5, 1};
    auto histogram = metrics.AddHistogram("wait_seconds", "w", bounds);
    for (double value : {0.1, 0.7, 0.7, 9.0}) histogram.Observe(value);
    auto text = metrics.Serialize();
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"0.5\"} 1\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"1\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"+Inf\"} 4\n"));
    EXPECT_THAT(text, HasSubstr("wait_seconds_count 4\n"));
}

TEST(Metrics, RefreshesGaugesWhenCollected) {
    Metrics metrics;
    auto gauge = metrics.AddGauge("running", "r");
    int running = 5;
    metrics.OnCollect([&] { gauge.Set(running); });
    EXPECT_THAT(metrics.Serialize(), HasSubstr("running 5\n"));
    running = 2;
    EXPECT_THAT(metrics.Serialize(), HasSubstr("running 2\n"));
}

TEST(Metrics, HandleWithoutASeriesCountsNothing) {
    Counter counter;
    counter.Add(2);
    EXPECT_EQ(counter.value(), 0);
    Metrics metrics;
    EXPECT_THAT(metrics.Serialize(), Not(HasSubstr("2")));
}

TEST(Metrics, AddsUpWhatManyThreadsCount) {
    Metrics metrics;
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&metrics] {
                auto counter = metrics.AddCounter("n", "n");
                for (int i = 0; i < 1000; ++i) counter.Add();
            });
    }
    EXPECT_THAT(metrics.Serialize(), HasSubstr("n 4000\n"));
}

}  // namespace
}  // namespace lathe::telemetry
