#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/net/request_parser.h"
#include "core/net/server_message.h"
#include "core/net/task.h"
#include "core/telemetry/log.h"

namespace lathe::net {

class Connection;

struct HttpServerOptions {
    std::string address = "127.0.0.1";
    uint16_t port = 8080;  // 0: a free one, see port()
    int io_threads = 1;
    int background_threads = 2;  // for Exchange::RunInBackground
    uint32_t connections_max = 1024;
    RequestLimits limits;
    uint64_t bodies_bytes_max = 256u << 20;            // being received, all connections together
    uint64_t unsent_bytes_max = 1u << 20;              // of a stream whose client does not read
    std::chrono::milliseconds idle_timeout{75'000};    // between requests
    std::chrono::milliseconds header_timeout{10'000};  // from the first byte to the last header
    std::chrono::milliseconds body_timeout{60'000};    // from the headers to the last body byte
    std::chrono::milliseconds write_stall_timeout{30'000};  // no byte of a response taken
    std::chrono::milliseconds linger_timeout{1'000};        // after a refusal, for its reader
};

// Wakes the handler of an exchange. Outlives exchange and server without harm.
// Thread-safe; cheap, and free of locks while an earlier call is still unseen.
class Waker {
public:
    void Wake() const;
    struct State;  // internal
private:
    friend class Exchange;
    explicit Waker(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

// One request and its response, in the hands of a handler.
//
//   Send(response)                        a whole response, or
//   StartStream(...), Write(...)*         pieces as they come; it ends when the handler returns
//
// Nothing here waits for the client: bytes are kept and sent meanwhile. A stream whose
// client leaves more than `unsent_bytes_max` unread, or takes nothing for
// `write_stall_timeout`, is cut. The read side is watched all the time: a client that
// closes, resets or half-closes its connection is gone.
// Handler's coroutine only.
class Exchange {
public:
    explicit Exchange(Connection& connection, ServerRequest request);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    ServerRequest& request() { return request_; }
    std::chrono::steady_clock::time_point started() const { return started_; }

    // A header that goes with whatever response comes. Requires: none was begun.
    void AddHeader(std::string_view name, std::string_view value);

    // Requires: no response was begun. The body is left out for HEAD.
    void Send(ServerResponse response);
    void StartStream(int status, const std::vector<Header>& headers);
    // kUnavailable when the client is gone, kResourceExhausted when it reads too slowly
    // (it is cut). Requires: StartStream.
    Status Write(std::string_view bytes);

    int status() const { return status_; }  // of the response; 0: none yet
    bool client_gone() const;

    enum class Event { kWoken, kTimeout, kGone };
    // Until waker().Wake(), the timeout, or the client (or this server) goes away.
    Task<Event> Wait(std::chrono::milliseconds timeout);
    Waker waker();

    // Frees the request's body, which counts against `bodies_bytes_max` until then.
    void ReleaseBody();

    // Runs CPU-bound work off the io thread, which serves everybody; rethrows.
    Task<void> RunInBackground(std::function<void()> work);

private:
    Connection& connection_;
    ServerRequest request_;
    std::vector<Header> headers_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    int status_ = 0;
};

struct HttpHooks {
    // Serves one request. An exception, or no response, gives the client a 500.
    std::function<Task<void>(Exchange&)> handle;
    // The response for a request refused before it reached `handle`.
    std::function<ServerResponse(const HttpError&)> refuse;
};

// An HTTP/1.1 server with its own io threads; knows no route. Keep-alive, pipelined
// requests one after the other, chunked and Expect: 100-continue bodies; everything a client
// can make us hold or wait for has a limit in the options.
//
// Thread-safe.
class HttpServer {
public:
    // Listens at once. Errors name the address and port: kAlreadyExists when the port is
    // taken, kPermissionDenied, kInvalidArgument for an address that is none of this machine.
    static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                     HttpHooks hooks, const telemetry::Log& log);
    // Cuts every connection (handlers see kGone), waits for the handlers, joins.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    uint16_t port() const;

    // Every response from now on closes its connection; idle connections are closed.
    // New ones are still answered, so that probes see what is going on.
    void Drain();

    size_t connections() const;
    size_t exchanges() const;  // handlers that run now, and responses not sent out yet

    struct Shared;  // internal
private:
    explicit HttpServer(std::shared_ptr<Shared> shared);
    std::shared_ptr<Shared> shared_;
};

}  // namespace lathe::net
