#include "edge/api/completion_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::api {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

using Ids = std::vector<tokenizer::TokenId>;

Result<CompletionRequest> Parse(const char* body) {
    return ParseCompletionRequest(Json::parse(body), {}, 100);
}

auto Blames(std::string param, std::string message) {
    return AllOf(Field(&Error::param, param), Field(&Error::message, HasSubstr(message)));
}

TEST(CompletionRequest, TakesEveryFormOfPrompt) {
    EXPECT_THAT(Parse(R"({"prompt":"a"})")->prompts, ElementsAre(CompletionRequest::Prompt("a")));
    EXPECT_THAT(Parse(R"({"prompt":[1,2]})")->prompts,
                ElementsAre(CompletionRequest::Prompt(Ids{1, 2})));
    EXPECT_THAT(Parse(R"({"prompt":["a","b"]})")->prompts,
                ElementsAre(CompletionRequest::Prompt("a"), CompletionRequest::Prompt("b")));
    EXPECT_THAT(
        Parse(R"({"prompt":[[1],[2,3]]})")->prompts,
        ElementsAre(CompletionRequest::Prompt(Ids{1}), CompletionRequest::Prompt(Ids{2, 3})));
}

TEST(CompletionRequest, TakesWhatAnEvaluationHarnessSends) {
    auto request = Parse(R"({"model":"m","prompt":[[1,2,3]],"temperature":0,"max_tokens":1,
        "logprobs":1,"seed":1234,"echo":true})");
    ASSERT_TRUE(request) << request.error().message;
    EXPECT_TRUE(request->echo && request->logprobs);
    EXPECT_EQ(request->options.engine.top_logprobs, 1);
    EXPECT_TRUE(request->options.engine.prompt_logprobs);
    EXPECT_EQ(request->options.tokens_max, 1);
    EXPECT_EQ(request->options.engine.sampling.temperature, 0);
}

TEST(CompletionRequest, ScoresThePromptOnlyWhenItIsEchoed) {
    auto request = Parse(R"({"prompt":"a","logprobs":8,"max_tokens":0})");
    ASSERT_TRUE(request);
    EXPECT_TRUE(request->logprobs);
    EXPECT_FALSE(request->options.engine.prompt_logprobs);
    EXPECT_EQ(request->options.tokens_max, 0);
    EXPECT_FALSE(Parse(R"({"prompt":"a"})")->logprobs);
}

TEST(CompletionRequest, NamesWhatIsWrong) {
    EXPECT_THAT(Parse("{}").error(), Blames("prompt", "must be given"));
    EXPECT_THAT(Parse(R"({"prompt":[]})").error(), Blames("prompt", "length"));
    EXPECT_THAT(Parse(R"({"prompt":5})").error(), Blames("prompt", "a string or an array"));
    EXPECT_THAT(Parse(R"({"prompt":[1,100]})").error(), Blames("prompt", "prompt[1]"));
    EXPECT_THAT(Parse(R"({"prompt":[1,-1]})").error(), Blames("prompt", "from 0 to 99, not -1"));
    EXPECT_THAT(Parse(R"({"prompt":[1,"a"]})").error(), Blames("prompt", "prompt[1]"));
    EXPECT_THAT(Parse(R"({"prompt":["a",1]})").error(), Blames("prompt[1]", "an array of strings"));
    EXPECT_THAT(Parse(R"({"prompt":[[1],[]]})").error(), Blames("prompt[1]", "empty"));
    EXPECT_THAT(Parse(R"({"prompt":[null]})").error(), Blames("prompt[0]", "null"));
    EXPECT_THAT(Parse(R"({"prompt":"a","suffix":"b"})").error(), Blames("suffix", "only as"));
    EXPECT_THAT(Parse(R"({"prompt":"a","n":2,"best_of":3})").error(), Blames("best_of", "n (2)"));
    EXPECT_THAT(Parse(R"({"prompt":["a","b"],"n":100})").error(), Blames("n", "128 choices"));
    EXPECT_THAT(Parse(R"({"prompt":"a","logprobs":true})").error(),
                Blames("logprobs", "an integer"));
    EXPECT_THAT(Parse(R"({"prompt":"a","messages":[]})").error(), Blames("messages", "unknown"));
    EXPECT_TRUE(Parse(R"({"prompt":"a","suffix":"","best_of":1})"));
}

}  // namespace
}  // namespace lathe::api
