// Sharing as requests see it: over a fake model that knows whose history a page holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "compute/engine/batcher.h"
#include "compute/engine/request_limits.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using ::testing::Each;
using testing_support::FakeRunner;
using testing_support::GenerationRecord;

std::vector<TokenId> RandomTokens(size_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<TokenId> tokens(count);
    for (TokenId& token : tokens) token = static_cast<TokenId>(random() % 250);
    return tokens;
}

class PrefixSharing : public ::testing::Test {
protected:
    void Open(bool shares = true, int32_t page_count = 2000, bool tells_prompts_apart = false) {
        runner_ = std::make_unique<FakeRunner>(
            FakeRunner::Options{.context_length = 1200,
                                .page_count = page_count,
                                .page_tokens = 32,
                                .tells_prompts_apart = tells_prompts_apart});
        EngineOptions options{.context_length = 1200, .shares_prefixes = shares};
        batcher_ = Batcher::Create(*runner_, tokenizer_, options, [] {
                       return Batcher::TimePoint{};
                   }).value();
        records_.clear();
    }

    // A system prompt of 1,000 tokens and a question of 20.
    static GenerationRequest Question(uint32_t number) {
        GenerationRequest request;
        request.prompt = RandomTokens(1000, 1);
        for (TokenId token : RandomTokens(20, 100 + number)) request.prompt.push_back(token);
        request.tokens_max = 8;
        request.ignore_eos = true;
        request.sampling.seed = number;
        return request;
    }

    RequestId Add(GenerationRequest request) {
        RequestLimits limits{1200, runner_->vocab_size(), runner_->page_count(), 32};
        EXPECT_TRUE(PrepareRequest(request, limits));
        records_.push_back(
            std::make_unique<GenerationRecord>(static_cast<size_t>(request.completions)));
        batcher_->Add(RequestId{records_.size()}, std::move(request), records_.back()->sink(), {});
        return RequestId{records_.size()};
    }

    // Runs a question and its answer of 100 tokens; returns the request that comes next.
    GenerationRequest NextTurn() {
        GenerationRequest turn = Question(0);
        turn.tokens_max = 100;
        Add(turn);
        RunAll();
        std::vector<TokenId> answer = records_[0]->completions[0].ids();
        turn.prompt.insert(turn.prompt.end(), answer.begin(), answer.end());
        turn.prompt.push_back(7);
        turn.tokens_max = 1;
        return turn;
    }

    EngineStats RunAll() {
        while (batcher_->Step()) continue;
        batcher_->CheckAccounts();
        return batcher_->stats();
    }

    std::vector<std::string> Texts() const {
        std::vector<std::string> texts;
        for (const auto& record : records_)
            for (const auto& completion : record->completions) texts.push_back(completion.text);
        return texts;
    }

    std::vector<int32_t> CachedTokens() const {
        std::vector<int32_t> cached;
        for (const auto& record : records_) cached.push_back(record->usage.cached_prompt_tokens);
        return cached;
    }

    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    std::unique_ptr<FakeRunner> runner_;
    std::unique_ptr<Batcher> batcher_;
    std::vector<std::unique_ptr<GenerationRecord>> records_;
};

TEST_F(PrefixSharing, Makes32RequestsWithOneSystemPromptAnEighthOfTheWork) {
    auto run = [&](bool shares) {
        Open(shares);
        for (uint32_t i = 0; i < 32; ++i) Add(Question(i));
        return RunAll();
    };
    EngineStats without = run(false);
    std::vector<std::string> texts = Texts();
    EXPECT_THAT(CachedTokens(), Each(0));
    EngineStats with = run(true);
    EXPECT_EQ(Texts(), texts);
    EXPECT_EQ(without.prefill_rows, 32u * 1020);
    // 31 full pages are common; the rest of a prompt is 28 tokens.
    EXPECT_EQ(with.prefill_rows, 992u + 32 * 28);
    EXPECT_GE(without.prefill_rows, 8 * with.prefill_rows);
    EXPECT_EQ(with.prefix_queries, 32u * 1020);
    EXPECT_EQ(with.prefix_hits, 31u * 992);
    for (size_t i = 0; i < 32; ++i)
        EXPECT_EQ(records_[i]->usage.cached_prompt_tokens, i == 0 ? 0 : 992);
    std::printf("prefill rows: %lu without sharing, %lu with\n", without.prefill_rows,
                with.prefill_rows);
}

TEST_F(PrefixSharing, GivesTheNextTurnOfAChatTheAnswerBefore) {
    Open();
    Add(NextTurn());
    RunAll();
    EXPECT_EQ(records_[1]->usage.cached_prompt_tokens, 1120 / 32 * 32 - 32)
        << "the token that was generated last was never computed";
}

// 1,020 tokens of prompt: page 31 holds the last of them and the first of the text.
TEST_F(PrefixSharing, DoesNotTakeATextForAPromptWhereTheModelTellsThemApart) {
    Open(true, 2000, /*tells_prompts_apart=*/true);
    GenerationRequest turn = NextTurn();
    Add(turn);
    Add(turn);
    RunAll();
    EXPECT_EQ(records_[1]->usage.cached_prompt_tokens, 1020 / 32 * 32);
    EXPECT_EQ(records_[2]->usage.cached_prompt_tokens, 1121 / 32 * 32)
        << "what a prompt has computed is a prompt's";
}

TEST_F(PrefixSharing, GivesNothingToAnotherTenantOrSalt) {
    Open();
    Add(Question(0));
    RunAll();
    GenerationRequest request = Question(0);
    request.tenant = "somebody";
    Add(request);
    RunAll();
    request.cache_salt = "pepper";
    Add(request);
    RunAll();
    request.tenant.clear();
    Add(request);
    RunAll();
    EXPECT_THAT(CachedTokens(), Each(0));
    Add(request);
    RunAll();
    EXPECT_EQ(records_.back()->usage.cached_prompt_tokens, 992);
}

TEST_F(PrefixSharing, ScoresEveryTokenOfAPromptThatIsThereAlready) {
    Open();
    Add(Question(0));
    RunAll();
    GenerationRequest request = Question(0);
    request.prompt_logprobs = true;
    request.completions = 2;
    Add(request);
    RunAll();
    ASSERT_EQ(records_[1]->prompt.size(), 1020u);
    for (size_t i = 1; i < 1020; ++i) EXPECT_LT(records_[1]->prompt[i].logprob, 0);
    EXPECT_EQ(records_[1]->usage.cached_prompt_tokens, 0);
}

TEST_F(PrefixSharing, HandsAPromptOverWhenTheOneThatComputesItIsCancelled) {
    Open();
    RequestId first = Add(Question(0));
    for (uint32_t i = 1; i < 4; ++i) Add(Question(i));
    batcher_->Step();
    EXPECT_EQ(batcher_->scheduler().running().size(), 1u);
    batcher_->Cancel(first);
    EngineStats stats = RunAll();
    EXPECT_EQ(stats.prefill_rows, 512u + (1020 - 512) + 2 * 28) << "nothing was computed twice";
}

TEST_F(PrefixSharing, RunsManyLongCompletionsOfOneRequestThroughASmallCache) {
    Open(true, /*page_count=*/40);  // room for one of them, not for two
    GenerationRequest request = Question(0);
    request.completions = kCompletionsMax;
    request.tokens_max = 180;
    request.ignore_eos = false;
    request.sampling.temperature = 1;
    Add(request);
    EngineStats stats = RunAll();
    EXPECT_TRUE(records_[0]->over);
    for (const auto& completion : records_[0]->completions) {
        EXPECT_TRUE(completion.finish == FinishReason::kStop ||
                    completion.finish == FinishReason::kLength);
        EXPECT_FALSE(completion.tokens.empty());
    }
    EXPECT_EQ(stats.kv_usage, 0);
}

}  // namespace
}  // namespace lathe::engine
