#include "learn/eval/engine_subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/eval/request_tokens.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;
using testing_support::FakeRunner;

class EngineSubjectTest : public ::testing::Test {
protected:
    std::unique_ptr<EngineSubject> Open(int32_t requests_max, int32_t context = 64) {
        runner_ = std::make_unique<FakeRunner>(
            FakeRunner::Options{.context_length = context, .page_count = 64, .page_tokens = 8});
        engine_ = engine::Engine::Create(*runner_, tokenizer_, {}).value();
        EngineSubjectOptions options;
        options.engine = engine_.get();
        options.tokenizer = &tokenizer_;
        options.requests_max = requests_max;
        return std::make_unique<EngineSubject>(std::move(options));
    }

    std::vector<std::vector<ModelAnswer>> Ask(EngineSubject& subject,
                                              const std::vector<Question>& questions) {
        std::vector<std::vector<ModelAnswer>> all(questions.size());
        Status asked = subject.Ask(questions,
                                   [&](size_t index, std::vector<ModelAnswer> answers) -> Status {
                                       EXPECT_TRUE(all[index].empty());
                                       all[index] = std::move(answers);
                                       return {};
                                   },
                                   {});
        EXPECT_TRUE(asked) << asked.error().message;
        return all;
    }

    static std::vector<Question> Choices(size_t count) {
        std::vector<Question> questions;
        for (size_t i = 0; i < count; ++i) {
            Question question{.document = i};
            for (const char* text : {" yes", " no", " perhaps it is"})
                question.requests.push_back({ModelRequest::Kind::kLoglikelihood,
                                             "Question number " + std::to_string(i), text});
            questions.push_back(std::move(question));
        }
        return questions;
    }

    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    std::unique_ptr<FakeRunner> runner_;
    std::unique_ptr<engine::Engine> engine_;
};

TEST_F(EngineSubjectTest, GivesTheSameAnswersHoweverManyAreAskedAtOnce) {
    auto questions = Choices(20);
    auto one = Open(1);
    auto alone = Ask(*one, questions);
    one.reset();
    auto many = Open(64);
    EXPECT_EQ(Ask(*many, questions), alone);
    EXPECT_EQ(alone[3].size(), 3u);
    EXPECT_LT(alone[3][0].loglikelihood, 0);
}

TEST_F(EngineSubjectTest, RollsOverTextsThatAreLongerThanTheContext) {
    auto subject = Open(4, 16);
    Question question{.document = 0};
    std::string text(100, 'x');
    question.requests.push_back({ModelRequest::Kind::kRolling, text, ""});
    question.requests.push_back({ModelRequest::Kind::kRolling, "", ""});
    auto answers = Ask(*subject, {question});
    EXPECT_LT(answers[0][0].loglikelihood, -100);
    EXPECT_EQ(answers[0][1].loglikelihood, 0);
    auto windows = EncodeRolling(tokenizer_, text, 16);
    ASSERT_TRUE(windows);
    size_t scored = 0;
    for (const ScoredTokens& window : *windows) {
        scored += window.continuation.size();
        EXPECT_LE(window.context.size() + window.continuation.size(), 17u);
    }
    EXPECT_EQ(scored, 100u);
}

TEST_F(EngineSubjectTest, GeneratesUpToAStopString) {
    auto subject = Open(4);
    std::vector<engine::TokenId> says = testing_support::Bytes("four.\nQ: next");
    runner_->Say(std::string("2+2=").size(), says);
    GenerationConfig config;
    config.until = {"Q:"};
    config.tokens_max = 20;
    Question question{.document = 0};
    question.requests.push_back({ModelRequest::Kind::kGenerate, "2+2=", ""});
    question.generation = &config;
    question.repeats = 2;
    auto answers = Ask(*subject, {question});
    ASSERT_EQ(answers[0].size(), 2u);
    EXPECT_EQ(answers[0][0].text, "four.\n");
    EXPECT_EQ(answers[0][1].text, "four.\n");
}

TEST_F(EngineSubjectTest, NamesTheDocumentOfAnError) {
    auto subject = Open(4, 16);
    Question question{.document = 7};
    question.requests.push_back({ModelRequest::Kind::kLoglikelihood, "c", std::string(40, 'x')});
    Status asked = subject->Ask(std::span(&question, 1), [](size_t, auto) { return Status(); }, {});
    ASSERT_FALSE(asked);
    EXPECT_THAT(asked.error().message, HasSubstr("document 7: the continuation has 40 tokens"));
}

TEST_F(EngineSubjectTest, StopsWhenItIsTold) {
    auto subject = Open(2);
    std::stop_source stop;
    auto questions = Choices(50);
    size_t answered = 0;
    Status asked = subject->Ask(
        questions,
        [&](size_t, std::vector<ModelAnswer>) -> Status {
            if (++answered == 3) stop.request_stop();
            return {};
        },
        stop.get_token());
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, Code::kCancelled);
    EXPECT_LT(answered, 50u);
}

TEST_F(EngineSubjectTest, MovesSpaceAtTheEndOfAContextToTheContinuation) {
    auto pair = EncodePair(tokenizer_, "Q:  ", "A", 64);
    ASSERT_TRUE(pair);
    EXPECT_EQ(pair->context, testing_support::Bytes("Q:"));
    EXPECT_EQ(pair->continuation, testing_support::Bytes("  A"));
    auto cut = EncodePair(tokenizer_, "0123456789", "ab", 4);
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->context, testing_support::Bytes("789"));
}

}  // namespace
}  // namespace lathe::eval
