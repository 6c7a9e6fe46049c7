#include "core/net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "core/net/sse.h"
#include "core/net/test_client.h"

namespace lathe::net {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

using Handler = std::function<Task<void>(Exchange&)>;

ServerResponse Text(int status, std::string body) {
    return {status, {{"content-type", "text/plain"}}, std::move(body)};
}

std::unique_ptr<HttpServer> Serve(Handler handler, HttpServerOptions options = {}) {
    options.port = 0;
    HttpHooks hooks{std::move(handler), [](const HttpError& error) {
                        return Text(error.status, "refused: " + error.message);
                    }};
    auto server = HttpServer::Start(options, std::move(hooks), {});
    EXPECT_TRUE(server) << server.error().message;
    return std::move(*server);
}

// Answers with "METHOD path body".
Task<void> Echo(Exchange& exchange) {
    auto& request = exchange.request();
    exchange.Send(Text(200, request.method + " " + request.path + " " + request.body));
    co_return;
}

std::string Get(std::string_view path) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

std::string Post(std::string_view body) {
    return fmt::format("POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                       body.size(), body);
}

TEST(HttpServer, AnswersSeveralRequestsOnOneConnection) {
    auto server = Serve(Echo);
    TestClient client(server->port());
    client.Send(Get("/one"));
    EXPECT_THAT(client.ReadResponse(), EndsWith("\r\n\r\nGET /one "));
    client.Send(Post("two"));
    auto response = client.ReadResponse();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 200 OK\r\ndate: "));
    EXPECT_THAT(response, HasSubstr("content-type: text/plain\r\n"));
    EXPECT_THAT(response, Not(HasSubstr("connection: close")));
    EXPECT_THAT(response, EndsWith("\r\n\r\nPOST /p two"));
}

TEST(HttpServer, AnswersPipelinedRequestsInTheirOrder) {
    auto server = Serve([](Exchange& exchange) -> Task<void> {
        if (exchange.request().path == "/slow") co_await exchange.Wait(30ms);
        co_await Echo(exchange);
    });
    TestClient client(server->port());
    client.Send(Get("/slow") + "\r\n" + Post("b") + Get("/c"));
    EXPECT_THAT(client.ReadResponse(), EndsWith("GET /slow "));
    EXPECT_THAT(client.ReadResponse(), EndsWith("POST /p b"));
    EXPECT_THAT(client.ReadResponse(), EndsWith("GET /c "));
}

TEST(HttpServer, TakesChunkedBodies) {
    auto server = Serve(Echo);
    TestClient client(server->port());
    client.Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
    client.Send("c\r\n2\r\nde\r\n0\r\n\r\n");
    EXPECT_THAT(client.ReadResponse(), EndsWith("POST / abcde"));
}

TEST(HttpServer, InvitesTheBodyOfAClientThatAsksFirst) {
    auto server = Serve(Echo);
    TestClient client(server->port());
    client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.ReadThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.Send("ok");
    EXPECT_THAT(client.ReadResponse(), EndsWith("POST / ok"));
}

TEST(HttpServer, LeavesTheBodyOutForHead) {
    auto server = Serve(Echo);
    TestClient client(server->port());
    client.Send("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    auto response = client.ReadAll();
    EXPECT_THAT(response, HasSubstr("content-length: 8\r\n"));
    EXPECT_THAT(response, HasSubstr("connection: close\r\n"));
    EXPECT_THAT(response, EndsWith("\r\n\r\n"));
}

TEST(HttpServer, ClosesAfterAnHttp10RequestAndEndsItsStreamByClosing) {
    auto server = Serve([](Exchange& exchange) -> Task<void> {
        exchange.StartStream(200, {});
        EXPECT_TRUE(exchange.Write("a"));
        EXPECT_TRUE(exchange.Write("b"));
        co_return;
    });
    TestClient client(server->port());
    client.Send("GET / HTTP/1.0\r\n\r\n");
    auto response = client.ReadAll();
    EXPECT_THAT(response, Not(HasSubstr("chunked")));
    EXPECT_THAT(response, EndsWith("\r\n\r\nab"));
}

TEST(HttpServer, RefusesAnOversizedBodyAndNamesTheLimit) {
    HttpServerOptions options;
    options.limits.body_bytes_max = 1000;
    auto server = Serve(Echo, options);
    TestClient client(server->port());
    std::string body(2'000'000, 'x');
    client.Send(Post(body));  // all of it is sent: the refusal must still be readable
    auto response = client.ReadAll();
    EXPECT_THAT(response, StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
    EXPECT_THAT(response, HasSubstr("refused: the request body exceeds the limit of 1000 bytes"));
    TestClient other(server->port());
    other.Send(Get("/still"));
    EXPECT_THAT(other.ReadResponse(), EndsWith("GET /still "));
}

TEST(HttpServer, RefusesEndlessHeadersAndGarbage) {
    auto server = Serve(Echo);
    TestClient client(server->port());
    client.Send("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x'));
    EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 431 "));
    TestClient garbage(server->port());
    garbage.Send("\x16\x03\x01 this is not http\r\n\r\n");
    EXPECT_THAT(garbage.ReadAll(), StartsWith("HTTP/1.1 400 "));
}

TEST(HttpServer, EndsAClientThatDribblesItsHeadersOrBody) {
    HttpServerOptions options;
    options.header_timeout = options.body_timeout = 50ms;
    auto server = Serve(Echo, options);
    TestClient header(server->port());
    header.Send("GET / HTTP/1.1\r\nHos");
    EXPECT_THAT(header.ReadAll(), StartsWith("HTTP/1.1 408 "));
    TestClient body(server->port());
    body.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nab");
    EXPECT_THAT(body.ReadAll(), StartsWith("HTTP/1.1 408 "));
}

TEST(HttpServer, ClosesAnIdleConnectionWithoutAWord) {
    HttpServerOptions options;
    options.idle_timeout = 50ms;
    auto server = Serve(Echo, options);
    TestClient client(server->port());
    client.Send(Get("/a"));
    client.ReadResponse();
    EXPECT_EQ(client.ReadAll(), "");
}

TEST(HttpServer, StreamsPiecesAsTheyCome) {
    std::promise<Waker> waker;
    auto server = Serve([&](Exchange& exchange) -> Task<void> {
        if (exchange.request().path != "/stream") co_return co_await Echo(exchange);
        exchange.AddHeader("x-request-id", "r1");
        exchange.StartStream(200, SseHeaders());
        EXPECT_TRUE(exchange.Write(SseData("1")));
        waker.set_value(exchange.waker());
        EXPECT_EQ(co_await exchange.Wait(60s), Exchange::Event::kWoken);
        EXPECT_TRUE(exchange.Write(kSseDone));
    });
    TestClient client(server->port());
    client.Send(Get("/stream"));
    auto head = client.ReadThrough("\r\n\r\n");
    EXPECT_THAT(head, HasSubstr("transfer-encoding: chunked\r\n"));
    EXPECT_THAT(head, HasSubstr("content-type: text/event-stream; charset=utf-8\r\n"));
    EXPECT_THAT(head, HasSubstr("x-request-id: r1\r\n"));
    EXPECT_EQ(client.ReadThrough("1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
    waker.get_future().get().Wake();
    EXPECT_EQ(client.ReadThrough("0\r\n\r\n"), "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    client.Send(Get("/next"));  // the connection stays usable
    EXPECT_THAT(client.ReadResponse(), EndsWith("GET /next "));
}

// What the handler of a waiting or streaming request sees when its client leaves in some way.
Exchange::Event SeenWhen(const std::function<void(TestClient&)>& leave, bool streaming) {
    std::promise<Exchange::Event> seen;
    auto server = Serve([&](Exchange& exchange) -> Task<void> {
        if (streaming) {
            exchange.StartStream(200, {});
            EXPECT_TRUE(exchange.Write("begun"));
        } else {
            exchange.AddHeader("x", "y");
        }
        auto event = co_await exchange.Wait(60s);
        EXPECT_TRUE(exchange.client_gone());
        EXPECT_FALSE(streaming && exchange.Write("more"));
        seen.set_value(event);
    });
    TestClient client(server->port());
    client.Send(Get("/"));
    if (streaming) client.ReadThrough("begun");
    leave(client);
    return seen.get_future().get();
}

TEST(HttpServer, TellsTheHandlerWhenItsClientIsGone) {
    for (bool streaming : {false, true}) {
        EXPECT_EQ(SeenWhen([](TestClient& client) { client.Close(); }, streaming),
                  Exchange::Event::kGone);
        EXPECT_EQ(SeenWhen([](TestClient& client) { client.Reset(); }, streaming),
                  Exchange::Event::kGone);
        EXPECT_EQ(SeenWhen([](TestClient& client) { client.HalfClose(); }, streaming),
                  Exchange::Event::kGone);
    }
}

TEST(HttpServer, StillAnswersAClientThatOnlyClosedItsSendingSide) {
    auto server = Serve(Echo);
    TestClient client(server->port());
    client.Send(Get("/half"));
    client.HalfClose();
    EXPECT_THAT(client.ReadAll(), EndsWith("GET /half "));
}

TEST(HttpServer, CutsAClientThatDoesNotReadItsStream) {
    HttpServerOptions options;
    options.unsent_bytes_max = 100'000;
    std::promise<Error> seen;
    auto server = Serve(
        [&](Exchange& exchange) -> Task<void> {
            exchange.StartStream(200, {});
            std::string piece(50'000, 'x');
            for (;;) {
                if (auto status = exchange.Write(piece); !status) {
                    seen.set_value(status.error());
                    co_return;
                }
                co_await exchange.Wait(1ms);
            }
        },
        options);
    TestClient client(server->port(), 4096);
    client.Send(Get("/"));
    auto error = seen.get_future().get();
    EXPECT_EQ(error.code, Code::kResourceExhausted);
    EXPECT_THAT(error.message, MatchesRegex("the client left [0-9]+ bytes of its stream unread.*"));
}

TEST(HttpServer, CutsAClientThatTakesNothingOfALongAnswer) {
    HttpServerOptions options;
    options.write_stall_timeout = 50ms;
    auto server = Serve(
        [](Exchange& exchange) -> Task<void> {
            exchange.Send(Text(200, std::string(32 << 20, 'x')));
            co_return;
        },
        options);
    TestClient client(server->port(), 4096);
    client.Send(Get("/"));
    while (server->exchanges() == 0 && server->connections() == 0) std::this_thread::yield();
    while (server->connections() > 0) std::this_thread::sleep_for(1ms);  // hangs if not cut
    EXPECT_LT(client.ReadAll().size(), size_t{32} << 20);
}

TEST(HttpServer, AnswersOthersWhileBackgroundWorkRuns) {
    std::latch begun(1), finish(1);
    auto server = Serve([&](Exchange& exchange) -> Task<void> {
        if (exchange.request().path == "/work") {
            auto io_thread = std::this_thread::get_id();
            co_await exchange.RunInBackground([&] {
                EXPECT_NE(std::this_thread::get_id(), io_thread);
                begun.count_down();
                finish.wait();
            });
            EXPECT_EQ(std::this_thread::get_id(), io_thread);
        }
        co_await Echo(exchange);
    });
    TestClient busy(server->port()), other(server->port());
    busy.Send(Get("/work"));
    begun.wait();
    other.Send(Get("/livez"));
    EXPECT_THAT(other.ReadResponse(), EndsWith("GET /livez "));
    finish.count_down();
    EXPECT_THAT(busy.ReadResponse(), EndsWith("GET /work "));
}

TEST(HttpServer, TurnsAHandlersExceptionIntoA500) {
    auto server = Serve([](Exchange& exchange) -> Task<void> {
        if (exchange.request().path == "/background")
            co_await exchange.RunInBackground([] { throw std::runtime_error("no"); });
        if (exchange.request().path == "/stream") {
            exchange.StartStream(200, {});
            EXPECT_TRUE(exchange.Write("half"));
        }
        if (exchange.request().path == "/nothing") co_return;
        throw std::runtime_error("no");
    });
    TestClient client(server->port());
    for (const char* path : {"/direct", "/background", "/nothing"}) {
        client.Send(Get(path));
        EXPECT_THAT(client.ReadResponse(), StartsWith("HTTP/1.1 500 ")) << path;
    }
    client.Send(Get("/stream"));
    EXPECT_THAT(client.ReadAll(), Not(HasSubstr("\r\n0\r\n\r\n")));  // a broken stream
}

TEST(HttpServer, TurnsAwayConnectionsBeyondItsLimit) {
    HttpServerOptions options;
    options.connections_max = 1;
    auto server = Serve(Echo, options);
    TestClient first(server->port());
    first.Send(Get("/a"));
    first.ReadResponse();
    TestClient second(server->port());
    EXPECT_THAT(second.ReadAll(), StartsWith("HTTP/1.1 503 "));
    first.Send(Get("/b"));
    EXPECT_THAT(first.ReadResponse(), EndsWith("GET /b "));
}

TEST(HttpServer, LimitsTheBodiesOfAllConnectionsTogether) {
    HttpServerOptions options;
    options.bodies_bytes_max = 1000;
    std::latch release(1);
    auto server = Serve(
        [&](Exchange& exchange) -> Task<void> {
            if (exchange.request().body.size() == 700) {
                exchange.StartStream(200, {});
                EXPECT_TRUE(exchange.Write("holding"));
                co_await exchange.RunInBackground([&] { release.wait(); });
                exchange.ReleaseBody();
                EXPECT_TRUE(exchange.Write("released"));
                co_await exchange.Wait(60s);
                co_return;
            }
            co_await Echo(exchange);
        },
        options);
    TestClient holder(server->port()), other(server->port()), later(server->port());
    holder.Send(Post(std::string(700, 'a')));
    holder.ReadThrough("holding");
    other.Send(Post(std::string(600, 'b')));
    EXPECT_THAT(other.ReadAll(), StartsWith("HTTP/1.1 503 "));
    release.count_down();
    holder.ReadThrough("released");
    later.Send(Post(std::string(600, 'c')));
    EXPECT_THAT(later.ReadResponse(), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, ClosesConnectionsAsTheyFallIdleWhenDraining) {
    std::promise<void> begun;
    std::atomic<bool> go{false};
    auto server = Serve([&](Exchange& exchange) -> Task<void> {
        if (exchange.request().path == "/running") {
            begun.set_value();
            while (!go.load()) co_await exchange.Wait(1ms);
        }
        co_await Echo(exchange);
    });
    TestClient idle(server->port()), running(server->port());
    idle.Send(Get("/a"));
    idle.ReadResponse();
    running.Send(Get("/running"));
    begun.get_future().wait();
    server->Drain();
    EXPECT_EQ(idle.ReadAll(), "");
    TestClient probe(server->port());
    probe.Send(Get("/readyz"));
    EXPECT_THAT(probe.ReadAll(), HasSubstr("connection: close\r\n"));
    go.store(true);
    EXPECT_THAT(running.ReadAll(), EndsWith("GET /running "));
}

TEST(HttpServer, EndsItsHandlersWhenItIsDestroyed) {
    std::promise<void> begun;
    Exchange::Event seen{};
    std::optional<Waker> waker;
    auto server = Serve([&](Exchange& exchange) -> Task<void> {
        waker = exchange.waker();
        begun.set_value();
        seen = co_await exchange.Wait(60s);
    });
    TestClient client(server->port());
    client.Send(Get("/"));
    begun.get_future().wait();
    server.reset();
    EXPECT_EQ(seen, Exchange::Event::kGone);
    EXPECT_EQ(client.ReadAll(), "");
    waker->Wake();  // harmless
    waker->Wake();
}

TEST(HttpServer, SurvivesWakersThatFireWhileConnectionsComeAndGo) {
    auto server = Serve([](Exchange& exchange) -> Task<void> {
        auto waker = exchange.waker();
        std::thread([waker] {
            for (int i = 0; i < 20; ++i) waker.Wake();
        }).detach();
        co_await exchange.Wait(60s);
        co_await Echo(exchange);
    });
    for (int i = 0; i < 20; ++i) {
        TestClient client(server->port());
        client.Send(Get("/x"));
        if (i % 2 == 0) EXPECT_THAT(client.ReadResponse(), EndsWith("GET /x "));
    }
}

TEST(HttpServer, CannotBeMadeToSplitItsHeaders) {
    auto server = Serve([](Exchange& exchange) -> Task<void> {
        exchange.AddHeader("x-request-id", "a\r\nset-cookie: b");
        exchange.Send(Text(200, ""));
        co_return;
    });
    TestClient client(server->port());
    client.Send(Get("/"));
    EXPECT_THAT(client.ReadResponse(), HasSubstr("x-request-id: a  set-cookie: b\r\n"));
}

TEST(HttpServer, SaysWhichPortIsTaken) {
    auto server = Serve(Echo);
    HttpServerOptions options;
    options.port = server->port();
    auto second =
        HttpServer::Start(options, {Echo, [](const HttpError&) { return ServerResponse{}; }}, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kAlreadyExists);
    EXPECT_THAT(second.error().message,
                HasSubstr(fmt::format("port {} of 127.0.0.1", options.port)));
    options.address = "localhost";
    EXPECT_THAT(
        HttpServer::Start(options, {Echo, [](const HttpError&) { return ServerResponse{}; }}, {})
            .error()
            .message,
        HasSubstr("no IP address"));
}

TEST(HttpServer, ServesManyConnectionsOnSeveralIoThreads) {
    HttpServerOptions options;
    options.io_threads = 3;
    auto server = Serve(Echo, options);
    std::vector<std::jthread> clients;
    std::atomic<int> good{0};
    for (int t = 0; t < 8; ++t)
        clients.emplace_back([&] {
            TestClient client(server->port());
            for (int i = 0; i < 25; ++i) {
                client.Send(Post("n"));
                if (client.ReadResponse().ends_with("POST /p n")) ++good;
            }
        });
    clients.clear();
    EXPECT_EQ(good.load(), 200);
}

}  // namespace
}  // namespace lathe::net
