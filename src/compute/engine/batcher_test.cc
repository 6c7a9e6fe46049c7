#include "compute/engine/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compute/engine/request_limits.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::Bytes;
using testing_support::FakeRunner;
using testing_support::GenerationRecord;
using testing_support::kEndToken;

// A batcher over a fake model, one request or a few.
class BatcherTest : public ::testing::Test {
protected:
    void Open(const FakeRunner::Options& options = {}) {
        runner_ = std::make_unique<FakeRunner>(options);
        options_.context_length = options.context_length;
        batcher_ = Batcher::Create(*runner_, tokenizer_, options_, [this] { return now_; }).value();
        runner_->on_forward = [this](std::span<const SequenceSlice> batch) {
            batch_sizes_.push_back(batch.size());
            now_ += std::chrono::milliseconds(10);
        };
    }

    static GenerationRequest Prompt(std::string_view text) {
        GenerationRequest request;
        request.prompt = Bytes(text);
        request.tokens_max = 40;
        request.sampling.temperature = 0;
        request.sampling.seed = 7;
        return request;
    }

    RequestId Add(GenerationRequest request) {
        RequestLimits limits{options_.context_length, runner_->vocab_size(), runner_->page_count(),
                             runner_->page_tokens()};
        EXPECT_TRUE(PrepareRequest(request, limits));
        auto completions = static_cast<size_t>(request.completions);
        records_.push_back(std::make_unique<GenerationRecord>(completions));
        RequestId id{records_.size()};
        batcher_->Add(id, std::move(request), records_.back()->sink(), now_);
        return id;
    }

    void RunAll() {
        while (batcher_->Step()) batcher_->CheckAccounts();
        EXPECT_EQ(batcher_->stats().kv_usage, 0);
    }

    // Runs one request by itself.
    GenerationRecord& Run(GenerationRequest request) {
        Add(std::move(request));
        RunAll();
        return *records_.back();
    }

    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    std::unique_ptr<FakeRunner> runner_;
    EngineOptions options_;
    std::unique_ptr<Batcher> batcher_;
    std::vector<std::unique_ptr<GenerationRecord>> records_;
    std::vector<size_t> batch_sizes_;
    Batcher::TimePoint now_{};
};

TEST_F(BatcherTest, EndsAtTheModelsEndToken) {
    Open();
    runner_->Say(2, Bytes("hello"));
    GenerationRecord& record = Run(Prompt("hi"));
    EXPECT_EQ(record.completions[0].text, "hello");
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    EXPECT_EQ(record.completions[0].stop_reason, "");
    EXPECT_EQ(record.completions[0].ids().back(), kEndToken);
    EXPECT_EQ(record.usage.prompt_tokens, 2);
    EXPECT_EQ(record.usage.completion_tokens, 6) << "the end token is counted";
    EXPECT_EQ(record.usage.cached_prompt_tokens, 0);
}

TEST_F(BatcherTest, EndsAtTheGreatestLengthAndFlushesWhatWasHeldBack) {
    Open();
    runner_->Say(2, Bytes("hello"));
    GenerationRequest request = Prompt("hi");
    request.tokens_max = 4;
    request.stop = {"lo"};
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.completions[0].text, "hell");
    EXPECT_EQ(record.completions[0].finish, FinishReason::kLength);
    EXPECT_EQ(record.usage.completion_tokens, 4);
}

TEST_F(BatcherTest, EndsAtTheEndOfTheContext) {
    Open({.context_length = 12});
    runner_->Say(2, Bytes("a text that is longer than the context"));
    GenerationRecord& record = Run(Prompt("hi"));
    EXPECT_EQ(record.completions[0].text, "a text tha");
    EXPECT_EQ(record.completions[0].finish, FinishReason::kLength);
}

TEST_F(BatcherTest, GoesOnAfterTheEndTokenIfToldToIgnoreIt) {
    Open();
    runner_->Say(2, Bytes("ab"));
    GenerationRequest request = Prompt("hi");
    request.ignore_eos = true;
    request.tokens_max = 5;
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.completions[0].text, "ab");
    EXPECT_THAT(record.completions[0].ids(),
                ElementsAre('a', 'b', kEndToken, kEndToken, kEndToken));
    EXPECT_EQ(record.completions[0].finish, FinishReason::kLength);
}

TEST_F(BatcherTest, StopsAtAStopStringAndLeavesItOutUnlessAsked) {
    Open();
    runner_->Say(2, Bytes("one\nUser: two"));
    GenerationRequest request = Prompt("hi");
    request.stop = {"\nUser:"};
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.completions[0].text, "one");
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    EXPECT_EQ(record.completions[0].stop_reason, "\nUser:");
    request.include_stop = true;
    EXPECT_EQ(Run(request).completions[0].text, "one\nUser:");
}

TEST_F(BatcherTest, StopsAtAStopToken) {
    Open();
    runner_->Say(2, Bytes("abc"));
    GenerationRequest request = Prompt("hi");
    request.stop_tokens = {'c'};
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.completions[0].text, "ab");
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    request.include_stop = true;
    EXPECT_EQ(Run(request).completions[0].text, "abc");
}

TEST_F(BatcherTest, DoesNotStopBeforeTheLeastNumberOfTokens) {
    Open();
    runner_->Say(2, Bytes("a"));  // then the end, which is the only likely token
    GenerationRequest request = Prompt("hi");
    request.tokens_min = 4;
    GenerationRecord& record = Run(request);
    ASSERT_EQ(record.completions[0].tokens.size(), 5u);
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    EXPECT_THAT(record.completions[0].ids(), ElementsAre('a', 0, 0, 0, kEndToken));

    runner_->Say(2, Bytes("ababab"));
    request.stop = {"ab"};
    EXPECT_EQ(Run(request).completions[0].text, "abab") << "the one that ends at token 6 counts";
}

TEST_F(BatcherTest, ReportsLogprobsOfTheRawLogits) {
    Open();
    runner_->SetLogits([](std::span<const TokenId>, std::span<float> logits) {
        std::ranges::fill(logits, -100.0f);
        logits['a'] = std::log(0.5f);
        logits['b'] = std::log(0.3f);
        logits['c'] = std::log(0.2f);
    });
    GenerationRequest request = Prompt("hi");
    request.tokens_max = 1;
    request.top_logprobs = 2;
    request.sampling.temperature = 0.3f;
    request.sampling.logit_bias = {{'c', 100.0f}};
    GenerationRecord& record = Run(request);
    const ScoredToken& token = record.completions[0].tokens.at(0);
    EXPECT_EQ(token.token, 'c');
    EXPECT_NEAR(token.logprob, std::log(0.2), 1e-6);
    ASSERT_EQ(token.top.size(), 2u);
    EXPECT_EQ(token.top[0].token, 'a');
    EXPECT_NEAR(token.top[0].logprob, std::log(0.5), 1e-6);
    EXPECT_EQ(token.top[1].token, 'b');

    request.top_logprobs = 0;
    const ScoredToken bare = Run(request).completions[0].tokens.at(0);
    EXPECT_NEAR(bare.logprob, std::log(0.2), 1e-6);
    EXPECT_THAT(bare.top, IsEmpty());
    request.top_logprobs = -1;
    EXPECT_TRUE(std::isnan(Run(request).completions[0].tokens.at(0).logprob));
}

// Log-probability of `next` after `history`, in double.
double Expected(std::span<const TokenId> history, TokenId next) {
    double sum = 0;
    for (size_t i = 0; i < 257; ++i) sum += std::exp((i * 7 + history.size() * 3) % 11 * 0.5);
    return (static_cast<size_t>(next) * 7 + history.size() * 3) % 11 * 0.5 - std::log(sum);
}

TEST_F(BatcherTest, ScoresThePromptInChunks) {
    for (int32_t rows : {64, 5, 1}) {
        options_.tokens_per_step_max = rows;
        options_.sequences_max = 1;
        Open();
        runner_->SetLogits([](std::span<const TokenId> history, std::span<float> logits) {
            for (size_t i = 0; i < logits.size(); ++i)
                logits[i] = static_cast<float>((i * 7 + history.size() * 3) % 11) * 0.5f;
        });
        GenerationRequest request = Prompt("the quick brown fox");
        request.prompt_logprobs = true;
        request.top_logprobs = 3;
        request.tokens_max = 0;
        GenerationRecord& record = Run(request);
        ASSERT_EQ(record.prompt.size(), request.prompt.size());
        EXPECT_TRUE(std::isnan(record.prompt[0].logprob));
        EXPECT_EQ(record.prompt[0].token, 't');
        for (size_t i = 1; i < record.prompt.size(); ++i) {
            EXPECT_EQ(record.prompt[i].token, request.prompt[i]);
            EXPECT_NEAR(record.prompt[i].logprob,
                        Expected(std::span(request.prompt).first(i), request.prompt[i]), 1e-5);
            EXPECT_EQ(record.prompt[i].top.size(), 3u);
        }
        EXPECT_EQ(record.completions[0].finish, FinishReason::kLength);
        EXPECT_EQ(record.completions[0].events, 1);
        EXPECT_EQ(record.usage.completion_tokens, 0);
    }
}

TEST_F(BatcherTest, ScoresThePromptAndGoesOnWithAText) {
    Open();
    runner_->Say(5, Bytes("hello"));
    GenerationRequest request = Prompt("hi all");
    request.prompt_logprobs = true;
    request.completions = 2;
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.prompt.size(), 6u);
    EXPECT_EQ(record.prompt[1].token, 'i');
    EXPECT_THAT(record.prompt[1].top, IsEmpty());
    EXPECT_EQ(record.completions[0].text, "ello");
    EXPECT_EQ(record.completions[1].text, "ello");
}

TEST_F(BatcherTest, SharesThePromptBetweenCompletions) {
    Open({.page_tokens = 4});
    GenerationRequest request = Prompt("a prompt of some length");  // 23 tokens, 5 full pages
    request.completions = 4;
    request.tokens_max = 1;
    request.sampling.temperature = 1;
    GenerationRecord& record = Run(request);
    EXPECT_EQ(runner_->rows(), 23u + 3 * 3);
    EXPECT_EQ(record.usage.prompt_tokens, 23);
    EXPECT_EQ(record.usage.completion_tokens, 4);
}

TEST_F(BatcherTest, GivesEachCompletionItsOwnTextFromOneSeed) {
    Open();
    GenerationRequest request = Prompt("hi");
    request.completions = 3;
    request.sampling.temperature = 1;
    GenerationRecord first = Run(request);
    EXPECT_NE(first.completions[0].text, first.completions[1].text);
    EXPECT_NE(first.completions[1].text, first.completions[2].text);
    GenerationRecord& again = Run(request);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(again.completions[i].text, first.completions[i].text);
    request.sampling.seed = 8;
    EXPECT_NE(Run(request).completions[0].text, first.completions[0].text);
}

TEST_F(BatcherTest, ChoosesTheTokensThatASamplerChoosesByItself) {
    Open();
    auto logits_after = [](std::span<const TokenId> history, std::span<float> logits) {
        for (size_t i = 0; i < logits.size(); ++i)
            logits[i] = static_cast<float>((i * 31 + static_cast<size_t>(history.back())) % 13);
    };
    runner_->SetLogits(logits_after);
    GenerationRequest request = Prompt("hi");
    request.ignore_eos = true;
    request.sampling.temperature = 1;
    request.sampling.top_p = 0.9f;
    request.sampling.repetition_penalty = 1.5f;
    request.sampling.frequency_penalty = 1;
    request.completions = 2;
    GenerationRecord& record = Run(request);
    for (uint32_t index : {0u, 1u}) {
        sampling::Sampler sampler(request.sampling, *request.sampling.seed, index);
        sampler.SetPrompt(request.prompt);
        sampling::Scratch scratch;
        std::vector<TokenId> history = request.prompt;
        std::vector<float> logits(257);
        for (int i = 0; i < request.tokens_max; ++i) {
            logits_after(history, logits);
            history.push_back(sampler.Choose(logits, {}, scratch).value());
            sampler.Accept(history.back());
        }
        EXPECT_EQ(record.completions[index].ids(),
                  std::vector<TokenId>(history.begin() + 2, history.end()));
    }
}

TEST_F(BatcherTest, RunsManyRequestsInOneBatch) {
    Open();
    for (int i = 0; i < 8; ++i) {
        GenerationRequest request = Prompt("hi");
        request.ignore_eos = true;
        request.tokens_max = 10;
        Add(request);
    }
    RunAll();
    EXPECT_EQ(batch_sizes_.size(), 10u);
    EXPECT_THAT(batch_sizes_, ::testing::Each(8u));
    EXPECT_EQ(batcher_->stats().generation_tokens, 80u);
    EXPECT_EQ(batcher_->stats().prompt_tokens, 16u);
}

TEST_F(BatcherTest, FreesThePagesOfACancelledRequestAtOnceAndHarmsNoOther) {
    Open();
    GenerationRequest request = Prompt("hi");
    request.ignore_eos = true;
    request.tokens_max = 8;
    std::string alone = Run(request).completions[0].text;
    RequestId cancelled = Add(request);
    Add(request);
    for (int i = 0; i < 3; ++i) batcher_->Step();
    EXPECT_GT(batcher_->stats().kv_usage, 1.5 / 64);
    batcher_->Cancel(cancelled);
    batcher_->CheckAccounts();
    EXPECT_EQ(batcher_->stats().kv_usage, 1.0 / 64);
    EXPECT_TRUE(records_[1]->over);
    EXPECT_EQ(records_[1]->completions[0].finish, FinishReason::kCancelled);
    EXPECT_EQ(records_[1]->usage.completion_tokens, 3);
    batcher_->Cancel(cancelled);  // over: does nothing
    RunAll();
    EXPECT_EQ(records_[2]->completions[0].text, alone);
}

TEST_F(BatcherTest, CancelsACompletionThatHasNotStartedToo) {
    options_.sequences_max = 1;
    Open();
    Add(Prompt("hi"));
    GenerationRequest request = Prompt("ho");
    request.completions = 3;
    RequestId waiting = Add(request);
    batcher_->Step();
    EXPECT_EQ(batcher_->waiting(), 1);
    batcher_->Cancel(waiting);
    EXPECT_EQ(batcher_->waiting(), 0);
    for (const auto& completion : records_[1]->completions)
        EXPECT_EQ(completion.finish, FinishReason::kCancelled);
    EXPECT_TRUE(records_[1]->over);
    EXPECT_EQ(records_[1]->timings.queue_seconds, 0);
    EXPECT_GT(records_[1]->timings.total_seconds, 0);
    batcher_->CancelAll();
    EXPECT_TRUE(records_[0]->over);
    EXPECT_TRUE(batcher_->idle());
    EXPECT_THAT(batcher_->TakeEnded(), ElementsAre(RequestId{2}, RequestId{1}));
}

TEST_F(BatcherTest, TurnsLogitsThatAreNotNumbersIntoAnErrorOfThatRequestAlone) {
    Open();
    runner_->SetLogits([](std::span<const TokenId> history, std::span<float> logits) {
        std::ranges::fill(logits, 0.0f);
        logits['a'] = 10;
        if (history[0] == 'b' && history.size() > 3)
            logits[100] = std::numeric_limits<float>::quiet_NaN();
    });
    GenerationRequest good = Prompt("gg");
    good.tokens_max = 6;
    Add(good);
    Add(Prompt("bb"));
    RunAll();
    EXPECT_EQ(records_[0]->completions[0].text, "aaaaaa");
    EXPECT_EQ(records_[1]->completions[0].text, "aa");
    EXPECT_EQ(records_[1]->completions[0].finish, FinishReason::kError);
    EXPECT_THAT(records_[1]->completions[0].error.message, HasSubstr("not finite"));
    EXPECT_EQ(records_[1]->completions[0].error.code, Code::kInternal);
    EXPECT_TRUE(records_[1]->over);

    GenerationRequest scored = Prompt("bbbbbbb");
    scored.prompt_logprobs = true;
    scored.tokens_max = 0;
    EXPECT_EQ(Run(scored).completions[0].finish, FinishReason::kError);
}

TEST_F(BatcherTest, TellsWhereTheTimeWent) {
    options_.sequences_max = 1;
    options_.tokens_per_step_max = 4;
    Open();  // a step takes 10 ms
    GenerationRequest request = Prompt("12345678");
    request.ignore_eos = true;
    request.tokens_max = 4;
    Add(request);
    Add(request);
    RunAll();
    const Timings& first = records_[0]->timings;
    EXPECT_DOUBLE_EQ(first.queue_seconds, 0);
    EXPECT_DOUBLE_EQ(first.prefill_seconds, 0.02);
    EXPECT_DOUBLE_EQ(first.first_token_seconds, 0.02);
    EXPECT_DOUBLE_EQ(first.decode_seconds, 0.03);
    EXPECT_DOUBLE_EQ(first.total_seconds, 0.05);
    const Timings& second = records_[1]->timings;
    EXPECT_DOUBLE_EQ(second.queue_seconds, 0.05);
    EXPECT_DOUBLE_EQ(second.first_token_seconds, 0.07);
    EXPECT_THAT(records_[0]->token_seconds,
                ElementsAre(0, ::testing::DoubleEq(0.01), ::testing::DoubleEq(0.01),
                            ::testing::DoubleEq(0.01)));
}

TEST_F(BatcherTest, CutsPromptsSoThatTextsThatRunGoOn) {
    auto slowest_token = [&](double token_seconds_max) {
        options_.token_seconds_max = token_seconds_max;
        records_.clear();
        Open({.context_length = 1000, .page_count = 100, .page_tokens = 32});
        runner_->on_forward = [this](std::span<const SequenceSlice> batch) {
            for (const SequenceSlice& slice : batch)  // a millisecond for each row
                now_ += std::chrono::milliseconds(slice.tokens.size());
        };
        GenerationRequest running = Prompt("hi");
        running.ignore_eos = true;
        running.tokens_max = 40;
        Add(running);
        for (int i = 0; i < 5; ++i) batcher_->Step();
        GenerationRequest large = Prompt(std::string(900, 'x'));
        large.tokens_max = 1;
        Add(large);
        RunAll();
        EXPECT_EQ(records_[0]->completions[0].tokens.size(), 40u);
        return std::ranges::max(records_[0]->token_seconds);
    };
    EXPECT_DOUBLE_EQ(slowest_token(0), 0.512);
    EXPECT_LE(slowest_token(0.05), 0.051);
    EXPECT_GE(slowest_token(0.05), 0.04) << "it uses what it may";
}

TEST_F(BatcherTest, GivesTheSameTextAfterAPreemption) {
    GenerationRequest request = Prompt("a prompt");
    request.sampling.temperature = 1;
    request.sampling.repetition_penalty = 1.2f;
    request.ignore_eos = true;
    request.tokens_max = 30;
    request.prompt_logprobs = true;
    Open({.page_count = 64, .page_tokens = 4});
    GenerationRecord alone = Run(request);
    records_.clear();
    Open({.page_count = 12, .page_tokens = 4});
    for (int i = 0; i < 3; ++i) {
        request.cache_salt = std::to_string(i);
        Add(request);
    }
    RunAll();
    EXPECT_GT(batcher_->stats().preemptions, 0u);
    for (const auto& record : records_) {
        EXPECT_EQ(record->completions[0].ids(), alone.completions[0].ids());
        EXPECT_EQ(record->completions[0].text, alone.completions[0].text);
        ASSERT_EQ(record->prompt.size(), alone.prompt.size());
        for (size_t i = 1; i < alone.prompt.size(); ++i)
            EXPECT_EQ(record->prompt[i].logprob, alone.prompt[i].logprob);
    }
}

}  // namespace
}  // namespace lathe::engine
