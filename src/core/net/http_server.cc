#include "core/net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/base/check.h"
#include "core/net/http_connection.h"

namespace lathe::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::unexpected<Error> ListenError(const boost::system::error_code& ec,
                                   const HttpServerOptions& options) {
    if (ec == asio::error::address_in_use)
        return MakeError(Code::kAlreadyExists,
                         "port {} of {} is already in use by another program; choose another port "
                         "(0 takes a free one)",
                         options.port, options.address);
    if (ec == asio::error::access_denied)
        return MakeError(Code::kPermissionDenied,
                         "no permission to listen on port {} of {}; ports below 1024 need "
                         "privileges, choose a higher one",
                         options.port, options.address);
    return MakeError(Code::kInvalidArgument, "cannot listen on port {} of {}: {}", options.port,
                     options.address, ec.message());
}

// Says no to a connection beyond the limit, without reading or waiting.
void TurnAway(HttpServer::Shared& shared, tcp::socket socket) {
    auto response = shared.hooks.refuse({503, "the server has as many connections as it may"});
    std::string text = fmt::format("HTTP/1.1 503 {}\r\n", ReasonPhrase(503));
    for (const auto& header : response.headers)
        text += fmt::format("{}: {}\r\n", header.name, header.value);
    text += fmt::format("content-length: {}\r\nconnection: close\r\n\r\n{}", response.body.size(),
                        response.body);
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void Serve(HttpServer::Shared& shared, tcp::socket socket) {
    size_t open;
    {
        std::lock_guard lock(shared.mutex);
        open = shared.connections.size();
    }
    if (open >= shared.options.connections_max) return TurnAway(shared, std::move(socket));
    auto executor = socket.get_executor();
    auto connection = std::make_shared<Connection>(shared, std::move(socket));
    if (shared.stopping.load()) connection->PostCut();
    auto run = connection->Run();
    asio::co_spawn(executor, std::move(run), [connection, &shared](std::exception_ptr failure) {
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& exception) {
            shared.log.Error("connection failed: {}", exception.what());
        }
    });
}

Task<void> Accept(HttpServer::Shared& shared) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    while (!shared.stopping.load()) {
        auto [ec, socket] =
            co_await shared.acceptor.async_accept(asio::make_strand(*shared.io), kAwait);
        if (!ec) {
            Serve(shared, std::move(socket));
        } else if (!shared.stopping.load()) {
            // Out of descriptors or memory: wait for connections to end.
            shared.log.Warn("cannot accept a connection: {}", ec.message());
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(kAwait);
        }
    }
}

}  // namespace

HttpServer::Shared::Shared(const HttpServerOptions& server_options, HttpHooks server_hooks,
                           const telemetry::Log& server_log)
    : options(server_options),
      hooks(std::move(server_hooks)),
      log(server_log.For("net")),
      io(std::make_shared<asio::io_context>(server_options.io_threads)),
      background(static_cast<size_t>(server_options.background_threads)),
      acceptor(asio::make_strand(*io)),
      work(io->get_executor()) {}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      HttpHooks hooks, const telemetry::Log& log) {
    LATHE_CHECK(options.io_threads > 0 && options.background_threads > 0);
    LATHE_CHECK(hooks.handle && hooks.refuse);
    boost::system::error_code ec;
    auto address = asio::ip::make_address(options.address, ec);
    if (ec)
        return InvalidArgument("\"{}\" is no IP address; use one such as 127.0.0.1, 0.0.0.0 or ::1",
                               options.address);
    auto shared = std::make_shared<Shared>(options, std::move(hooks), log);
    auto& acceptor = shared->acceptor;
    tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return ListenError(ec, options);
    shared->port = acceptor.local_endpoint().port();
    asio::co_spawn(acceptor.get_executor(), Accept(*shared), [](std::exception_ptr) {});
    for (int i = 0; i < options.io_threads; ++i)
        shared->threads.emplace_back([io = shared->io] { io->run(); });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(shared)));
}

HttpServer::HttpServer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

HttpServer::~HttpServer() {
    auto& shared = *shared_;
    shared.stopping.store(true);
    asio::post(shared.acceptor.get_executor(), [&shared] {
        boost::system::error_code ignored;
        shared.acceptor.close(ignored);
    });
    {
        std::unique_lock lock(shared.mutex);
        for (auto* connection : shared.connections) connection->PostCut();
        shared.connection_closed.wait(lock, [&] { return shared.connections.empty(); });
    }
    shared.work.reset();
    shared.threads.clear();  // joins
    shared.background.join();
}

uint16_t HttpServer::port() const {
    return shared_->port;
}

void HttpServer::Drain() {
    shared_->draining.store(true);
    std::lock_guard lock(shared_->mutex);
    for (auto* connection : shared_->connections) connection->PostDrain();
}

size_t HttpServer::connections() const {
    std::lock_guard lock(shared_->mutex);
    return shared_->connections.size();
}

size_t HttpServer::exchanges() const {
    return shared_->exchanges.load();
}

Exchange::Exchange(Connection& connection, ServerRequest request)
    : connection_(connection), request_(std::move(request)) {}

void Exchange::AddHeader(std::string_view name, std::string_view value) {
    LATHE_CHECK(status_ == 0);
    headers_.push_back({std::string(name), std::string(value)});
}

void Exchange::Send(ServerResponse response) {
    LATHE_CHECK(status_ == 0);
    status_ = response.status;
    connection_.BeginResponse(response, headers_, /*streamed=*/false);
}

void Exchange::StartStream(int status, const std::vector<Header>& headers) {
    LATHE_CHECK(status_ == 0);
    status_ = status;
    ServerResponse response;
    response.status = status;
    response.headers = headers;
    connection_.BeginResponse(response, headers_, /*streamed=*/true);
}

Status Exchange::Write(std::string_view bytes) {
    return connection_.AppendStreamed(bytes);
}

bool Exchange::client_gone() const {
    return connection_.gone();
}

Task<Exchange::Event> Exchange::Wait(std::chrono::milliseconds timeout) {
    return connection_.Wait(timeout);
}

Waker Exchange::waker() {
    return Waker(connection_.waker());
}

void Exchange::ReleaseBody() {
    request_.body = std::string();
    connection_.ReleaseBody();
}

Task<void> Exchange::RunInBackground(std::function<void()> work) {
    return connection_.RunInBackground(std::move(work));
}

}  // namespace lathe::net
