#include "core/net/http_connection.h"

#include <fmt/chrono.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "core/base/check.h"

namespace lathe::net {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 32 << 10;
constexpr size_t kPipelinedBytesMax = 64 << 10;  // read ahead while a response is under way
constexpr size_t kLingerBytesMax = 4 << 20;

std::string EndpointText(const Connection::Socket& socket) {
    boost::system::error_code ec;
    auto endpoint = socket.remote_endpoint(ec);
    if (ec) return "unknown";
    auto address = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                      : fmt::format("{}:{}", address, endpoint.port());
}

// A header's value cannot end its line, whatever it was made from.
void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
    (out += name) += ": ";
    for (char c : value) out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c;
    out += "\r\n";
}

}  // namespace

struct Waker::State {
    // First, so that it goes last: the strand must not outlive its context.
    std::shared_ptr<asio::io_context> io;
    asio::any_io_executor strand;
    std::weak_ptr<Connection> connection;
    std::atomic<bool> pending{false};
};

void Waker::Wake() const {
    if (state_->pending.exchange(true, std::memory_order_acq_rel)) return;
    // Weak, so that a wake-up queued in a stopped context does not own that context.
    asio::post(state_->strand, [weak = std::weak_ptr(state_)] {
        auto state = weak.lock();
        if (!state) return;
        state->pending.store(false, std::memory_order_release);
        if (auto connection = state->connection.lock()) connection->NotifyWoken();
    });
}

Connection::Connection(HttpServer::Shared& shared, Socket socket)
    : shared_(shared),
      socket_(std::move(socket)),
      peer_(EndpointText(socket_)),
      read_deadline_(socket_.get_executor()),
      write_deadline_(socket_.get_executor()),
      event_(socket_.get_executor()) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    std::lock_guard lock(shared_.mutex);
    shared_.connections.insert(this);
}

Connection::~Connection() {
    ReleaseBody();
    std::lock_guard lock(shared_.mutex);
    shared_.connections.erase(this);
    shared_.connection_closed.notify_all();
}

Task<void> Connection::Run() {
    do {
        auto received = co_await ServeNext();
        ReleaseBody();
        if (received == Received::kClosed) keep_alive_ = false;
        if (received == Received::kRefused) co_await Flushed();
        if (received != Received::kClosed && !keep_alive_) co_await Linger();
    } while (keep_alive_ && !gone());
    Cut();
}

Task<Connection::Received> Connection::ServeNext() {
    RequestParser parser(shared_.options.limits);
    auto received = co_await Receive(parser);
    if (received == Received::kRequest) {
        ++requests_;
        keep_alive_ = parser.keep_alive();
        http_1_0_ = parser.http_1_0();
        co_await Handle(parser.Take());
    }
    co_return received;
}

Task<Connection::Received> Connection::Receive(RequestParser& parser) {
    const auto& options = shared_.options;
    // PostDrain may have come while the last response, which promised to stay, was under way.
    if (requests_ > 0 && inbox_.empty() && shared_.draining.load()) co_return Received::kClosed;
    phase_ = Phase::kIdle;
    auto deadline = Clock::now() + options.idle_timeout;
    for (;;) {
        auto before = parser.state();
        // A line break between requests is allowed (RFC 9112, section 2.2).
        while (before == RequestParser::State::kEmpty && inbox_.starts_with("\r\n"))
            inbox_.erase(0, 2);
        if (!inbox_.empty()) {
            if (before == RequestParser::State::kEmpty) {
                phase_ = Phase::kReading;
                deadline = Clock::now() + options.header_timeout;
            }
            auto taken = parser.Feed(inbox_);
            if (!taken) {
                Refuse(taken.error());
                co_return Received::kRefused;
            }
            inbox_.erase(0, *taken);
            if (!Charge(parser.body_bytes())) {
                Refuse({503, "the server is receiving too many large requests; try again later"});
                co_return Received::kRefused;
            }
            if (parser.state() == RequestParser::State::kDone) co_return Received::kRequest;
            if (parser.state() == RequestParser::State::kBody &&
                before != RequestParser::State::kBody) {
                deadline = Clock::now() + options.body_timeout;
                if (parser.expects_continue() && inbox_.empty())
                    Append("HTTP/1.1 100 Continue\r\n\r\n");
            }
        }
        auto result = co_await Read(deadline);
        if (result == ReadResult::kTimeout && phase_ == Phase::kReading) {
            Refuse({408, "the request did not arrive in time"});
            co_return Received::kRefused;
        }
        if (result != ReadResult::kBytes) co_return Received::kClosed;
    }
}

Task<Connection::ReadResult> Connection::Read(Clock::time_point deadline) {
    if (cut_) co_return ReadResult::kClosed;
    bool timed_out = false;
    auto read = ++watch_;
    read_deadline_.expires_at(deadline);
    read_deadline_.async_wait(
        [this, self = shared_from_this(), read, &timed_out](const boost::system::error_code& ec) {
            if (ec || read != watch_) return;  // stale: `timed_out` may be gone
            timed_out = true;
            boost::system::error_code ignored;
            socket_.cancel(ignored);
        });
    size_t old_size = inbox_.size();
    inbox_.resize(old_size + kReadBytes);
    auto [ec, count] = co_await socket_.async_read_some(
        asio::buffer(inbox_.data() + old_size, kReadBytes), kAwait);
    ++watch_;
    read_deadline_.cancel();
    inbox_.resize(old_size + count);
    if (count > 0) co_return ReadResult::kBytes;
    if (timed_out) co_return ReadResult::kTimeout;
    read_closed_ = true;
    co_return ReadResult::kClosed;
}

bool Connection::Charge(size_t body_bytes) {
    LATHE_CHECK(body_bytes >= charged_);
    uint64_t more = body_bytes - charged_;
    charged_ = body_bytes;
    return shared_.bodies_bytes.fetch_add(more) + more <= shared_.options.bodies_bytes_max;
}

void Connection::ReleaseBody() {
    shared_.bodies_bytes.fetch_sub(std::exchange(charged_, 0));
}

void Connection::Refuse(const HttpError& error) {
    shared_.log.Info("{}: refused with {}: {}", peer_, error.status, error.message);
    keep_alive_ = false;
    head_only_ = false;
    http_1_0_ = false;
    BeginResponse(shared_.hooks.refuse(error), {}, /*streamed=*/false);
}

Task<void> Connection::Handle(ServerRequest request) {
    phase_ = Phase::kHandling;
    head_only_ = request.method == "HEAD";
    request.peer = peer_;
    shared_.exchanges.fetch_add(1);
    {
        Exchange exchange(*this, std::move(request));
        WatchForGone();
        co_await RunHandler(exchange);
        if (exchange.status() == 0 && !gone()) {
            shared_.log.Error("{}: no response for {}", peer_, exchange.request().path);
            exchange.Send(shared_.hooks.refuse({500, "the server made no response"}));
        }
    }
    if (streaming_ && chunked_ && !head_only_) Append("0\r\n\r\n");
    streaming_ = false;
    co_await Flushed();
    StopWatching();
    shared_.exchanges.fetch_sub(1);
    if (gone()) keep_alive_ = false;
}

Task<void> Connection::RunHandler(Exchange& exchange) {
    std::string failure;
    try {
        co_await shared_.hooks.handle(exchange);
        co_return;
    } catch (const std::exception& exception) {
        failure = exception.what();
    }
    shared_.log.Error("{}: handler of {} failed: {}", peer_, exchange.request().path, failure);
    if (exchange.status() == 0)
        exchange.Send(shared_.hooks.refuse({500, "the server failed; its log says why"}));
    else if (streaming_)
        Cut();  // so that the client sees a broken stream, not a finished one
}

void Connection::BeginResponse(const ServerResponse& response, const std::vector<Header>& more,
                               bool streamed) {
    if (gone() || shared_.draining.load()) keep_alive_ = false;
    bool bodiless = response.status == 204 || response.status == 304;
    streaming_ = streamed;
    chunked_ = streamed && !http_1_0_;
    if (streamed && !chunked_) keep_alive_ = false;
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\ndate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                    ReasonPhrase(response.status), fmt::gmtime(std::time(nullptr)));
    for (const auto* list : {&response.headers, &more})
        for (const auto& header : *list) AppendHeader(head, header.name, header.value);
    if (chunked_)
        AppendHeader(head, "transfer-encoding", "chunked");
    else if (!streamed && !bodiless)
        AppendHeader(head, "content-length", std::to_string(response.body.size()));
    if (!keep_alive_)
        AppendHeader(head, "connection", "close");
    else if (http_1_0_)
        AppendHeader(head, "connection", "keep-alive");
    head += "\r\n";
    if (!streamed && !bodiless && !head_only_) head += response.body;
    Append(head);
}

Status Connection::AppendStreamed(std::string_view bytes) {
    if (gone()) return MakeError(Code::kUnavailable, "the client closed the connection");
    if (bytes.empty() || head_only_) return {};
    size_t unsent = outbox_.size() + sending_.size() - sent_;
    if (unsent + bytes.size() > shared_.options.unsent_bytes_max) {
        Cut();
        return MakeError(Code::kResourceExhausted,
                         "the client left {} bytes of its stream unread; it was cut", unsent);
    }
    if (!chunked_) {
        Append(bytes);
        return {};
    }
    std::string chunk = fmt::format("{:x}\r\n", bytes.size());
    (chunk += bytes) += "\r\n";
    Append(chunk);
    return {};
}

void Connection::Append(std::string_view bytes) {
    if (cut_) return;
    outbox_ += bytes;
    WriteMore();
}

void Connection::WriteMore() {
    if (write_pending_ || cut_) return;
    if (sent_ == sending_.size()) {
        sending_.clear();
        sending_.swap(outbox_);
        sent_ = 0;
        if (sending_.empty()) {
            event_.cancel();  // for Flushed
            return;
        }
    }
    write_pending_ = true;
    auto write = ++write_;
    write_deadline_.expires_after(shared_.options.write_stall_timeout);
    write_deadline_.async_wait(
        [this, self = shared_from_this(), write](const boost::system::error_code& ec) {
            if (ec || write != write_) return;
            shared_.log.Info("{}: takes no bytes of its response; cut", peer_);
            Cut();
        });
    socket_.async_write_some(
        asio::buffer(sending_.data() + sent_, sending_.size() - sent_),
        [this, self = shared_from_this()](const boost::system::error_code& ec, size_t count) {
            OnWritten(count, static_cast<bool>(ec));
        });
}

void Connection::OnWritten(size_t bytes, bool failed) {
    ++write_;
    write_deadline_.cancel();
    write_pending_ = false;
    sent_ += bytes;
    if (failed)
        Cut();
    else
        WriteMore();
}

Task<void> Connection::Flushed() {
    while (!cut_ && write_pending_) {
        event_.expires_after(std::chrono::hours(1));
        co_await event_.async_wait(kAwait);
    }
}

void Connection::WatchForGone() {
    if (gone() || inbox_.size() >= kPipelinedBytesMax) return;
    socket_.async_wait(Socket::wait_read, [this, self = shared_from_this(),
                                           watch = ++watch_](const boost::system::error_code& ec) {
        if (watch == watch_ && !ec) OnReadable();
    });
}

void Connection::OnReadable() {
    size_t old_size = inbox_.size();
    inbox_.resize(old_size + kReadBytes);
    boost::system::error_code ec;
    size_t count = socket_.read_some(asio::buffer(inbox_.data() + old_size, kReadBytes), ec);
    inbox_.resize(old_size + count);
    if (!ec || ec == asio::error::would_block || ec == asio::error::try_again) {
        WatchForGone();
    } else if (ec == asio::error::eof) {
        read_closed_ = true;
        event_.cancel();
    } else {
        Cut();
    }
}

void Connection::StopWatching() {
    ++watch_;
    boost::system::error_code ignored;
    if (!cut_) socket_.cancel(ignored);  // nothing is being written here
}

Task<Exchange::Event> Connection::Wait(std::chrono::milliseconds timeout) {
    auto deadline = Clock::now() + timeout;
    for (;;) {
        if (gone()) co_return Exchange::Event::kGone;
        if (std::exchange(woken_, false)) co_return Exchange::Event::kWoken;
        if (Clock::now() >= deadline) co_return Exchange::Event::kTimeout;
        event_.expires_at(deadline);
        co_await event_.async_wait(kAwait);
    }
}

void Connection::NotifyWoken() {
    woken_ = true;
    event_.cancel();
}

std::shared_ptr<Waker::State> Connection::waker() {
    if (!waker_) {
        waker_ = std::make_shared<Waker::State>();
        waker_->io = shared_.io;
        waker_->strand = socket_.get_executor();
        waker_->connection = weak_from_this();
    }
    return waker_;
}

Task<void> Connection::RunInBackground(std::function<void()> work) {
    std::exception_ptr failure;
    auto run = [&](auto handler) {
        asio::post(shared_.background, [&work, &failure, handler = std::move(handler)]() mutable {
            try {
                work();
            } catch (...) {
                failure = std::current_exception();
            }
            auto strand = asio::get_associated_executor(handler);
            asio::post(strand, std::move(handler));
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(run, asio::use_awaitable);
    if (failure) std::rethrow_exception(failure);
}

Task<void> Connection::Linger() {
    boost::system::error_code ignored;
    if (cut_) co_return;
    phase_ = Phase::kClosing;
    socket_.shutdown(Socket::shutdown_send, ignored);
    auto deadline = Clock::now() + shared_.options.linger_timeout;
    size_t discarded = 0;
    while (!gone() && discarded < kLingerBytesMax) {
        inbox_.clear();
        if (co_await Read(deadline) != ReadResult::kBytes) break;
        discarded += inbox_.size();
    }
}

void Connection::Cut() {
    if (cut_) return;
    cut_ = true;
    ++watch_;
    ++write_;
    boost::system::error_code ignored;
    socket_.close(ignored);
    read_deadline_.cancel();
    write_deadline_.cancel();
    event_.cancel();
}

void Connection::PostDrain() {
    asio::post(socket_.get_executor(), [weak = weak_from_this()] {
        auto self = weak.lock();
        if (self && self->phase_ == Phase::kIdle && self->requests_ > 0) self->Cut();
    });
}

void Connection::PostCut() {
    asio::post(socket_.get_executor(), [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->Cut();
    });
}

}  // namespace lathe::net
