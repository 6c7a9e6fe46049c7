#include "core/net/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::net {
namespace {

using ::testing::HasSubstr;
using State = RequestParser::State;

// Feeds `bytes` in pieces of `step`, as a connection does.
std::expected<ServerRequest, HttpError> Parse(std::string_view bytes, size_t step = SIZE_MAX,
                                              const RequestLimits& limits = {}) {
    RequestParser parser(limits);
    std::string inbox;
    while (parser.state() != State::kDone) {
        if (bytes.empty()) return std::unexpected(HttpError{0, "incomplete"});
        inbox += bytes.substr(0, step);
        bytes.remove_prefix(std::min(step, bytes.size()));
        auto taken = parser.Feed(inbox);
        if (!taken) return std::unexpected(taken.error());
        inbox.erase(0, *taken);
    }
    return parser.Take();
}

TEST(RequestParser, ReadsMethodPathQueryHeadersAndBody) {
    auto request = Parse(
        "POST /v1/a%20b%2Fc?x=1&y=%32 HTTP/1.1\r\nHost: h\r\nX-Thing: One\r\n"
        "Content-Length: 5\r\n\r\nhello");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->path, "/v1/a b/c");
    EXPECT_EQ(request->query, "x=1&y=%32");
    EXPECT_EQ(request->Get("x-thing"), "One");
    EXPECT_EQ(request->Get("X-OTHER"), "");
    EXPECT_EQ(request->body, "hello");
}

TEST(RequestParser, ReadsTheSameRequestByteByByte) {
    std::string_view chunked =
        "PUT / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n10;note=1\r\n0123456789abcdef\r\n0\r\ntrailer: t\r\n\r\n";
    for (size_t step : {size_t{1}, size_t{2}, size_t{7}, SIZE_MAX}) {
        auto request = Parse(chunked, step);
        ASSERT_TRUE(request) << step;
        EXPECT_EQ(request->body, "abc0123456789abcdef");
        EXPECT_EQ(request->Get("trailer"), "") << "a trailer is no header";
    }
}

TEST(RequestParser, ReadsAnEmptyChunkedBodyByteByByte) {
    auto request =
        Parse("PUT / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 1);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->body, "");
}

TEST(RequestParser, KeepsAnUnknownMethodAndTheAbsoluteForm) {
    auto request = Parse("BREW http://pot.example/coffee?hot HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->method, "BREW");
    EXPECT_EQ(request->path, "/coffee");
    EXPECT_EQ(request->query, "hot");
}

TEST(RequestParser, KnowsWhenTheConnectionMayStay) {
    RequestParser modern({}), old({});
    ASSERT_TRUE(modern.Feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    ASSERT_TRUE(old.Feed("GET / HTTP/1.0\r\n\r\n"));
    EXPECT_TRUE(modern.keep_alive());
    EXPECT_FALSE(old.keep_alive());
    EXPECT_TRUE(old.http_1_0());
}

TEST(RequestParser, LeavesTheNextRequestAlone) {
    RequestParser parser({});
    std::string_view two = "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    auto taken = parser.Feed(two);
    ASSERT_TRUE(taken);
    EXPECT_EQ(parser.state(), State::kDone);
    EXPECT_EQ(two.substr(*taken, 6), "GET /b");
}

TEST(RequestParser, NamesTheLimitThatIsExceeded) {
    RequestLimits limits{.header_bytes_max = 200, .body_bytes_max = 10};
    std::string long_header = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(300, 'x');
    auto header = Parse(long_header, 16, limits);
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().status, 431);
    EXPECT_THAT(header.error().message, HasSubstr("200 bytes"));

    auto length = Parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n", 16, limits);
    ASSERT_FALSE(length);
    EXPECT_EQ(length.error().status, 413);
    EXPECT_THAT(length.error().message, HasSubstr("10 bytes"));

    auto chunks = Parse(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n",
        16, limits);
    ASSERT_FALSE(chunks);
    EXPECT_EQ(chunks.error().status, 413);
}

TEST(RequestParser, BoundsChunkHeadersAndTrailers) {
    RequestLimits limits{.header_bytes_max = 200};
    std::string start = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::string endless : {"5;" + std::string(500, 'x'), "0\r\nt: " + std::string(500, 'x')}) {
        auto request = Parse(start + endless, 16, limits);
        ASSERT_FALSE(request);
        EXPECT_EQ(request.error().status, 431) << request.error().message;
    }
}

TEST(RequestParser, RefusesRequestsThatTwoServersCouldReadDifferently) {
    for (const char* headers :
         {"Host: h\r\nContent-Length: 1\r\nContent-Length: 2", "Host: h\r\nContent-Length: 1, 2",
          "Host: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
          "Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1",
          "Host: h\r\nContent-Length: -1", "Host: h\r\nContent-Length: 1x",
          "Host: h\r\nHost: other", "X: no-host", "Host: h\r\nbad name: x",
          "Host: h\r\nbare: a\nb"}) {
        auto request = Parse(std::string("POST / HTTP/1.1\r\n") + headers + "\r\n\r\nab");
        ASSERT_FALSE(request) << headers;
        EXPECT_EQ(request.error().status, 400) << headers;
    }
    for (const char* coding : {"gzip", "gzip, chunked", "identity"}) {
        auto request = Parse(std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ") +
                             coding + "\r\n\r\n");
        ASSERT_FALSE(request) << coding;
        EXPECT_EQ(request.error().status, 501) << coding;
    }
}

TEST(RequestParser, RefusesBrokenTargetsVersionsAndExpectations) {
    struct Case {
        const char* bytes;
        int status;
    };
    for (auto [bytes, status] :
         {Case{"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
          Case{"GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
          Case{"GET nothing HTTP/1.1\r\nHost: h\r\n\r\n", 400},
          Case{"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505}, Case{"GET /\r\n\r\n", 400},
          Case{"\x16\x03\x01\x02 hello tls\r\n\r\n", 400},
          Case{"GET / HTTP/1.1\r\nHost: h\r\nExpect: cake\r\n\r\n", 417}}) {
        auto request = Parse(bytes);
        ASSERT_FALSE(request) << bytes;
        EXPECT_EQ(request.error().status, status) << bytes << request.error().message;
    }
}

TEST(PercentDecode, TakesEscapesAndRefusesHalfOnes) {
    std::string out;
    EXPECT_TRUE(PercentDecode("a%2fb%E4%bd%A0+", out));
    EXPECT_EQ(out, "a/b\xE4\xBD\xA0+");
    EXPECT_FALSE(PercentDecode("a%2", out));
    EXPECT_FALSE(PercentDecode("%", out));
}

}  // namespace
}  // namespace lathe::net
