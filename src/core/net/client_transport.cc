#include "core/net/client_transport.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http.hpp>
#include <vector>

namespace lathe::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr size_t kAddressesMax = 8;  // of one name that are tried

bool IsCancelled(const boost::system::error_code& error) {
    return error == asio::error::operation_aborted;
}

// What the resolver finds, or that the time ran out first.
struct Resolution {
    explicit Resolution(const asio::any_io_executor& executor)
        : resolver(executor), finished(executor) {}

    tcp::resolver resolver;
    asio::steady_timer finished;
    bool done = false;
    boost::system::error_code error;
    std::vector<tcp::endpoint> endpoints;
};

// A blocked name lookup cannot be interrupted, so this waits for a timer that the
// lookup cancels; a late lookup finds nobody waiting and is forgotten.
Task<Result<std::vector<tcp::endpoint>>> Resolve(const Url& peer,
                                                 std::chrono::milliseconds timeout) {
    auto executor = co_await asio::this_coro::executor;
    boost::system::error_code not_an_address;
    auto address = asio::ip::make_address(peer.host, not_an_address);
    if (!not_an_address) co_return std::vector{tcp::endpoint(address, peer.port)};

    auto resolution = std::make_shared<Resolution>(executor);
    resolution->finished.expires_after(timeout);
    resolution->resolver.async_resolve(
        peer.host, std::to_string(peer.port), tcp::resolver::numeric_service,
        [resolution](boost::system::error_code error, const tcp::resolver::results_type& results) {
            resolution->done = true;
            resolution->error = error;
            for (const auto& entry : results) {
                if (resolution->endpoints.size() == kAddressesMax) break;
                resolution->endpoints.push_back(entry.endpoint());
            }
            resolution->finished.cancel();
        });
    auto [waited] = co_await resolution->finished.async_wait(kToken);
    if (!resolution->done && IsCancelled(waited))
        co_return MakeError(Code::kCancelled, "cancelled");
    if (!resolution->done)
        co_return MakeError(Code::kDeadlineExceeded,
                            "the name {} was not resolved within {} (connect timeout)", peer.host,
                            FormatTimeout(timeout));
    if (resolution->error || resolution->endpoints.empty())
        co_return MakeError(Code::kUnavailable,
                            "cannot find the host {}: {} (check the name and the network; behind a "
                            "proxy set https_proxy)",
                            peer.host, resolution->error.message());
    co_return std::move(resolution->endpoints);
}

// Why TLS could not be agreed on, in words.
Error TlsError(const boost::system::error_code& error, ::SSL* ssl, const Url& url) {
    long verdict = ::SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK)
        return Error{Code::kUnauthenticated,
                     fmt::format("the certificate of {} is not trusted: {} (for a private "
                                 "authority set SSL_CERT_FILE to its certificate)",
                                 url.Authority(), ::X509_verify_cert_error_string(verdict)),
                     ""};
    return Error{Code::kUnavailable,
                 fmt::format("no TLS connection to {}: {}", url.Authority(), error.message()), ""};
}

}  // namespace

std::string FormatTimeout(std::chrono::milliseconds time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

Task<Result<std::unique_ptr<Transport>>> Transport::Connect(const Url& url,
                                                            const std::optional<Url>& proxy,
                                                            const TransportOptions& options) {
    auto transport = std::make_unique<Transport>(co_await asio::this_coro::executor);
    Status status =
        co_await transport->ConnectTcp(proxy ? *proxy : url, proxy.has_value(), options);
    if (status && url.secure() && proxy)
        status = co_await transport->OpenTunnel(url, *proxy, options);
    if (status && url.secure()) status = co_await transport->ShakeHands(url, options);
    if (!status) co_return std::unexpected(std::move(status).error());
    co_return transport;
}

Task<Status> Transport::ConnectTcp(const Url& peer, bool is_proxy,
                                   const TransportOptions& options) {
    std::string_view kind = is_proxy ? "the proxy " : "";
    auto endpoints = co_await Resolve(peer, options.connect_timeout);
    if (!endpoints) co_return std::unexpected(std::move(endpoints).error());
    auto left = options.connect_timeout;
    boost::system::error_code error;
    for (size_t i = 0; i < endpoints->size(); ++i) {
        // An address that swallows packets must not use up the time of the others.
        auto share = i + 1 == endpoints->size() ? left : left / 2;
        auto begin = std::chrono::steady_clock::now();
        tcp_.expires_after(share);
        std::tie(error) = co_await tcp_.async_connect((*endpoints)[i], kToken);
        if (!error) {
            boost::system::error_code ignored;
            tcp_.socket().set_option(tcp::no_delay(true), ignored);
            co_return Status();
        }
        if (IsCancelled(error)) co_return MakeError(Code::kCancelled, "cancelled");
        tcp_.close();
        left -= std::min(left, std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now() - begin));
    }
    if (error == beast::error::timeout)
        co_return MakeError(Code::kDeadlineExceeded,
                            "no connection to {}{} within {} (connect timeout)", kind,
                            peer.Authority(), FormatTimeout(options.connect_timeout));
    co_return MakeError(Code::kUnavailable, "cannot connect to {}{}: {}", kind, peer.Authority(),
                        error.message());
}

Task<Status> Transport::OpenTunnel(const Url& url, const Url& proxy,
                                   const TransportOptions& options) {
    namespace http = beast::http;
    std::string target = fmt::format(
        "{}:{}", url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]",
        url.port);
    http::request<http::empty_body> request(http::verb::connect, target, 11);
    request.set(http::field::host, target);
    if (!proxy.user_info.empty())
        request.set(http::field::proxy_authorization, BasicCredentials(proxy.user_info));
    tcp_.expires_after(options.connect_timeout);
    auto [write_error, written] = co_await http::async_write(tcp_, request, kToken);
    boost::system::error_code error = write_error;
    http::response_parser<http::empty_body> parser;
    parser.skip(true);  // what follows the head is the tunnel
    if (!error) {
        beast::flat_buffer buffer;
        auto [read_error, count] = co_await http::async_read_header(tcp_, buffer, parser, kToken);
        error = read_error;
    }
    if (IsCancelled(error)) co_return MakeError(Code::kCancelled, "cancelled");
    if (error)
        co_return MakeError(
            error == beast::error::timeout ? Code::kDeadlineExceeded : Code::kUnavailable,
            "the proxy {} opened no tunnel to {}: {}", proxy.Authority(), target, error.message());
    if (parser.get().result_int() != 200)
        co_return MakeError(Code::kUnavailable, "the proxy {} refused a tunnel to {}: {} {}",
                            proxy.Authority(), target, parser.get().result_int(),
                            std::string_view(parser.get().reason()));
    co_return Status();
}

Task<Status> Transport::ShakeHands(const Url& url, const TransportOptions& options) {
    tls_ = std::make_unique<Tls>(tcp_, *options.tls);
    boost::system::error_code error;
    asio::ip::make_address(url.host, error);
    if (error && !::SSL_set_tlsext_host_name(tls_->native_handle(), url.host.c_str()))
        co_return MakeError(Code::kInvalidArgument, "{} is no host name TLS can use", url.host);
    tls_->set_verify_callback(asio::ssl::host_name_verification(url.host), error);
    tcp_.expires_after(options.connect_timeout);
    auto [failure] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kToken);
    if (!failure) co_return Status();
    if (IsCancelled(failure)) co_return MakeError(Code::kCancelled, "cancelled");
    if (failure == beast::error::timeout)
        co_return MakeError(Code::kDeadlineExceeded,
                            "no TLS connection to {} within {} (connect timeout)", url.Authority(),
                            FormatTimeout(options.connect_timeout));
    co_return std::unexpected(TlsError(failure, tls_->native_handle(), url));
}

}  // namespace lathe::net
