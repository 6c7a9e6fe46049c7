// HTTP/1.1 client: https with verified certificates, redirects, proxies, timeouts.
//
// A program with an io_context of its own streams:
//   auto stream = co_await client.Open({.url = "https://example.org/x"});
//   while (size_t count = *co_await (*stream)->Read(buffer)) ...
// A command-line tool blocks:
//   auto head = net::Fetch(client, {.url = ...}, sink, stop_token);
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/net/proxy.h"
#include "core/net/server_message.h"
#include "core/net/task.h"

namespace lathe::net {

struct HttpClientOptions {
    std::chrono::milliseconds connect_timeout{15'000};  // name, TCP and TLS each
    std::chrono::milliseconds stall_timeout{30'000};    // nothing sent or received for so long
    int redirects_max = 10;
    uint32_t head_bytes_max = 64u << 10;  // of one response, and of each redirect before it
    std::filesystem::path ca_file{};      // PEM; trusted besides the system's authorities
    ProxySettings proxies{};              // see ProxySettings::FromEnvironment
    std::string user_agent = "lathe";
};

struct ClientRequest {
    std::string method = "GET";
    std::string url;
    std::vector<Header> headers{};  // Host, lengths and connection are the client's business
    std::string body{};
};

// A response without its body. A value.
struct ResponseHead {
    int status = 0;
    std::string url;  // where it came from, after redirects
    std::vector<Header> headers;
    std::optional<uint64_t> content_length;
    std::vector<ResponseHead> redirects;  // the answers that led here, oldest first

    // Value of the first header with this name in whatever case; "" if there is none.
    std::string_view Get(std::string_view name) const;
    bool ok() const { return status >= 200 && status < 300; }
};

// A response whose body is being received. Destroying it closes the connection.
// One coroutine at a time, on the executor it was opened on.
class HttpStream {
public:
    virtual ~HttpStream() = default;

    const ResponseHead& head() const { return head_; }

    // Waits for some bytes of the body; 0 at its end. Errors: kDeadlineExceeded when
    // none came for stall_timeout, kDataLoss when the connection ended before the
    // body did, kCancelled.
    virtual Task<Result<size_t>> Read(std::span<char> buffer) = 0;

protected:
    ResponseHead head_;
};

// Settings and trusted certificates, shared by any number of requests; each makes its
// own connection. Thread-safe.
//
// Redirects keep method and body on 307 and 308 and turn anything but HEAD into GET
// otherwise; one to another host drops Authorization and Cookie; one from https to
// http is refused. Status codes are answers, not errors.
class HttpClient {
public:
    // Errors: ca_file cannot be read.
    static Result<HttpClient> Create(HttpClientOptions options);
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;

    // Sends the request and receives the head of the final response. The client must
    // outlive the call, not the stream. Errors name the host: kInvalidArgument (URL,
    // header), kUnavailable (name, connection, proxy), kUnauthenticated
    // (certificate), kDeadlineExceeded, kDataLoss (not HTTP, or broken off), kCancelled.
    Task<Result<std::unique_ptr<HttpStream>>> Open(ClientRequest request) const;

    const HttpClientOptions& options() const;

private:
    struct State;
    explicit HttpClient(std::shared_ptr<const State> state);
    std::shared_ptr<const State> state_;
};

// Receives a response of Fetch. An error from either ends the transfer and is returned.
class FetchSink {
public:
    virtual ~FetchSink() = default;
    virtual Status OnHead(const ResponseHead& head) = 0;
    virtual Status OnBody(std::span<const char> bytes) = 0;
};

// Blocks this thread until the response is received, or `stop` is requested (kCancelled).
Result<ResponseHead> Fetch(const HttpClient& client, ClientRequest request, FetchSink& sink,
                           std::stop_token stop = {});

struct FetchedText {
    ResponseHead head;
    std::string body;
};

// The same for a body of at most `bytes_max` (else kOutOfRange).
Result<FetchedText> FetchText(const HttpClient& client, ClientRequest request, size_t bytes_max,
                              std::stop_token stop = {});

}  // namespace lathe::net
