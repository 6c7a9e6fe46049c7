#include "core/net/http_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "support/http_test_server.h"
#include "support/scratch.h"

namespace lathe::net {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using testing_support::HttpTestServer;
using testing_support::ScratchDirectory;
using testing_support::TestCertificate;
using testing_support::TestConnection;
using testing_support::TestRequest;

constexpr size_t kBytesMax = 16u << 20;

HttpClient MakeClient(HttpClientOptions options = {}) {
    return std::move(HttpClient::Create(std::move(options))).value();
}

Result<FetchedText> Get(const std::string& url, HttpClientOptions options = {}) {
    return FetchText(MakeClient(std::move(options)), {.url = url}, kBytesMax);
}

HttpTestServer::Handler Raw(std::string bytes) {
    return [bytes](const TestRequest&, TestConnection& connection) { connection.Send(bytes); };
}

// The error of a GET to a server that answers `bytes` and closes.
Error ErrorFor(std::string bytes, HttpClientOptions options = {}) {
    HttpTestServer server(Raw(std::move(bytes)));
    auto text = Get(server.Url("/"), std::move(options));
    return text ? Error{Code::kInternal, "it succeeded", ""} : text.error();
}

TEST(HttpClient, FetchesABodyAndItsHead) {
    HttpTestServer server([](const TestRequest&, TestConnection& connection) {
        connection.Respond(200, "hello", "X-Thing: 7\r\n");
    });
    auto text = Get(server.Url("/a?b=c"));
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->body, "hello");
    EXPECT_EQ(text->head.status, 200);
    EXPECT_EQ(text->head.Get("x-thing"), "7");
    EXPECT_EQ(text->head.content_length, 5u);
    ASSERT_THAT(server.requests(), SizeIs(1));
    EXPECT_EQ(server.requests()[0].target, "/a?b=c");
    EXPECT_EQ(server.requests()[0].Get("host"), fmt::format("127.0.0.1:{}", server.port()));
}

TEST(HttpClient, SendsMethodHeadersAndBody) {
    HttpTestServer server([](const TestRequest& request, TestConnection& connection) {
        connection.Respond(201, request.method + request.Get("x-a") + request.body);
    });
    auto text = FetchText(
        MakeClient(),
        {.method = "POST", .url = server.Url("/"), .headers = {{"X-A", "1"}}, .body = "abc"},
        kBytesMax);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->body, "POST1abc");
    EXPECT_EQ(text->head.status, 201);
}

TEST(HttpClient, ReadsChunkedBodiesAndBodiesThatEndWithTheConnection) {
    HttpTestServer chunked(
        Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
    EXPECT_EQ(Get(chunked.Url())->body, "abcde");
    HttpTestServer until_close(Raw("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
    EXPECT_EQ(Get(until_close.Url())->body, "until the end");
    HttpTestServer interim(
        Raw("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    EXPECT_EQ(Get(interim.Url())->body, "ok");
    HttpTestServer empty(Raw("HTTP/1.1 204 No Content\r\n\r\n"));
    EXPECT_EQ(Get(empty.Url())->head.status, 204);
}

TEST(HttpClient, AsksForAHeadWithoutWaitingForItsBody) {
    HttpTestServer server(Raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
    auto text = FetchText(MakeClient(), {.method = "HEAD", .url = server.Url()}, kBytesMax);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->head.content_length, 1000u);
}

TEST(HttpClient, TellsHowMuchOfABodyCameBeforeTheConnectionEnded) {
    Error error = ErrorFor("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(error.code, Code::kDataLoss);
    EXPECT_THAT(error.message, HasSubstr("after 3 of 10 bytes"));
    error = ErrorFor("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
    EXPECT_EQ(error.code, Code::kDataLoss);
}

TEST(HttpClient, RefusesWhatIsNoHttp) {
    EXPECT_EQ(ErrorFor("SSH-2.0-server\r\n").code, Code::kDataLoss);
    EXPECT_EQ(ErrorFor("HTTP/1.1 abc\r\n\r\n").code, Code::kDataLoss);
    EXPECT_EQ(ErrorFor("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").code, Code::kDataLoss);
    EXPECT_THAT(ErrorFor("").message, HasSubstr("without an answer"));
    EXPECT_THAT(ErrorFor("HTTP/1.1 200 O").message, HasSubstr("closed the connection"));
    std::string interim = "HTTP/1.1 100 Continue\r\n\r\n", many;
    for (int i = 0; i < 100; ++i) many += interim;
    EXPECT_THAT(ErrorFor(many).message, HasSubstr("interim"));
}

TEST(HttpClient, BoundsTheHead) {
    std::string head = "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n";
    EXPECT_THAT(ErrorFor(head).message, HasSubstr("limit of 65536 bytes"));
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 10'000; ++i) many += fmt::format("X-{}: y\r\n", i);
    EXPECT_THAT(ErrorFor(many + "\r\n").message, HasSubstr("limit"));
}

TEST(HttpClient, BoundsTheBodyOfText) {
    HttpTestServer server([](const TestRequest&, TestConnection& connection) {
        connection.Respond(200, std::string(1000, 'x'));
    });
    auto text = FetchText(MakeClient(), {.url = server.Url()}, 999);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kOutOfRange);
    EXPECT_TRUE(FetchText(MakeClient(), {.url = server.Url()}, 1000));
}

TEST(HttpClient, RefusesHeadersThatWouldSplitTheRequest) {
    HttpTestServer server(Raw(""));
    auto text =
        FetchText(MakeClient(), {.url = server.Url(), .headers = {{"X", "a\r\nY: b"}}}, kBytesMax);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kInvalidArgument);
    EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(HttpClientTimeouts, NameTheHostAndTheSettingWhenNothingComes) {
    HttpTestServer dumb(
        [](const TestRequest&, TestConnection& connection) { connection.StayDumb(); });
    auto text = Get(dumb.Url(), {.stall_timeout = milliseconds(100)});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kDeadlineExceeded);
    EXPECT_THAT(text.error().message, AllOf(HasSubstr(fmt::format("127.0.0.1:{}", dumb.port())),
                                            HasSubstr("0.1 s (stall timeout)")));
    HttpTestServer stalls([](const TestRequest&, TestConnection& connection) {
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        connection.StayDumb();
    });
    text = Get(stalls.Url(), {.stall_timeout = milliseconds(100)});
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, HasSubstr("stall timeout"));
}

TEST(HttpClientTimeouts, EndATlsHandshakeThatGoesNowhere) {
    HttpTestServer plain(
        [](const TestRequest&, TestConnection& connection) { connection.StayDumb(); });
    auto text = Get(fmt::format("https://127.0.0.1:{}/", plain.port()),
                    {.connect_timeout = milliseconds(100)});
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, HasSubstr("connect timeout"));
}

TEST(HttpClient, SaysWhichHostRefusesOrCannotBeFound) {
    uint16_t port = HttpTestServer(Raw("")).port();  // closed again
    auto text = Get(fmt::format("http://127.0.0.1:{}/", port));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kUnavailable);
    EXPECT_THAT(text.error().message,
                AllOf(HasSubstr(fmt::format("127.0.0.1:{}", port)), HasSubstr("refused")));
    text = Get("http://no-such-host.invalid/");
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, HasSubstr("no-such-host.invalid"));
}

TEST(HttpClient, StopsAtOnceWhenAsked) {
    HttpTestServer server([](const TestRequest&, TestConnection& connection) {
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        connection.StayDumb();
    });
    struct StopOnBody : FetchSink {
        Status OnHead(const ResponseHead&) override { return {}; }
        Status OnBody(std::span<const char>) override {
            source.request_stop();
            return {};
        }
        std::stop_source source;
    } sink;
    auto head = Fetch(MakeClient(), {.url = server.Url()}, sink, sink.source.get_token());
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Code::kCancelled);

    std::stop_source before;
    before.request_stop();
    EXPECT_EQ(Fetch(MakeClient(), {.url = server.Url()}, sink, before.get_token()).error().code,
              Code::kCancelled);
}

TEST(HttpClient, ReturnsTheErrorOfTheSink) {
    HttpTestServer server(
        [](const TestRequest&, TestConnection& connection) { connection.Respond(200, "hello"); });
    struct Full : FetchSink {
        Status OnHead(const ResponseHead&) override { return {}; }
        Status OnBody(std::span<const char>) override {
            return MakeError(Code::kResourceExhausted, "disk full");
        }
    } sink;
    EXPECT_EQ(Fetch(MakeClient(), {.url = server.Url()}, sink).error().message, "disk full");
}

TEST(HttpClientRedirects, AreFollowedToAnotherHostWithoutItsSecrets) {
    HttpTestServer target([](const TestRequest& request, TestConnection& connection) {
        connection.Respond(200,
                           fmt::format("auth={} cookie={} other={}", request.Get("authorization"),
                                       request.Get("cookie"), request.Get("x-other")));
    });
    HttpTestServer first([&](const TestRequest& request, TestConnection& connection) {
        connection.Respond(302, "moved",
                           fmt::format("Location: {}\r\nX-Linked-ETag: \"abc\"\r\n",
                                       request.target == "/a" ? "/b" : target.Url("/c?sig=1")));
    });
    auto text =
        FetchText(MakeClient(),
                  {.url = first.Url("/a"),
                   .headers = {{"Authorization", "Bearer s"}, {"Cookie", "s"}, {"X-Other", "1"}}},
                  kBytesMax);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->body, "auth= cookie= other=1");
    EXPECT_EQ(text->head.url, target.Url("/c?sig=1"));
    ASSERT_THAT(text->head.redirects, SizeIs(2));
    EXPECT_EQ(text->head.redirects[0].Get("x-linked-etag"), "\"abc\"");
    ASSERT_THAT(first.requests(), SizeIs(2));
    EXPECT_EQ(first.requests()[1].Get("authorization"), "Bearer s");  // the same host: kept
}

TEST(HttpClientRedirects, KeepOrChangeTheMethodByTheirStatus) {
    HttpTestServer server([](const TestRequest& request, TestConnection& connection) {
        if (request.target == "/end")
            connection.Respond(200, request.method + ":" + request.body);
        else
            connection.Respond(std::stoi(request.target.substr(1)), "", "Location: /end\r\n");
    });
    for (auto [status, expected] :
         {std::pair{303, "GET:"}, {302, "GET:"}, {307, "POST:x"}, {308, "POST:x"}}) {
        auto text = FetchText(
            MakeClient(),
            {.method = "POST", .url = server.Url(fmt::format("/{}", status)), .body = "x"},
            kBytesMax);
        ASSERT_TRUE(text) << text.error().message;
        EXPECT_EQ(text->body, expected) << status;
    }
}

TEST(HttpClientRedirects, AreBoundedAndMustLeadSomewhere) {
    HttpTestServer loop([](const TestRequest&, TestConnection& connection) {
        connection.Respond(302, "", "Location: /again\r\n");
    });
    auto text = Get(loop.Url(), {.redirects_max = 3});
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, HasSubstr("more than 3 times"));
    EXPECT_THAT(loop.requests(), SizeIs(4));
    EXPECT_THAT(ErrorFor("HTTP/1.1 302 Found\r\n\r\n").message, HasSubstr("where to"));
    EXPECT_THAT(ErrorFor("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n").message,
                HasSubstr("file:///etc/passwd"));
}

// A client that trusts `certificate`'s authority.
HttpClientOptions Trusting(const TestCertificate& certificate, const ScratchDirectory& folder) {
    return {.ca_file = folder.Write("authority.pem", certificate.authority_pem)};
}

TEST(HttpClientTls, AcceptsACertificateOfATrustedAuthority) {
    TestCertificate certificate = TestCertificate::For("localhost");
    HttpTestServer server(
        [](const TestRequest&, TestConnection& connection) { connection.Respond(200, "safe"); },
        certificate);
    ScratchDirectory folder;
    auto text = Get(server.Url("/"), Trusting(certificate, folder));
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->body, "safe");
}

TEST(HttpClientTls, RefusesUnknownAuthoritiesAndOtherNames) {
    TestCertificate certificate = TestCertificate::For("other.example");
    HttpTestServer server(
        [](const TestRequest&, TestConnection& connection) { connection.Respond(200, "x"); },
        certificate);
    auto text = Get(server.Url());
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kUnauthenticated);
    EXPECT_THAT(text.error().message, AllOf(HasSubstr("localhost"), HasSubstr("SSL_CERT_FILE")));
    ScratchDirectory folder;
    text = Get(server.Url(), Trusting(certificate, folder));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kUnauthenticated);
    EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(HttpClientTls, TakesABodyCutWithoutGoodbyeForBroken) {
    TestCertificate certificate = TestCertificate::For("localhost");
    HttpTestServer server(
        [](const TestRequest&, TestConnection& connection) {
            connection.Send("HTTP/1.1 200 OK\r\n\r\nno length, so an attacker may cut here");
            connection.Cut();
        },
        certificate);
    ScratchDirectory folder;
    auto text = Get(server.Url(), Trusting(certificate, folder));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Code::kDataLoss) << text.error().message;
}

TEST(HttpClientTls, DoesNotFollowARedirectToAnUnprotectedUrl) {
    TestCertificate certificate = TestCertificate::For("localhost");
    HttpTestServer server(
        [](const TestRequest&, TestConnection& connection) {
            connection.Respond(302, "", "Location: http://localhost:1/secret?token=1\r\n");
        },
        certificate);
    ScratchDirectory folder;
    auto text = Get(server.Url(), Trusting(certificate, folder));
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message,
                AllOf(HasSubstr("not protected"), testing::Not(HasSubstr("token"))));
}

TEST(HttpClientTls, SaysWhichAuthorityFileIsBroken) {
    ScratchDirectory folder;
    auto client = HttpClient::Create({.ca_file = folder.Write("ca.pem", "nonsense")});
    ASSERT_FALSE(client);
    EXPECT_THAT(client.error().message, HasSubstr("ca.pem"));
}

// Relays bytes between the client and a server, as a proxy's tunnel does.
void Relay(TestConnection& client, uint16_t port) {
    namespace asio = boost::asio;
    asio::io_context io;
    asio::ip::tcp::socket upstream(io);
    upstream.connect({asio::ip::address_v4::loopback(), port});
    std::jthread down([&] {
        char bytes[4096];
        boost::system::error_code error;
        while (size_t count = upstream.read_some(asio::buffer(bytes), error))
            client.Send({bytes, count});
    });
    for (std::string bytes = client.Receive(); !bytes.empty(); bytes = client.Receive()) {
        boost::system::error_code ignored;
        asio::write(upstream, asio::buffer(bytes), ignored);
    }
    boost::system::error_code ignored;
    upstream.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

TEST(HttpClientProxies, CarryHttpsThroughATunnel) {
    TestCertificate certificate = TestCertificate::For("localhost");
    HttpTestServer server([](const TestRequest&,
                             TestConnection& connection) { connection.Respond(200, "tunnelled"); },
                          certificate);
    HttpTestServer proxy([&](const TestRequest& request, TestConnection& connection) {
        if (request.Get("proxy-authorization") != "Basic dXNlcjpwYXNz")
            return connection.Respond(407, "");
        connection.Send("HTTP/1.1 200 Connection established\r\n\r\n");
        Relay(connection, server.port());
    });
    ScratchDirectory folder;
    HttpClientOptions options = Trusting(certificate, folder);
    options.proxies.https_proxy = fmt::format("http://user:pass@127.0.0.1:{}", proxy.port());
    auto text = Get(server.Url("/x"), options);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->body, "tunnelled");
    ASSERT_THAT(proxy.requests(), SizeIs(1));
    EXPECT_EQ(proxy.requests()[0].method, "CONNECT");
    EXPECT_EQ(proxy.requests()[0].target, fmt::format("localhost:{}", server.port()));
    EXPECT_EQ(server.requests()[0].Get("proxy-authorization"), "");

    options.proxies.https_proxy = fmt::format("http://127.0.0.1:{}", proxy.port());
    text = Get(server.Url("/x"), options);
    ASSERT_FALSE(text);
    EXPECT_THAT(text.error().message, AllOf(HasSubstr("proxy"), HasSubstr("407")));
}

TEST(HttpClientProxies, GetTheWholeUrlOfHttp) {
    HttpTestServer proxy([](const TestRequest& request, TestConnection& connection) {
        connection.Respond(200, request.target);
    });
    HttpClientOptions options;
    options.proxies.http_proxy = proxy.Url();
    auto text = Get("http://far.example/x?y", options);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(text->body, "http://far.example/x?y");
    EXPECT_EQ(proxy.requests()[0].Get("host"), "far.example");
}

TEST(HttpClient, StreamsInsideACoroutineAsBytesArrive) {
    std::atomic<bool> first_received{false};
    HttpTestServer server([&](const TestRequest&, TestConnection& connection) {
        connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n");
        first_received.wait(false);  // the rest comes only after the client has read this
        connection.Send("6\r\nsecond\r\n0\r\n\r\n");
    });
    HttpClient client = MakeClient();
    auto read_all = [&]() -> Task<std::string> {
        auto stream = co_await client.Open({.url = server.Url()});
        if (!stream) co_return stream.error().message;
        std::string text;
        char buffer[100];
        for (;;) {
            auto count = co_await (*stream)->Read(buffer);
            if (!count) co_return count.error().message;
            if (*count == 0) co_return text;
            text.append(buffer, *count);
            first_received = true;
            first_received.notify_all();
        }
    };
    boost::asio::io_context io;
    auto text = boost::asio::co_spawn(io, read_all(), boost::asio::use_future);
    io.run();
    EXPECT_EQ(text.get(), "first second");
}

}  // namespace
}  // namespace lathe::net
