#include "compute/engine/request_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <functional>

namespace lathe::engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr RequestLimits kLimits{
    .context_length = 100, .vocab_size = 50, .page_count = 10, .page_tokens = 10};

GenerationRequest Valid() {
    GenerationRequest request;
    request.prompt = {1, 2, 3};
    return request;
}

Error ErrorOf(const std::function<void(GenerationRequest&)>& spoil,
              const RequestLimits& limits = kLimits) {
    GenerationRequest request = Valid();
    spoil(request);
    Status status = PrepareRequest(request, limits);
    return status ? Error{Code::kInternal, "was accepted", ""} : status.error();
}

TEST(PrepareRequest, AcceptsAPlainRequest) {
    GenerationRequest request = Valid();
    EXPECT_TRUE(PrepareRequest(request, kLimits));
    EXPECT_EQ(request.tokens_max, 16);
}

TEST(PrepareRequest, NamesTheParameterThatIsOutOfRange) {
    struct Case {
        const char* param;
        std::function<void(GenerationRequest&)> spoil;
    };
    const Case cases[] = {
        {"prompt", [](auto& r) { r.prompt.clear(); }},
        {"prompt", [](auto& r) { r.prompt = {1, 50}; }},
        {"prompt", [](auto& r) { r.prompt = {-1}; }},
        {"prompt", [](auto& r) { r.prompt.assign(100, 1); }},
        {"n", [](auto& r) { r.completions = 0; }},
        {"n", [](auto& r) { r.completions = 129; }},
        {"max_tokens", [](auto& r) { r.tokens_max = -1; }},
        {"min_tokens", [](auto& r) { r.tokens_min = -1; }},
        {"min_tokens", [](auto& r) { r.tokens_min = 17; }},
        {"top_logprobs", [](auto& r) { r.top_logprobs = -2; }},
        {"top_logprobs", [](auto& r) { r.top_logprobs = 65; }},
        {"stop", [](auto& r) { r.stop = {"a", ""}; }},
        {"stop", [](auto& r) { r.stop = {std::string(1025, 'a')}; }},
        {"stop", [](auto& r) { r.stop.assign(65, "a"); }},
        {"stop", [](auto& r) { r.stop = {"\xE4\xB8"}; }},
        {"stop_token_ids", [](auto& r) { r.stop_tokens = {50}; }},
        {"stop_token_ids", [](auto& r) { r.stop_tokens.assign(1025, 1); }},
        {"temperature", [](auto& r) { r.sampling.temperature = -1; }},
        {"logit_bias", [](auto& r) { r.sampling.logit_bias = {{50, 1.0f}}; }},
    };
    for (const Case& c : cases) {
        Error error = ErrorOf(c.spoil);
        EXPECT_EQ(error.code, Code::kInvalidArgument) << c.param << ": " << error.message;
        EXPECT_EQ(error.param, c.param) << error.message;
    }
}

TEST(PrepareRequest, TellsBothLengthsOfAPromptThatIsTooLong) {
    Error error = ErrorOf([](auto& r) { r.prompt.assign(123, 1); });
    EXPECT_THAT(error.message, AllOf(HasSubstr("123 tokens"), HasSubstr("holds 100")));
}

TEST(PrepareRequest, LetsAPromptFillTheContextIfItIsOnlyScored) {
    GenerationRequest request = Valid();
    request.prompt.assign(100, 1);
    request.tokens_max = 0;
    EXPECT_TRUE(PrepareRequest(request, kLimits));
    request.prompt.assign(101, 1);
    EXPECT_FALSE(PrepareRequest(request, kLimits));
}

TEST(PrepareRequest, CutsTheTextToWhatTheContextHasLeft) {
    GenerationRequest request = Valid();
    request.tokens_max = INT_MAX;
    request.tokens_min = INT_MAX;
    ASSERT_TRUE(PrepareRequest(request, kLimits));
    EXPECT_EQ(request.tokens_max, 97);
    EXPECT_EQ(request.tokens_min, 97);
}

TEST(PrepareRequest, RefusesWhatTheKvCacheCanNeverHoldWithTheNumbers) {
    RequestLimits small = kLimits;
    small.page_count = 3;
    Error error = ErrorOf([](auto& r) { r.tokens_max = 40; }, small);
    EXPECT_EQ(error.code, Code::kInvalidArgument);
    EXPECT_EQ(error.param, "max_tokens");
    EXPECT_THAT(error.message, AllOf(HasSubstr("prompt of 3 tokens with 40 to generate"),
                                     HasSubstr("5 pages of 10"), HasSubstr("has 3 (30 tokens)")));
    error = ErrorOf([](auto& r) { r.prompt.assign(40, 1); }, small);
    EXPECT_EQ(error.param, "prompt");
    GenerationRequest request = Valid();
    request.tokens_max = 28;  // the last one is never computed
    EXPECT_TRUE(PrepareRequest(request, small));
    request.tokens_max = 29;
    EXPECT_FALSE(PrepareRequest(request, small));
}

}  // namespace
}  // namespace lathe::engine
