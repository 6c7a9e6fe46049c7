#include "core/net/request_parser.h"

#include <fmt/format.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "core/base/check.h"

namespace lathe::net {
namespace {

namespace http = boost::beast::http;

HttpError ToHttpError(const boost::system::error_code& ec, const RequestLimits& limits) {
    if (ec == http::error::header_limit)
        return {431, fmt::format("the request line and headers exceed the limit of {} bytes",
                                 limits.header_bytes_max)};
    if (ec == http::error::body_limit)
        return {413, fmt::format("the request body exceeds the limit of {} bytes",
                                 limits.body_bytes_max)};
    if (ec == http::error::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    return {400, fmt::format("malformed HTTP request: {}", ec.message())};
}

}  // namespace

struct RequestParser::Parser {
    explicit Parser(const RequestLimits& request_limits) : limits(request_limits) {
        beast.eager(false);
        beast.header_limit(limits.header_bytes_max);
        beast.body_limit(limits.body_bytes_max);
    }

    std::expected<void, HttpError> CheckHeader();

    RequestLimits limits;
    http::request_parser<http::string_body> beast;
    bool header_checked = false;
    ServerRequest request;
};

RequestParser::RequestParser(const RequestLimits& limits)
    : parser_(std::make_unique<Parser>(limits)) {}
RequestParser::~RequestParser() = default;

std::expected<size_t, HttpError> RequestParser::Feed(std::string_view bytes) {
    auto& beast = parser_->beast;
    LATHE_CHECK(!beast.is_done());
    boost::system::error_code ec;
    size_t taken = 0;
    auto put = [&] {
        // Beast 1.81 asserts that the end of chunks is not given in pieces; every chunked
        // body ends with five bytes that it takes at once.
        if (beast.is_header_done() && beast.chunked() && bytes.size() - taken < 5) return true;
        taken +=
            beast.put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), ec);
        return !ec || ec == http::error::need_more;
    };
    if (!put()) return std::unexpected(ToHttpError(ec, parser_->limits));
    if (beast.is_header_done() && !parser_->header_checked) {
        parser_->header_checked = true;
        // Beast counts request line and headers apart if they come in one piece.
        if (taken > parser_->limits.header_bytes_max)
            return std::unexpected(ToHttpError(http::error::header_limit, parser_->limits));
        if (auto status = parser_->CheckHeader(); !status) return std::unexpected(status.error());
        // Only now, so that trailers behind the body are not taken for headers.
        beast.eager(true);
        if (!beast.is_done() && taken < bytes.size() && !put())
            return std::unexpected(ToHttpError(ec, parser_->limits));
    }
    // Beast waits without bound for the end of a chunk header or of the trailers.
    if (!beast.is_done() && bytes.size() - taken > parser_->limits.header_bytes_max)
        return std::unexpected(ToHttpError(http::error::header_limit, parser_->limits));
    return taken;
}

std::expected<void, HttpError> RequestParser::Parser::CheckHeader() {
    const auto& message = beast.get();
    auto coding = message[http::field::transfer_encoding];
    if (message.count(http::field::transfer_encoding) != 0 &&
        !EqualsIgnoringCase({coding.data(), coding.size()}, "chunked"))
        return std::unexpected(
            HttpError{501, "Transfer-Encoding other than \"chunked\" is not supported"});
    auto hosts = message.count(http::field::host);
    if (hosts > 1 || (hosts == 0 && message.version() >= 11))
        return std::unexpected(HttpError{400, "exactly one Host header is required"});
    auto expect = message[http::field::expect];
    if (!expect.empty() && !EqualsIgnoringCase({expect.data(), expect.size()}, "100-continue"))
        return std::unexpected(HttpError{417, "only \"Expect: 100-continue\" is supported"});

    std::string_view target(message.target().data(), message.target().size());
    if (auto scheme = target.find("://"); scheme != target.npos && !target.starts_with('/')) {
        auto slash = target.find_first_of("/?", scheme + 3);
        target = slash == target.npos ? "/" : target.substr(slash);
    }
    auto question = target.find('?');
    if (question != target.npos) request.query = target.substr(question + 1);
    if (!PercentDecode(target.substr(0, question), request.path))
        return std::unexpected(HttpError{400, "the path has a broken %-escape"});
    if (request.path.empty()) request.path = "/";
    if (request.path.front() != '/' && request.path != "*")
        return std::unexpected(HttpError{400, "the request target must begin with '/'"});
    request.method = std::string(message.method_string());
    for (const auto& field : message)
        request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    return {};
}

RequestParser::State RequestParser::state() const {
    const auto& beast = parser_->beast;
    if (beast.is_done()) return State::kDone;
    if (beast.is_header_done()) return State::kBody;
    return beast.got_some() ? State::kHeader : State::kEmpty;
}

size_t RequestParser::body_bytes() const {
    return parser_->beast.get().body().size();
}

bool RequestParser::expects_continue() const {
    return parser_->beast.get().count(http::field::expect) != 0 && !http_1_0();
}

bool RequestParser::keep_alive() const {
    return parser_->beast.get().keep_alive();
}

bool RequestParser::http_1_0() const {
    return parser_->beast.get().version() < 11;
}

ServerRequest RequestParser::Take() {
    LATHE_CHECK(parser_->beast.is_done());
    parser_->request.body = std::move(parser_->beast.get().body());
    return std::move(parser_->request);
}

}  // namespace lathe::net
