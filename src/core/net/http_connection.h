// One connection of the HTTP server. Internal to net.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/net/http_server.h"
#include "core/net/request_parser.h"

namespace lathe::net {

// What the connections of a server have in common.
struct HttpServer::Shared {
    Shared(const HttpServerOptions& server_options, HttpHooks server_hooks,
           const telemetry::Log& server_log);

    const HttpServerOptions options;
    const HttpHooks hooks;
    const telemetry::Log log;
    // Shared with wakers, which may be called after the server has gone.
    std::shared_ptr<boost::asio::io_context> io;
    boost::asio::thread_pool background;
    boost::asio::ip::tcp::acceptor acceptor;
    // Keeps the threads while handlers wait only for background work.
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
    uint16_t port = 0;
    std::vector<std::jthread> threads;

    std::atomic<bool> draining{false};
    std::atomic<bool> stopping{false};
    std::atomic<size_t> exchanges{0};
    std::atomic<uint64_t> bodies_bytes{0};

    std::mutex mutex;
    std::condition_variable connection_closed;
    std::set<Connection*> connections;  // guarded by mutex; each removes itself
};

// Reads requests one after the other, runs the handler for each, sends what it gives.
// Everything happens on one strand of the io threads, unless said otherwise.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Socket = boost::asio::ip::tcp::socket;
    using Clock = std::chrono::steady_clock;

    Connection(HttpServer::Shared& shared, Socket socket);
    ~Connection();

    // The connection's life; the caller keeps it alive until then.
    Task<void> Run();

    // From any thread: see HttpServer::Drain and ~HttpServer.
    void PostDrain();
    void PostCut();

    // For Exchange.
    bool gone() const { return read_closed_ || cut_; }
    void BeginResponse(const ServerResponse& response, const std::vector<Header>& more,
                       bool streamed);
    Status AppendStreamed(std::string_view bytes);
    Task<Exchange::Event> Wait(std::chrono::milliseconds timeout);
    std::shared_ptr<Waker::State> waker();
    Task<void> RunInBackground(std::function<void()> work);
    void ReleaseBody();
    void NotifyWoken();

private:
    enum class Phase { kIdle, kReading, kHandling, kClosing };
    enum class Received { kRequest, kRefused, kClosed };
    enum class ReadResult { kBytes, kTimeout, kClosed };

    Task<Received> ServeNext();
    Task<Received> Receive(RequestParser& parser);
    Task<ReadResult> Read(Clock::time_point deadline);
    Task<void> Handle(ServerRequest request);
    Task<void> RunHandler(Exchange& exchange);
    void Refuse(const HttpError& error);
    [[nodiscard]] bool Charge(size_t body_bytes);  // false: the server's limit is reached
    void WatchForGone();
    void StopWatching();
    void OnReadable();
    void Append(std::string_view bytes);
    void WriteMore();
    void OnWritten(size_t bytes, bool failed);
    Task<void> Flushed();
    Task<void> Linger();
    void Cut();

    HttpServer::Shared& shared_;
    Socket socket_;
    std::string peer_;
    Phase phase_ = Phase::kIdle;
    uint64_t requests_ = 0;

    std::string inbox_;   // received, not parsed yet
    size_t charged_ = 0;  // of Shared::bodies_bytes
    uint64_t watch_ = 0;  // counts watches and reads: news of an older one is stale

    std::string sending_;  // being written
    size_t sent_ = 0;      // of sending_
    std::string outbox_;   // to be written after it
    bool write_pending_ = false;
    uint64_t write_ = 0;  // counts writes

    bool read_closed_ = false;  // the client closed its side; it may still read
    bool cut_ = false;          // nothing more goes in or out
    bool woken_ = false;

    // Of the current request and response:
    bool keep_alive_ = false;
    bool http_1_0_ = false;
    bool head_only_ = false;
    bool streaming_ = false;  // a stream whose end is not written yet
    bool chunked_ = false;

    boost::asio::steady_timer read_deadline_;
    boost::asio::steady_timer write_deadline_;
    boost::asio::steady_timer event_;  // cancelled to wake the coroutine that waits on it
    std::shared_ptr<Waker::State> waker_;
};

}  // namespace lathe::net
