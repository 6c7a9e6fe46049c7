#include "edge/api/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/json/json.h"
#include "core/net/test_client.h"

namespace lathe::api {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

TEST(MatchPath, CapturesTheOpenPartEvenWithSlashes) {
    std::string capture;
    EXPECT_TRUE(MatchPath("/v1/models", "/v1/models", capture));
    EXPECT_FALSE(MatchPath("/v1/models", "/v1/models/", capture));
    EXPECT_TRUE(MatchPath("/v1/models/{id}", "/v1/models/org/name", capture));
    EXPECT_EQ(capture, "org/name");
    EXPECT_TRUE(MatchPath("/v1/models/{id}/facts", "/v1/models/org/name/facts", capture));
    EXPECT_EQ(capture, "org/name");
    EXPECT_FALSE(MatchPath("/v1/models/{id}", "/v1/models/", capture));
    EXPECT_FALSE(MatchPath("/v1/models/{id}/facts", "/v1/models/facts", capture));
}

TEST(UsableRequestId, TakesOnlyHarmlessOnes) {
    auto id = [](const char* name, std::string value) {
        net::ServerRequest request;
        request.headers = {{name, std::move(value)}};
        return std::string(UsableRequestId(request));
    };
    EXPECT_EQ(id("X-Request-Id", "abc-1.2:3_4"), "abc-1.2:3_4");
    EXPECT_EQ(id("x-correlation-id", "c"), "c");
    EXPECT_EQ(id("x-request-id", "a b"), "");
    EXPECT_EQ(id("x-request-id", "a\"b"), "");
    EXPECT_EQ(id("x-request-id", std::string(129, 'a')), "");
}

// A server with GET and POST /thing (keyed), GET /open (public), /item/{id}, and a console at "/".
class RouterTest : public ::testing::Test {
protected:
    class OneKey : public Access {
        ApiResult<Caller> Admit(const net::ServerRequest& request) const override {
            if (request.Get("authorization") == "Bearer k") return Caller{"key-1"};
            return std::unexpected(ApiError(Error{Code::kUnauthenticated, "no key", ""}));
        }
    };

    void SetUp() override {
        auto answer = [](net::Exchange& exchange, const Call& call) -> net::Task<void> {
            exchange.Send(
                {200,
                 {},
                 fmt::format("{}|{}|{}", exchange.request().method, call.capture, call.caller.id)});
            co_return;
        };
        router_.Add({"GET", "/thing", answer});
        router_.Add({"POST", "/thing", answer});
        router_.Add({"GET", "/open", answer, true});
        router_.Add({"GET", "/item/{id}", answer});
        router_.Add({.method = "GET", .path = "/again", .handler = answer, .is_polled = true});
        router_.SetFallback([](net::Exchange& exchange) {
            if (exchange.request().path != "/") return false;
            exchange.Send({200, {}, "console"});
            return true;
        });
        net::HttpServerOptions options;
        options.port = 0;
        auto server = net::HttpServer::Start(
            options,
            {[this](net::Exchange& exchange) { return router_.Serve(exchange); },
             [](const net::HttpError& error) { return ErrorResponse(FromHttpStatus(error)); }},
            {});
        ASSERT_TRUE(server) << server.error().message;
        server_ = std::move(*server);
    }

    std::string Ask(std::string_view line,
                    std::string_view headers = "Authorization: Bearer k\r\n") {
        net::TestClient client(server_->port());
        client.Send(fmt::format("{} HTTP/1.1\r\nHost: h\r\n{}\r\n", line, headers));
        return client.ReadResponse();
    }

    // Lines of the access log as "info GET /thing 200", once the server has stopped.
    std::vector<std::string> Logged() {
        server_.reset();
        return lines_;
    }

    telemetry::Metrics metrics_;
    std::vector<std::string> lines_;
    telemetry::Log log_ = telemetry::Log::ToFunction(
        telemetry::LogLevel::kDebug, telemetry::LogFormat::kJson, [this](std::string_view line) {
            Json json = Json::parse(line);
            std::string text = json["message"];
            lines_.push_back(
                json["level"].get<std::string>() + " " +
                text.substr(0, text.find(' ', text.find(' ', text.find(' ') + 1) + 1)));
        });
    Router router_{std::make_shared<OneKey>(), metrics_, log_};
    std::unique_ptr<net::HttpServer> server_;
};

TEST_F(RouterTest, FindsTheRouteByMethodAndPath) {
    EXPECT_THAT(Ask("GET /thing"), EndsWith("\r\n\r\nGET||key-1"));
    EXPECT_THAT(Ask("POST /thing"), EndsWith("POST||key-1"));
    EXPECT_THAT(Ask("GET /item/a%2Fb"), EndsWith("GET|a/b|key-1"));
    EXPECT_THAT(Ask("GET /open", ""), EndsWith("GET||"));
    EXPECT_THAT(Ask("GET /", ""), EndsWith("console"));
}

TEST_F(RouterTest, LogsWhatBrowsersAskAgainAndAgainAtDebugUnlessItFails) {
    Ask("GET /thing");
    Ask("GET /again");
    Ask("GET /again", "");
    EXPECT_THAT(Logged(),
                ElementsAre("info GET /thing 200", "debug GET /again 200", "info GET /again 401"));
}

TEST_F(RouterTest, AnswersUnknownPathsAndMethodsInOpenAisForm) {
    auto missing = Ask("GET /nothing");
    EXPECT_THAT(missing, StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(missing, HasSubstr(R"({"error":{"message":"there is nothing at GET /nothing)"));
    EXPECT_THAT(missing,
                HasSubstr(R"("type":"invalid_request_error","param":null,"code":"not_found"}})"));
    for (const char* method : {"DELETE", "BREW", "OPTIONS"}) {
        auto wrong = Ask(std::string(method) + " /thing");
        EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405 "));
        EXPECT_THAT(wrong, HasSubstr("allow: GET, HEAD, POST\r\n"));
    }
}

TEST_F(RouterTest, AsksForAKeyEverywhereButOnPublicRoutes) {
    for (const char* line : {"GET /thing", "POST /thing", "DELETE /thing", "GET /nothing",
                             "GET /item/x", "POST /nothing"}) {
        auto response = Ask(line, "");
        EXPECT_THAT(response, StartsWith("HTTP/1.1 401 ")) << line;
        EXPECT_THAT(response, HasSubstr("www-authenticate: Bearer\r\n"));
        EXPECT_THAT(response, HasSubstr(R"("code":"invalid_api_key")"));
    }
}

TEST_F(RouterTest, GivesBackTheRequestIdOrMakesOne) {
    EXPECT_THAT(Ask("GET /open", "X-Request-Id: mine-1\r\n"),
                HasSubstr("x-request-id: mine-1\r\n"));
    auto first = Ask("GET /open"), second = Ask("GET /open");
    auto id = [](const std::string& response) {
        return response.substr(response.find("x-request-id: ") + 14, 24);
    };
    EXPECT_THAT(id(first), MatchesRegex("[0-9a-f]{24}"));
    EXPECT_NE(id(first), id(second));
}

TEST_F(RouterTest, CountsByRouteNeverByPath) {
    Ask("GET /item/secret-name");
    Ask("GET /made-up-path");
    while (server_->exchanges() > 0) std::this_thread::yield();  // counted after it is answered
    auto text = metrics_.Serialize();
    EXPECT_THAT(text, HasSubstr(R"(lathe_http_requests_total{route="/item/{id}",status="200"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(lathe_http_requests_total{route="other",status="404"} 1)"));
    EXPECT_THAT(text, Not(HasSubstr("secret-name")));
    EXPECT_THAT(text, Not(HasSubstr("made-up-path")));
}

}  // namespace
}  // namespace lathe::api
