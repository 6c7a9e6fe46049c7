// The connection under an HTTP client: TCP, perhaps through a proxy, perhaps TLS.
// Internal to net.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/net/task.h"
#include "core/net/url.h"

namespace lathe::net {

struct TransportOptions {
    std::chrono::milliseconds connect_timeout;
    std::chrono::milliseconds stall_timeout;
    boost::asio::ssl::context* tls = nullptr;
};

// An AsyncStream over either kind of socket, so that the HTTP code is written once.
// Each operation fails with beast::error::timeout after the time last given to
// ExpireAfter.
class Transport {
public:
    using executor_type = boost::asio::any_io_executor;

    // Connects to `url`'s host, through `proxy` if there is one.
    static Task<Result<std::unique_ptr<Transport>>> Connect(const Url& url,
                                                            const std::optional<Url>& proxy,
                                                            const TransportOptions& options);

    explicit Transport(executor_type executor) : tcp_(std::move(executor)) {}

    executor_type get_executor() { return tcp_.get_executor(); }
    void ExpireAfter(std::chrono::milliseconds time) { tcp_.expires_after(time); }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_compose<Token, void(boost::system::error_code, size_t)>(
            [this, buffers, started = false](auto& self, boost::system::error_code error = {},
                                             size_t count = 0) mutable {
                if (started) return self.complete(error, count);
                started = true;
                auto copy = buffers;  // lies in `self`, which moves away
                if (tls_)
                    tls_->async_read_some(copy, std::move(self));
                else
                    tcp_.async_read_some(copy, std::move(self));
            },
            token, tcp_);
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_compose<Token, void(boost::system::error_code, size_t)>(
            [this, buffers, started = false](auto& self, boost::system::error_code error = {},
                                             size_t count = 0) mutable {
                if (started) return self.complete(error, count);
                started = true;
                auto copy = buffers;  // lies in `self`, which moves away
                if (tls_)
                    tls_->async_write_some(copy, std::move(self));
                else
                    tcp_.async_write_some(copy, std::move(self));
            },
            token, tcp_);
    }

private:
    using Tls = boost::asio::ssl::stream<boost::beast::tcp_stream&>;

    Task<Status> ConnectTcp(const Url& peer, bool is_proxy, const TransportOptions& options);
    Task<Status> OpenTunnel(const Url& url, const Url& proxy, const TransportOptions& options);
    Task<Status> ShakeHands(const Url& url, const TransportOptions& options);

    boost::beast::tcp_stream tcp_;
    std::unique_ptr<Tls> tls_;
};

// "30 s", "0.2 s", for the messages about timeouts.
std::string FormatTimeout(std::chrono::milliseconds time);

}  // namespace lathe::net
