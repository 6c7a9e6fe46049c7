// What callers see of shared prompts; pages of 8 tokens.
#include "edge/api/api_fixture.h"

namespace lathe::api {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPrompt = "a question of more than two pages";  // 33 tokens: 4 full pages

class ManyKeys : public Access {
    ApiResult<Caller> Admit(const net::ServerRequest& request) const override {
        return Caller{std::string(request.Get("authorization"))};
    }
};

int CachedTokens(const Answer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json["usage"]["prompt_tokens_details"]["cached_tokens"].get<int>();
}

TEST(PrefixCacheApi, TellsHowManyTokensOfThePromptWereThereAlready) {
    Served served;
    Json body = Completion(kPrompt, {{"max_tokens", 1}});
    EXPECT_EQ(CachedTokens(served.Post(kCompletionPath, body)), 0);
    EXPECT_EQ(CachedTokens(served.Post(kCompletionPath, body)), 32);
    auto chunks =
        served
            .PostStream(kCompletionPath,
                        Completion(kPrompt, {{"max_tokens", 1},
                                             {"stream_options", {{"include_usage", true}}}}))
            .chunks;
    EXPECT_EQ(chunks.back()["usage"]["prompt_tokens_details"]["cached_tokens"], 32);
    served.WaitUntilIdle();
    std::string metrics = served.Metrics();
    EXPECT_THAT(metrics, HasSubstr("vllm:prefix_cache_queries_total{model_name=\"abc\"} 99\n"));
    EXPECT_THAT(metrics, HasSubstr("vllm:prefix_cache_hits_total{model_name=\"abc\"} 64\n"));
    EXPECT_THAT(metrics, HasSubstr("vllm:kv_cache_usage_perc{model_name=\"abc\"} 0\n"));
}

TEST(PrefixCacheApi, FindsTheTurnBeforeInAChat) {
    Served served;
    auto first = served.Post(kChatPath, Chat("which letters follow l"));
    EXPECT_EQ(CachedTokens(first), 0);
    Json second = Chat("");
    second["messages"] = Json::array(
        {{{"role", "user"}, {"content", "which letters follow l"}},
         {{"role", "assistant"}, {"content", first.json["choices"][0]["message"]["content"]}},
         {{"role", "user"}, {"content", "and then"}}});
    int prompt = first.json["usage"]["prompt_tokens"].get<int>();
    EXPECT_GT(CachedTokens(served.Post(kChatPath, second)), prompt) << "the answer's tokens too";
}

TEST(PrefixCacheApi, ScoresThePromptOfAnEchoAnew) {
    Served served;
    Json body = Completion(kPrompt, {{"max_tokens", 1}, {"echo", true}, {"logprobs", 0}});
    EXPECT_EQ(CachedTokens(served.Post(kCompletionPath, body)), 0);
    auto again = served.Post(kCompletionPath, body);
    EXPECT_EQ(CachedTokens(again), 0);
    EXPECT_EQ(again.json["choices"][0]["logprobs"]["token_logprobs"].size(), 34u);
}

TEST(PrefixCacheApi, SharesNothingBetweenKeysNorBetweenSalts) {
    ServedOptions options;
    options.access = std::make_shared<ManyKeys>();
    Served served(options);
    auto cached = [&](const char* key, const char* salt) {
        Json body = Completion(kPrompt, {{"max_tokens", 1}});
        if (salt != nullptr) body["cache_salt"] = salt;
        std::string request = Served::PostText(kCompletionPath, body.dump());
        request.insert(request.find("\r\n") + 2, fmt::format("Authorization: {}\r\n", key));
        return CachedTokens(served.Ask(request));
    };
    EXPECT_EQ(cached("ann", nullptr), 0);
    EXPECT_EQ(cached("bob", nullptr), 0);
    EXPECT_EQ(cached("ann", "pepper"), 0);
    EXPECT_EQ(cached("bob", "pepper"), 0);
    EXPECT_EQ(cached("ann", nullptr), 32);
    EXPECT_EQ(cached("bob", "pepper"), 32);
}

TEST(PrefixCacheApi, RefusesASaltThatIsNone) {
    Served served;
    for (const Json& salt : {Json(""), Json(7), Json(std::string(2000, 'x'))}) {
        for (Json body : {Completion("a"), Chat("a")}) {
            body["cache_salt"] = salt;
            auto answer = served.Post(body.contains("prompt") ? kCompletionPath : kChatPath, body);
            EXPECT_EQ(answer.status, 400);
            EXPECT_EQ(answer.json["error"]["param"], "cache_salt");
        }
    }
}

}  // namespace
}  // namespace lathe::api
