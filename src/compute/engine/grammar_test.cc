#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compute/constraint/grammar.h"
#include "compute/engine/batcher.h"
#include "compute/engine/request_limits.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing_support::Bytes;
using testing_support::FakeRunner;
using testing_support::GenerationRecord;
using testing_support::kEndToken;

constraint::GrammarPtr RegexGrammar(std::string_view pattern) {
    return constraint::Compile(constraint::Regex(pattern).value()).value();
}

// A batcher over a model that speaks at random, held to grammars.
class GrammarTest : public ::testing::Test {
protected:
    void Open(const FakeRunner::Options& options = {}) {
        runner_ = std::make_unique<FakeRunner>(options);
        options_.context_length = options.context_length;
        batcher_ = Batcher::Create(*runner_, tokenizer_, options_, [] {
                       return Batcher::TimePoint{};
                   }).value();
    }

    static GenerationRequest Request(std::string_view pattern, uint64_t seed = 7) {
        GenerationRequest request;
        request.prompt = Bytes("prompt");
        request.tokens_max = 60;
        request.sampling.seed = seed;
        request.grammar = RegexGrammar(pattern);
        return request;
    }

    GenerationRecord& Add(GenerationRequest request) {
        RequestLimits limits{options_.context_length, runner_->vocab_size(), runner_->page_count(),
                             runner_->page_tokens()};
        EXPECT_TRUE(PrepareRequest(request, limits));
        records_.push_back(
            std::make_unique<GenerationRecord>(static_cast<size_t>(request.completions)));
        batcher_->Add(RequestId{records_.size()}, std::move(request), records_.back()->sink(), {});
        return *records_.back();
    }

    GenerationRecord& Run(GenerationRequest request) {
        GenerationRecord& record = Add(std::move(request));
        RunAll();
        return record;
    }

    void RunAll() {
        while (batcher_->Step()) batcher_->CheckAccounts();
        EXPECT_EQ(batcher_->stats().kv_usage, 0);
    }

    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    std::unique_ptr<FakeRunner> runner_;
    EngineOptions options_;
    std::unique_ptr<Batcher> batcher_;
    std::vector<std::unique_ptr<GenerationRecord>> records_;
};

TEST_F(GrammarTest, EndsWithStopWhenNothingMayFollow) {
    Open();
    GenerationRecord& record = Run(Request("(yes|no)!"));
    EXPECT_THAT(record.completions[0].text, AnyOf("yes!", "no!"));
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    EXPECT_EQ(record.completions[0].stop_reason, "");
}

TEST_F(GrammarTest, ChoosesTheEndTokenOnlyWhereTheTextIsComplete) {
    Open({.end_logit = 100});
    GenerationRecord& record = Run(Request("[a-c]{5}[a-c]*"));
    EXPECT_EQ(record.completions[0].text.size(), 5u);
    EXPECT_EQ(record.completions[0].ids().back(), kEndToken);
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
}

TEST_F(GrammarTest, GoesOnWhileTooFewTokensOrTheEndIsIgnored) {
    Open({.end_logit = 100});
    GenerationRequest request = Request("[a-c]+");
    request.tokens_min = 9;
    EXPECT_EQ(Run(request).completions[0].text.size(), 9u);
    request = Request("[a-c]{2,11}");
    request.ignore_eos = true;
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.completions[0].text.size(), 11u);
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    request = Request("ab");  // nothing may follow: fewer tokens than asked for
    request.tokens_min = 9;
    EXPECT_EQ(Run(request).completions[0].text, "ab");
}

TEST_F(GrammarTest, EndsInTheMiddleAtTheLimitAndAtAStopString) {
    Open();
    GenerationRequest request = Request("[a-c]+");
    request.tokens_max = 4;
    request.ignore_eos = true;
    EXPECT_EQ(Run(request).completions[0].finish, FinishReason::kLength);
    request = Request("x{3}stop-y");
    request.stop = {"stop"};
    GenerationRecord& record = Run(request);
    EXPECT_EQ(record.completions[0].text, "xxx");
    EXPECT_EQ(record.completions[0].stop_reason, "stop");
}

TEST_F(GrammarTest, HoldsEveryCompletionAndEverySamplingParameter) {
    Open({.visit_threads = 3});
    GenerationRequest request = Request("\\{\"n\": [1-9][0-9]{0,3}, \"s\": \"[a-z]{1,6}\"\\}");
    request.completions = 6;
    request.sampling.temperature = 1.3f;
    request.sampling.top_k = 3;
    request.sampling.top_p = 0.8f;
    request.sampling.repetition_penalty = 1.4f;
    request.sampling.logit_bias = {{'{', -100.0f}, {'!', 100.0f}};
    request.top_logprobs = 2;
    GenerationRecord& record = Run(request);
    for (const auto& completion : record.completions) {
        EXPECT_EQ(completion.finish, FinishReason::kStop);
        EXPECT_TRUE(Json::accept(completion.text)) << completion.text;
        EXPECT_EQ(completion.tokens.size(), completion.text.size());
        EXPECT_EQ(completion.tokens[0].top.size(), 2u);
    }
}

TEST_F(GrammarTest, GivesTheSameTextAloneAndInACrowdThatIsPreempted) {
    const char* patterns[] = {"[a-z ]{20,40}", "([0-9]{2}:)+end", "(x[yz]){10,25}", "[^a]{30}"};
    std::vector<std::string> alone;
    for (uint64_t i = 0; i < 12; ++i) {
        Open();
        alone.push_back(Run(Request(patterns[i % 4], i)).completions[0].text);
    }
    Open({.page_count = 20, .visit_threads = 4});  // not for all at once
    records_.clear();
    for (uint64_t i = 0; i < 12; ++i) Add(Request(patterns[i % 4], i));
    RunAll();
    EXPECT_GT(batcher_->stats().preemptions, 0u);
    for (size_t i = 0; i < 12; ++i) EXPECT_EQ(records_[i]->completions[0].text, alone[i]);
}

TEST_F(GrammarTest, SaysWhenNoTokenIsLeft) {
    Open({.vocab_size = 257});
    GenerationRequest request = Request("ab");
    request.sampling.logit_bias = {{'a', -100.0f}};
    EXPECT_EQ(Run(request).completions[0].text, "ab");  // a bias bans nothing
    FakeRunner::Options small;
    small.vocab_size = 100;  // no letters above 'c'
    small.end_token = 10;
    Open(small);
    GenerationRecord& record = Run([] {
        GenerationRequest words = Request("cx");
        words.prompt = {1, 2};
        return words;
    }());
    EXPECT_EQ(record.completions[0].finish, FinishReason::kError);
    EXPECT_THAT(record.completions[0].error.message, HasSubstr("no token of this model"));
}

}  // namespace
}  // namespace lathe::engine
