// Continuations scored behind a prompt, over a fake model that knows whose history a page
// holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "compute/engine/batcher.h"
#include "compute/engine/request_limits.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using ::testing::HasSubstr;
using testing_support::Bytes;
using testing_support::FakeRunner;
using testing_support::GenerationRecord;

constexpr int32_t kContext = 200;
constexpr int32_t kPageTokens = 8;

class Continuations : public ::testing::Test {
protected:
    struct Setup {
        int32_t page_count = 400;
        int32_t sequences_max = 16;
        int32_t rows = 64;
        bool shares = true;
    };

    void Open(const Setup& setup) {
        runner_ = std::make_unique<FakeRunner>(FakeRunner::Options{.context_length = kContext,
                                                                   .page_count = setup.page_count,
                                                                   .page_tokens = kPageTokens,
                                                                   .visit_threads = 2});
        EngineOptions options{.context_length = kContext,
                              .sequences_max = setup.sequences_max,
                              .tokens_per_step_max = setup.rows,
                              .shares_prefixes = setup.shares};
        batcher_ = Batcher::Create(*runner_, tokenizer_, options, [] {
                       return Batcher::TimePoint{};
                   }).value();
        records_.clear();
    }

    RequestLimits limits() const {
        return {kContext, runner_->vocab_size(), runner_->page_count(), kPageTokens};
    }

    void Add(GenerationRequest request) {
        request.sampling.seed = 1;
        auto prepared = PrepareRequest(request, limits());
        ASSERT_TRUE(prepared) << prepared.error().message;
        records_.push_back(
            std::make_unique<GenerationRecord>(static_cast<size_t>(request.completions)));
        batcher_->Add(RequestId{records_.size()}, std::move(request), records_.back()->sink(), {});
    }

    void RunAll() {
        while (batcher_->Step()) batcher_->CheckAccounts();
        EXPECT_EQ(batcher_->stats().kv_usage, 0);
    }

    // What scoring prompt and continuation as one prompt says, alone and without sharing.
    std::vector<ScoredToken> Expected(const std::vector<TokenId>& prompt,
                                      const std::vector<TokenId>& continuation) {
        Open({.shares = false});
        GenerationRequest request;
        request.prompt = prompt;
        request.prompt.insert(request.prompt.end(), continuation.begin(), continuation.end());
        request.tokens_max = 0;
        request.prompt_logprobs = true;
        request.top_logprobs = 2;
        Add(std::move(request));
        RunAll();
        auto& scores = records_.back()->prompt;
        return {scores.begin() + static_cast<ptrdiff_t>(prompt.size()), scores.end()};
    }

    static GenerationRequest Score(std::vector<TokenId> prompt,
                                   std::vector<std::vector<TokenId>> continuations) {
        GenerationRequest request;
        request.prompt = std::move(prompt);
        request.continuations = std::move(continuations);
        request.tokens_max = 0;
        request.top_logprobs = 2;
        return request;
    }

    static void ExpectSame(const std::vector<ScoredToken>& a, const std::vector<ScoredToken>& b) {
        ASSERT_EQ(a.size(), b.size());
        for (size_t i = 0; i < a.size(); ++i) {
            EXPECT_EQ(a[i].token, b[i].token);
            EXPECT_EQ(a[i].logprob, b[i].logprob);
            ASSERT_EQ(a[i].top.size(), b[i].top.size());
            for (size_t t = 0; t < a[i].top.size(); ++t)
                EXPECT_EQ(a[i].top[t].token, b[i].top[t].token);
        }
    }

    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    std::unique_ptr<FakeRunner> runner_;
    std::unique_ptr<Batcher> batcher_;
    std::vector<std::unique_ptr<GenerationRecord>> records_;
};

TEST_F(Continuations, GiveWhatTheSamePromptsGiveOneByOne) {
    std::vector<TokenId> prompt = Bytes("What is the capital of France?");
    std::vector<std::vector<TokenId>> texts = {Bytes(" Paris"), Bytes(" Rome, Italy"), Bytes("X"),
                                               Bytes("Y")};
    std::vector<std::vector<ScoredToken>> expected;
    for (const auto& text : texts) expected.push_back(Expected(prompt, text));
    Open({});
    Add(Score(prompt, texts));
    RunAll();
    for (size_t i = 0; i < texts.size(); ++i) {
        ExpectSame(records_[0]->completions[i].tokens, expected[i]);
        EXPECT_EQ(records_[0]->completions[i].events, 1);
        EXPECT_EQ(records_[0]->completions[i].finish, FinishReason::kLength);
    }
}

TEST_F(Continuations, ComputeThePromptOnceAndNoLastToken) {
    std::vector<TokenId> prompt = Bytes(std::string(21, 'p'));
    Open({});
    Add(Score(prompt, {Bytes("abcd"), Bytes("efgh"), Bytes("i"), Bytes("j")}));
    RunAll();
    EXPECT_EQ(runner_->rows(), 21u + 3 + 3);
}

TEST_F(Continuations, OfOnePromptShareItsPagesWithOtherRequests) {
    std::vector<TokenId> prompt = Bytes(std::string(16 * kPageTokens, 'p'));
    Open({});
    for (char c : {'a', 'b', 'c'}) {
        std::vector<TokenId> longer = prompt;
        longer.push_back(c);
        Add(Score(longer, {Bytes("xy"), Bytes("z")}));
    }
    RunAll();
    EXPECT_EQ(runner_->rows(), prompt.size() + 3 + 3);
}

TEST_F(Continuations, AreTheSameUnderLoadInSmallCachesAndSteps) {
    std::mt19937 random(5);
    auto draw = [&](size_t low, size_t high) { return low + random() % (high - low + 1); };
    auto tokens = [&](size_t count) {
        std::vector<TokenId> out(count);
        for (TokenId& token : out) token = static_cast<TokenId>(random() % 3);
        return out;
    };
    for (int round = 0; round < 30; ++round) {
        std::vector<GenerationRequest> requests;
        for (int i = 0; i < 8; ++i) {
            std::vector<std::vector<TokenId>> texts(draw(1, 6));
            for (auto& text : texts) text = tokens(draw(1, 20));
            requests.push_back(Score(tokens(draw(1, 40)), texts));
        }
        std::vector<std::vector<ScoredToken>> expected;
        for (const GenerationRequest& request : requests)
            for (const auto& text : request.continuations)
                expected.push_back(Expected(request.prompt, text));
        Open({.page_count = static_cast<int32_t>(draw(8, 40)),
              .sequences_max = static_cast<int32_t>(draw(1, 6)),
              .rows = static_cast<int32_t>(draw(6, 40)),
              .shares = round % 4 != 0});
        for (const GenerationRequest& request : requests) Add(request);
        RunAll();
        size_t at = 0;
        for (const auto& record : records_)
            for (const auto& completion : record->completions)
                ExpectSame(completion.tokens, expected[at++]);
    }
}

TEST_F(Continuations, FreeTheirPagesWhenTheyAreCancelled) {
    Open({.rows = 16});
    Add(Score(Bytes(std::string(20, 'p')), {Bytes("abcdef"), Bytes("ghijkl"), Bytes("m")}));
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(batcher_->Step());
    batcher_->CheckAccounts();
    batcher_->Cancel(RequestId{1});
    EXPECT_TRUE(records_[0]->over);
    EXPECT_EQ(batcher_->stats().kv_usage, 0);
    batcher_->CheckAccounts();
}

TEST_F(Continuations, ThatCannotBeScoredAreRefusedWithTheReason) {
    Open({});
    auto error = [&](GenerationRequest request) {
        request.sampling.seed = 1;
        auto prepared = PrepareRequest(request, limits());
        EXPECT_FALSE(prepared);
        EXPECT_EQ(prepared.error().param, "continuations");
        return prepared.error().message;
    };
    EXPECT_THAT(error(Score(Bytes("p"), {Bytes("a"), {}})), HasSubstr("is empty"));
    EXPECT_THAT(error(Score(Bytes("p"), {{999}})), HasSubstr("token 999"));
    EXPECT_THAT(error(Score(Bytes("p"), {Bytes(std::string(kContext + 1, 'a'))})),
                HasSubstr("the context holds 200"));
    EXPECT_THAT(error(Score(Bytes("p"), std::vector(129, Bytes("a")))), HasSubstr("at most 128"));
    GenerationRequest generates = Score(Bytes("p"), {Bytes("a")});
    generates.tokens_max = 1;
    EXPECT_THAT(error(generates), HasSubstr("scored, not generated"));
    GenerationRequest fits = Score(Bytes("p"), {Bytes(std::string(kContext, 'a'))});
    fits.sampling.seed = 1;
    EXPECT_TRUE(PrepareRequest(fits, limits()));
}

}  // namespace
}  // namespace lathe::engine
