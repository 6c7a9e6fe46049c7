// Clients that leave, wait, read slowly or come too many at once; draining; health.
#include "edge/api/api_fixture.h"

namespace lathe::api {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ApiLife, StopsAGenerationWhenItsClientLeaves) {
    for (bool stream : {false, true}) {
        for (auto leave :
             {&net::TestClient::Close, &net::TestClient::Reset, &net::TestClient::HalfClose}) {
            Served served;
            served.runner().Hold();
            net::TestClient client(served.port());
            client.Send(Served::PostText(
                kCompletionPath,
                Completion("a", {{"stream", stream}, {"max_tokens", 200}, {"ignore_eos", true}})
                    .dump()));
            served.runner().WaitForStep();
            (client.*leave)();
            while (served.server().exchanges() > 0) std::this_thread::yield();
            served.runner().Release();
            served.WaitUntilIdle();
            auto metrics = served.Metrics();
            EXPECT_THAT(metrics, HasSubstr("finished_reason=\"abort\",model_name=\"abc\"} 1\n"));
            EXPECT_THAT(metrics, HasSubstr("vllm:num_requests_running{model_name=\"abc\"} 0\n"));
            EXPECT_THAT(metrics, HasSubstr("vllm:kv_cache_usage_perc{model_name=\"abc\"} 0\n"));
            EXPECT_LT(served.engine().stats().generation_tokens, 10u);
        }
    }
}

TEST(ApiLife, StopsWhatStillWaitsWhenItsClientLeaves) {
    ServedOptions options;
    options.engine.sequences_max = 1;
    Served served(options);
    served.runner().Hold();
    net::TestClient running(served.port()), waiting(served.port());
    auto request = Served::PostText(kCompletionPath, Completion("a").dump());
    running.Send(request);
    served.runner().WaitForStep();
    waiting.Send(request);
    served.WaitForRequests(2);
    waiting.Close();
    while (served.server().exchanges() > 1) std::this_thread::yield();
    served.runner().Release();
    EXPECT_THAT(running.ReadResponse(), StartsWith("HTTP/1.1 200 "));
    served.WaitUntilIdle();
    EXPECT_EQ(served.engine().stats().generation_tokens, 16u);
}

TEST(ApiLife, CutsAClientThatDoesNotReadItsStreamAndStopsIt) {
    ServedOptions options;
    options.server.unsent_bytes_max = 100'000;
    Served served(options);
    net::TestClient client(served.port(), 2048);
    // Log-probabilities make the stream far larger than what the sockets hold.
    client.Send(Served::PostText(
        kCompletionPath,
        Completion(Json::array({"a", "b", "c", "d", "e", "f", "g", "h"}), {{"stream", true},
                                                                           {"n", 16},
                                                                           {"max_tokens", 200},
                                                                           {"logprobs", 64},
                                                                           {"ignore_eos", true}})
            .dump()));
    while (served.engine().stats().steps == 0) std::this_thread::yield();
    while (served.server().exchanges() > 0) std::this_thread::sleep_for(1ms);
    served.WaitUntilIdle();
    EXPECT_LT(served.engine().stats().generation_tokens, 8u * 16 * 200);
}

TEST(ApiLife, SaysTooManyWhenTheQueueIsFull) {
    ServedOptions options;
    options.engine.sequences_max = 1;
    options.engine.queue_max = 1;
    Served served(options);
    served.runner().Hold();
    net::TestClient running(served.port()), waiting(served.port());
    auto request = Served::PostText(kCompletionPath, Completion("a").dump());
    running.Send(request);
    served.runner().WaitForStep();
    waiting.Send(request);
    served.WaitForRequests(2);
    auto refused = served.Ask(request);
    EXPECT_EQ(refused.status, 429) << refused.body;
    EXPECT_THAT(refused.head, HasSubstr("retry-after: 1\r\n"));
    EXPECT_EQ(refused.json["error"]["code"], "rate_limit_exceeded");
    EXPECT_EQ(refused.json["error"]["type"], "rate_limit_error");
    auto batch = served.Post(kCompletionPath, Completion({"a", "b", "c"}));
    EXPECT_EQ(batch.status, 429);
    served.runner().Release();
    EXPECT_THAT(running.ReadResponse(), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(waiting.ReadResponse(), StartsWith("HTTP/1.1 200 "));
    served.WaitUntilIdle();
    EXPECT_EQ(served.engine().stats().generation_tokens, 32u);  // nothing of the refused batch
}

TEST(ApiLife, AnswersHealthWhileTheModelIsBusy) {
    Served served;
    served.runner().Hold();
    net::TestClient client(served.port());
    client.Send(Served::PostText(kCompletionPath, Completion("a").dump()));
    served.runner().WaitForStep();
    for (auto port : {served.port(), served.health_port()})
        for (const char* path : {"/livez", "/readyz", "/health", "/liveness", "/readiness"}) {
            auto answer = served.Get(path, port);
            EXPECT_EQ(answer.status, 200) << path;
            EXPECT_EQ(answer.body, R"({"status":"ok"})");
        }
    EXPECT_EQ(served.Get("/v1/models", served.health_port()).status, 404);
    served.runner().Release();
    EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 200 "));
}

TEST(ApiLife, DrainsByFinishingWhatRunsAndRefusingTheRest) {
    Served served;
    served.runner().Hold();
    net::TestClient client(served.port());
    client.Send(Served::PostText(kChatPath, Chat("hi", {{"stream", true}}).dump()));
    served.runner().WaitForStep();
    served.api().Drain();
    served.server().Drain();
    auto ready = served.Get("/readyz");
    EXPECT_EQ(ready.status, 503);
    EXPECT_EQ(ready.body, R"({"status":"draining"})");
    EXPECT_EQ(served.Get("/livez").status, 200);
    auto refused = served.Post(kChatPath, Chat("hi"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.json["error"]["code"], "unavailable");
    served.runner().Release();
    client.ReadThrough("\r\n\r\n");
    auto stream = Served::ReadEvents(client, {});
    EXPECT_EQ(stream.chunks.back()["choices"][0]["finish_reason"], "stop");
    served.WaitUntilIdle();
}

TEST(ApiLife, GivesEveryOneOfManyStreamsItsOwnText) {
    Served served;
    std::vector<std::jthread> clients;
    std::mutex mutex;
    std::map<int, std::string> together;
    auto ask = [&](int i) {
        auto stream = served.PostStream(
            kCompletionPath, Completion(std::string(1, static_cast<char>('a' + i % 20)),
                                        {{"max_tokens", 30}, {"temperature", 1.5}, {"seed", i}}));
        std::string text;
        for (const auto& chunk : stream.chunks)
            text += chunk["choices"][0]["text"].get<std::string>();
        return text;
    };
    for (int i = 0; i < 32; ++i)
        clients.emplace_back([&, i] {
            auto text = ask(i);
            std::lock_guard lock(mutex);
            together[i] = text;
        });
    clients.clear();
    for (int i = 0; i < 32; ++i) EXPECT_EQ(together[i], ask(i)) << i;
}

TEST(ApiLife, AsksForAKeyWhereTheServerHasKeys) {
    struct OneKey : Access {
        ApiResult<Caller> Admit(const net::ServerRequest& request) const override {
            if (request.Get("authorization") == "Bearer k") return Caller{"key-1"};
            return std::unexpected(ApiError(Error{Code::kUnauthenticated, "no key", ""}));
        }
    };
    ServedOptions options;
    options.access = std::make_shared<OneKey>();
    Served served(options);
    for (const char* path : {"/v1/models", "/v1/models/abc/facts", "/metrics", "/nothing"})
        EXPECT_EQ(served.Get(path).status, 401) << path;
    for (const char* path : {kChatPath, kCompletionPath, "/tokenize", "/detokenize"})
        EXPECT_EQ(served.Post(path, Json::object()).status, 401) << path;
    EXPECT_EQ(served.Get("/livez").status, 200);
    EXPECT_EQ(
        served.Ask("GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n").status,
        200);
}

TEST(ApiLife, RefusesForeignHostsOnLoopback) {
    Served served;
    auto answer = served.Ask("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.json["error"]["code"], "permission_denied");
}

}  // namespace
}  // namespace lathe::api
