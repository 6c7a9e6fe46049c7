// The blocking face of the HTTP client.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "core/base/check.h"
#include "core/net/http_client.h"

namespace lathe::net {
namespace {

namespace asio = boost::asio;

constexpr size_t kBufferBytes = 256u << 10;

Task<Result<ResponseHead>> Transfer(const HttpClient& client, ClientRequest request,
                                    FetchSink& sink) {
    auto stream = co_await client.Open(std::move(request));
    if (!stream) co_return std::unexpected(std::move(stream).error());
    if (auto status = sink.OnHead((*stream)->head()); !status)
        co_return std::unexpected(std::move(status).error());
    std::vector<char> buffer(kBufferBytes);
    for (;;) {
        auto count = co_await (*stream)->Read(buffer);
        if (!count) co_return std::unexpected(std::move(count).error());
        if (*count == 0) co_return (*stream)->head();
        if (auto status = sink.OnBody({buffer.data(), *count}); !status)
            co_return std::unexpected(std::move(status).error());
    }
}

class TextSink : public FetchSink {
public:
    explicit TextSink(size_t bytes_max) : bytes_max_(bytes_max) {}

    Status OnHead(const ResponseHead&) override { return {}; }
    Status OnBody(std::span<const char> bytes) override {
        if (bytes.size() > bytes_max_ - text.size())
            return MakeError(Code::kOutOfRange, "the answer is longer than the limit of {} bytes",
                             bytes_max_);
        text.append(bytes.data(), bytes.size());
        return {};
    }

    std::string text;

private:
    const size_t bytes_max_;
};

}  // namespace

Result<ResponseHead> Fetch(const HttpClient& client, ClientRequest request, FetchSink& sink,
                           std::stop_token stop) {
    std::string url = request.url;
    std::optional<Result<ResponseHead>> result;
    asio::io_context io(1);
    asio::cancellation_signal cancel;
    auto on_end = [&](std::exception_ptr failure, Result<ResponseHead> outcome) {
        // A coroutine that is cancelled while it runs learns of it by an exception.
        result = failure ? MakeError(Code::kCancelled, "cancelled") : std::move(outcome);
        io.stop();  // a late name lookup must not keep this waiting
    };
    asio::co_spawn(io, Transfer(client, std::move(request), sink),
                   asio::bind_cancellation_slot(cancel.slot(), on_end));
    std::stop_callback on_stop(
        stop, [&] { asio::post(io, [&] { cancel.emit(asio::cancellation_type::terminal); }); });
    io.run();
    LATHE_CHECK(result.has_value());
    if (!*result && stop.stop_requested())
        return MakeError(Code::kCancelled, "the transfer of {} was cancelled", url);
    return std::move(*result);
}

Result<FetchedText> FetchText(const HttpClient& client, ClientRequest request, size_t bytes_max,
                              std::stop_token stop) {
    TextSink sink(bytes_max);
    auto head = Fetch(client, std::move(request), sink, stop);
    if (!head) return std::unexpected(std::move(head).error());
    return FetchedText{std::move(*head), std::move(sink.text)};
}

}  // namespace lathe::net
