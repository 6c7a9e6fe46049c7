#include "core/net/http_client.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>

#include "core/net/client_transport.h"

namespace lathe::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr int kInterimResponsesMax = 8;  // 1xx before the real one

using Parser = http::response_parser<http::buffer_body>;

bool ValidHeader(const Header& header) {
    static constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
    auto in_name = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               kSymbols.find(c) != std::string_view::npos;
    };
    auto in_value = [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    };
    return !header.name.empty() && std::ranges::all_of(header.name, in_name) &&
           std::ranges::all_of(header.value, in_value);
}

bool IsRedirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// A failure while talking HTTP, in words.
Error TransferError(const boost::system::error_code& error, const Url& url,
                    const HttpClientOptions& options, uint64_t body_bytes,
                    std::optional<uint64_t> body_total) {
    std::string host = url.Authority();
    if (error == asio::error::operation_aborted) return Error{Code::kCancelled, "cancelled", ""};
    if (error == beast::error::timeout)
        return Error{Code::kDeadlineExceeded,
                     fmt::format("{} sent nothing for {} (stall timeout)", host,
                                 FormatTimeout(options.stall_timeout)),
                     ""};
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return Error{Code::kDataLoss,
                     fmt::format("the response head of {} is longer than the limit of {} bytes",
                                 host, options.head_bytes_max),
                     ""};
    bool ended = error == http::error::end_of_stream || error == http::error::partial_message ||
                 error == asio::ssl::error::stream_truncated || error == asio::error::eof ||
                 error == asio::error::connection_reset || error == asio::error::broken_pipe;
    if (ended && body_total)
        return Error{Code::kDataLoss,
                     fmt::format("{} closed the connection after {} of {} bytes", host, body_bytes,
                                 *body_total),
                     ""};
    if (ended && body_bytes > 0)
        return Error{Code::kDataLoss,
                     fmt::format("{} closed the connection after {} bytes, before the end", host,
                                 body_bytes),
                     ""};
    if (ended)
        return Error{Code::kUnavailable,
                     fmt::format("{} closed the connection without an answer", host), ""};
    if (error.category() == make_error_code(http::error::bad_version).category())
        return Error{
            Code::kDataLoss,
            fmt::format("{} answered something that is not HTTP/1.1: {}", host, error.message()),
            ""};
    return Error{Code::kUnavailable, fmt::format("lost {}: {}", host, error.message()), ""};
}

http::request<http::string_body> MakeRequest(const ClientRequest& request, const Url& url,
                                             const std::optional<Url>& proxy,
                                             const HttpClientOptions& options) {
    http::request<http::string_body> out;
    out.version(11);
    out.method_string(request.method);
    out.target(proxy && !url.secure() ? url.ToString() : url.target);
    out.set(http::field::user_agent, options.user_agent);
    out.set(http::field::accept, "*/*");
    if (!url.user_info.empty())
        out.set(http::field::authorization, BasicCredentials(url.user_info));
    if (proxy && !url.secure() && !proxy->user_info.empty())
        out.set(http::field::proxy_authorization, BasicCredentials(proxy->user_info));
    for (const Header& header : request.headers) out.set(header.name, header.value);
    out.set(http::field::host, url.Authority());
    out.set(http::field::accept_encoding, "identity");
    out.set(http::field::connection, "close");  // one request per connection
    out.body() = request.body;
    out.prepare_payload();
    return out;
}

class Stream : public HttpStream {
public:
    Stream(Url url, const HttpClientOptions& options) : url_(std::move(url)), options_(options) {}

    // Sends the request and receives the head of its response.
    Task<Status> Exchange(const ClientRequest& request, const std::optional<Url>& proxy,
                          asio::ssl::context& tls) {
        auto transport = co_await Transport::Connect(
            url_, proxy, {options_.connect_timeout, options_.stall_timeout, &tls});
        if (!transport) co_return std::unexpected(std::move(transport).error());
        transport_ = std::move(*transport);
        auto message = MakeRequest(request, url_, proxy, options_);
        transport_->ExpireAfter(options_.stall_timeout);
        auto [error, count] = co_await http::async_write(*transport_, message, kToken);
        // A server may refuse with a full answer and not read the rest: look for it.
        if (error && error != asio::error::broken_pipe && error != asio::error::connection_reset)
            co_return std::unexpected(Fail(error));
        co_return co_await ReadHead(request.method == "HEAD");
    }

    Task<Result<size_t>> Read(std::span<char> buffer) override {
        if (buffer.empty()) co_return size_t{0};
        try {
            co_return co_await ReadSome(buffer);
        } catch (const boost::system::system_error& error) {
            co_return std::unexpected(Fail(error.code()));
        }
    }

    void AddRedirects(std::vector<ResponseHead> redirects) {
        head_.redirects = std::move(redirects);
    }

private:
    Task<Status> ReadHead(bool without_body) {
        for (int i = 0; i < kInterimResponsesMax; ++i) {
            parser_.emplace();
            parser_->header_limit(options_.head_bytes_max);
            parser_->body_limit(boost::none);
            parser_->skip(without_body);
            transport_->ExpireAfter(options_.stall_timeout);
            auto [error, count] =
                co_await http::async_read_header(*transport_, buffer_, *parser_, kToken);
            if (error) co_return std::unexpected(Fail(error));
            if (parser_->get().result_int() >= 200) {
                TakeHead();
                co_return Status();
            }
        }
        co_return MakeError(Code::kDataLoss, "{} answers nothing but interim responses",
                            url_.Authority());
    }

    void TakeHead() {
        const auto& message = parser_->get();
        head_.status = static_cast<int>(message.result_int());
        head_.url = url_.ToString();
        for (const auto& field : message.base())
            head_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
        if (auto length = parser_->content_length()) head_.content_length = *length;
    }

    Task<Result<size_t>> ReadSome(std::span<char> buffer) {
        auto& body = parser_->get().body();
        while (!parser_->is_done()) {
            body.data = buffer.data();
            body.size = buffer.size();
            body.more = true;
            transport_->ExpireAfter(options_.stall_timeout);
            auto [error, count] =
                co_await http::async_read_some(*transport_, buffer_, *parser_, kToken);
            size_t received = buffer.size() - body.size;
            body_bytes_ += received;
            if (received > 0) co_return received;  // an error comes again at the next call
            if (error && error != http::error::need_buffer) co_return std::unexpected(Fail(error));
        }
        co_return size_t{0};
    }

    Error Fail(const boost::system::error_code& error) const {
        return TransferError(error, url_, options_, body_bytes_, head_.content_length);
    }

    const Url url_;
    const HttpClientOptions options_;
    std::unique_ptr<Transport> transport_;
    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    uint64_t body_bytes_ = 0;
};

// What the next request after `head` is, or why it must not be sent.
Result<Url> Follow(const ResponseHead& head, const Url& from, ClientRequest& request) {
    std::string_view location = head.Get("location");
    if (location.empty())
        return MakeError(Code::kDataLoss, "{} redirects ({}) without saying where to",
                         from.Authority(), head.status);
    auto to = from.Resolve(location);
    if (!to)
        return std::unexpected(WithContext(std::move(to).error(),
                                           fmt::format("the redirect of {}", from.Authority())));
    if (from.secure() && !to->secure())
        return MakeError(Code::kUnavailable,
                         "{} redirects from https to {}, which is not protected; not followed",
                         from.Authority(), to->ForMessages());
    if (!to->SameOrigin(from)) {
        std::erase_if(request.headers, [](const Header& header) {
            return EqualsIgnoringCase(header.name, "authorization") ||
                   EqualsIgnoringCase(header.name, "cookie");
        });
    } else if (to->user_info.empty()) {
        to->user_info = from.user_info;
    }
    bool keeps_method = head.status == 307 || head.status == 308;
    if (!keeps_method && request.method != "GET" && request.method != "HEAD") {
        request.method = "GET";
        request.body.clear();
        std::erase_if(request.headers, [](const Header& header) {
            return EqualsIgnoringCase(header.name, "content-type");
        });
    }
    return to;
}

}  // namespace

struct HttpClient::State {
    HttpClientOptions options;
    // Only SSL_new is called on it after Create, which locks by itself.
    mutable asio::ssl::context tls{asio::ssl::context::tls_client};
};

std::string_view ResponseHead::Get(std::string_view name) const {
    for (const Header& header : headers)
        if (EqualsIgnoringCase(header.name, name)) return header.value;
    return "";
}

HttpClient::HttpClient(std::shared_ptr<const State> state) : state_(std::move(state)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
const HttpClientOptions& HttpClient::options() const {
    return state_->options;
}

Result<HttpClient> HttpClient::Create(HttpClientOptions options) {
    auto state = std::make_shared<State>();
    state->options = std::move(options);
    boost::system::error_code error;
    ::SSL_CTX_set_min_proto_version(state->tls.native_handle(), TLS1_2_VERSION);
    state->tls.set_verify_mode(asio::ssl::verify_peer, error);
    // SSL_CERT_FILE and SSL_CERT_DIR replace the system's places, as OpenSSL has it.
    state->tls.set_default_verify_paths(error);
    if (const auto& file = state->options.ca_file; !file.empty()) {
        state->tls.load_verify_file(file.string(), error);
        if (error)
            return InvalidArgument("cannot read certificates from {}: {}; expected a PEM file",
                                   file.string(), error.message());
    }
    return HttpClient(std::move(state));
}

Task<Result<std::unique_ptr<HttpStream>>> HttpClient::Open(ClientRequest request) const {
    auto state = state_;
    auto url = Url::Parse(request.url);
    if (!url) co_return std::unexpected(std::move(url).error());
    for (const Header& header : request.headers)
        if (!ValidHeader(header))
            co_return InvalidArgument("the request header '{}' has characters HTTP does not allow",
                                      header.name);
    std::vector<ResponseHead> redirects;
    try {
        for (;;) {
            auto proxy = state->options.proxies.For(*url);
            if (!proxy) co_return std::unexpected(std::move(proxy).error());
            auto stream = std::make_unique<Stream>(*url, state->options);
            Status status = co_await stream->Exchange(request, *proxy, state->tls);
            if (!status) co_return std::unexpected(std::move(status).error());
            const ResponseHead& head = stream->head();
            if (!IsRedirect(head.status)) {
                stream->AddRedirects(std::move(redirects));
                co_return stream;
            }
            if (redirects.size() >= static_cast<size_t>(state->options.redirects_max))
                co_return MakeError(Code::kUnavailable, "{} redirects more than {} times",
                                    redirects.empty() ? url->Authority() : redirects.front().url,
                                    state->options.redirects_max);
            auto next = Follow(head, *url, request);
            if (!next) co_return std::unexpected(std::move(next).error());
            redirects.push_back(head);
            url = std::move(next);
        }
    } catch (const boost::system::system_error& error) {
        co_return std::unexpected(TransferError(error.code(), *url, state->options, 0, {}));
    }
}

}  // namespace lathe::net
