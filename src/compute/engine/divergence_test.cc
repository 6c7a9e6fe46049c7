#include "compute/engine/divergence.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/fake_runner.h"

namespace lathe::engine {
namespace {

using testing_support::FakeRunner;

std::vector<TokenId> Text(size_t count) {
    std::vector<TokenId> ids(count);
    for (size_t i = 0; i < count; ++i) ids[i] = static_cast<TokenId>(i * 31 % 256);
    return ids;
}

// Logits that put all weight on `likely` but for `rest` nats to each other token.
void Peak(std::span<float> logits, size_t likely, float rest) {
    for (float& logit : logits) logit = rest;
    logits[likely] = 0;
}

TEST(KlDivergence, IsThatOfTwoCoins) {
    std::vector<float> fair{std::log(0.5f), std::log(0.5f)};
    std::vector<float> bent{std::log(0.25f), std::log(0.75f)};
    EXPECT_NEAR(KlDivergence(fair, bent), 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3), 1e-6);
    EXPECT_EQ(KlDivergence(fair, fair), 0);
}

TEST(LogSoftmax, SumsToOneForLargeAndSmallLogits) {
    std::vector<float> logits{1000, 999, -1000};
    std::vector<float> logprobs(3);
    LogSoftmax(logits, logprobs);
    EXPECT_NEAR(logprobs[0], -std::log(1 + std::exp(-1.0)), 1e-4);
    EXPECT_NEAR(std::exp(logprobs[0]) + std::exp(logprobs[1]), 1, 1e-6);
}

TEST(DivergenceMeter, FindsNothingBetweenAModelAndItself) {
    FakeRunner reference;
    FakeRunner same({.page_count = 40, .page_tokens = 4, .batch_tokens_max = 16});
    std::vector<std::vector<TokenId>> windows{Text(100), Text(33), Text(1)};
    size_t last_done = 0;
    DivergenceMeter meter({.reference = &reference, .other = &same});
    auto report = meter.Measure(windows, [&](size_t done, size_t total) {
        last_done = done;
        EXPECT_EQ(total, 134u);
    });
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(last_done, 134u);
    EXPECT_EQ(report->positions, 134u);
    EXPECT_EQ(report->kl_max, 0);
    EXPECT_EQ(report->top1_agreement, 1);
    EXPECT_EQ(report->reference_nll, report->other_nll);
}

TEST(DivergenceMeter, CountsThePositionsWhereTheLikeliestTokenDiffers) {
    FakeRunner reference;
    FakeRunner other;
    reference.SetLogits([](auto, std::span<float> logits) { Peak(logits, 7, -20); });
    other.SetLogits([](std::span<const TokenId> history, std::span<float> logits) {
        Peak(logits, history.size() % 10 == 0 ? 8 : 7, -20);
    });
    std::vector<std::vector<TokenId>> windows{Text(50)};
    DivergenceMeter meter({.reference = &reference, .other = &other});
    auto report = meter.Measure(windows, nullptr);
    ASSERT_TRUE(report);
    EXPECT_DOUBLE_EQ(report->top1_agreement, 0.9);
    // One position in ten costs 20 nats.
    EXPECT_NEAR(report->kl_mean, 2, 1e-3);
    EXPECT_NEAR(report->kl_p99, 20, 1e-2);
    EXPECT_NEAR(report->kl_max, 20, 1e-2);
}

class Recorder : public LogprobWriter {
public:
    Status BeginWindow(std::span<const TokenId> ids) override {
        lengths.push_back(ids.size());
        return {};
    }
    Status Rows(std::span<const float> logprobs) override {
        values += logprobs.size();
        if (fails) return MakeError(Code::kInternal, "disk full");
        return {};
    }
    std::vector<size_t> lengths;
    size_t values = 0;
    bool fails = false;
};

TEST(DivergenceMeter, HandsTheReferenceToAWriterWithoutASecondModel) {
    FakeRunner reference;
    Recorder recorder;
    std::vector<std::vector<TokenId>> windows{Text(70), Text(5)};
    DivergenceMeter meter({.reference = &reference, .writer = &recorder});
    auto report = meter.Measure(windows, nullptr);
    ASSERT_TRUE(report);
    EXPECT_EQ(recorder.lengths, (std::vector<size_t>{70, 5}));
    EXPECT_EQ(recorder.values, 75u * 257u);
    EXPECT_GT(report->reference_nll, 0);
    EXPECT_EQ(report->kl_mean, 0);
}

TEST(DivergenceMeter, StopsWhenTheWriterFails) {
    FakeRunner reference;
    Recorder recorder;
    recorder.fails = true;
    std::vector<std::vector<TokenId>> windows{Text(70)};
    DivergenceMeter meter({.reference = &reference, .writer = &recorder});
    auto report = meter.Measure(windows, nullptr);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().message, "disk full");
}

TEST(DivergenceMeter, RefusesWindowsThatDoNotFitAndTokensThatDoNotExist) {
    FakeRunner reference;
    DivergenceMeter meter({.reference = &reference});
    using Windows = std::vector<std::vector<TokenId>>;
    EXPECT_FALSE(meter.Measure(Windows{}, nullptr));
    EXPECT_FALSE(meter.Measure(Windows{{}}, nullptr));
    EXPECT_FALSE(meter.Measure(Windows{Text(257)}, nullptr));
    EXPECT_FALSE(meter.Measure(Windows{{1, 257}}, nullptr));
    EXPECT_FALSE(meter.Measure(Windows{{-1}}, nullptr));
    EXPECT_TRUE(meter.Measure(Windows{Text(256)}, nullptr));
}

}  // namespace
}  // namespace lathe::engine
