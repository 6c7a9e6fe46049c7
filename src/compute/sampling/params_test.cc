#include "compute/sampling/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace lathe::sampling {
namespace {

using ::testing::HasSubstr;

constexpr size_t kVocab = 100;

struct Case {
    const char* param;
    std::function<void(SamplingParams&)> spoil;
};

TEST(SamplingParams, AreValidByDefault) {
    EXPECT_TRUE(Validate({}, kVocab));
}

TEST(SamplingParams, AreRefusedByNameWhenOutOfRange) {
    static constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
    static constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const Case cases[] = {
        {"temperature", [](auto& p) { p.temperature = -0.1f; }},
        {"temperature", [](auto& p) { p.temperature = kNan; }},
        {"temperature", [](auto& p) { p.temperature = kInfinity; }},
        {"top_k", [](auto& p) { p.top_k = -2; }},
        {"top_p", [](auto& p) { p.top_p = 0; }},
        {"top_p", [](auto& p) { p.top_p = 1.5f; }},
        {"top_p", [](auto& p) { p.top_p = kNan; }},
        {"min_p", [](auto& p) { p.min_p = -1; }},
        {"typical_p", [](auto& p) { p.typical_p = 0; }},
        {"repetition_penalty", [](auto& p) { p.repetition_penalty = 0; }},
        {"repetition_penalty", [](auto& p) { p.repetition_penalty = kNan; }},
        {"frequency_penalty", [](auto& p) { p.frequency_penalty = 2.5f; }},
        {"presence_penalty", [](auto& p) { p.presence_penalty = -2.5f; }},
        {"logit_bias", [](auto& p) { p.logit_bias = {{100, 1.0f}}; }},
        {"logit_bias", [](auto& p) { p.logit_bias = {{-1, 1.0f}}; }},
        {"logit_bias", [](auto& p) { p.logit_bias = {{1, 101.0f}}; }},
        {"logit_bias", [](auto& p) { p.logit_bias = {{1, kNan}}; }},
        {"logit_bias", [](auto& p) { p.logit_bias.assign(5000, {1, 1.0f}); }},
    };
    for (const Case& c : cases) {
        SamplingParams params;
        c.spoil(params);
        Status status = Validate(params, kVocab);
        ASSERT_FALSE(status) << c.param;
        EXPECT_EQ(status.error().code, Code::kInvalidArgument);
        EXPECT_EQ(status.error().param, c.param);
        EXPECT_THAT(status.error().message, HasSubstr(c.param));
    }
}

TEST(SamplingParams, NameTheTokenAndTheVocabularyOfABadBias) {
    SamplingParams params;
    params.logit_bias = {{5, 1.0f}, {100, 1.0f}};
    EXPECT_THAT(Validate(params, kVocab).error().message,
                HasSubstr("token 100; the vocabulary has 0 to 99"));
}

}  // namespace
}  // namespace lathe::sampling
