#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>

#include "core/net/server_message.h"

namespace lathe::net {

struct RequestLimits {
    uint32_t header_bytes_max = 16u
                                << 10;  // request line and headers; also chunk headers, trailers
    uint64_t body_bytes_max = 16u << 20;
};

// Reads one HTTP/1.0 or 1.1 request from bytes in whatever pieces they come; a
// Content-Length body or a chunked one. Does no input itself.
//
//   Feed(bytes) -> how many it took; keep the rest and give it again with more behind it
//   until state() is kDone, then Take().
//
// Refuses what lets a proxy and a server disagree about where a request ends:
// two lengths, a length beside chunks, codings other than chunked, no or two Host headers.
class RequestParser {
public:
    enum class State { kEmpty, kHeader, kBody, kDone };

    explicit RequestParser(const RequestLimits& limits);
    ~RequestParser();

    // After an error the connection cannot go on. Requires: state() is not kDone.
    std::expected<size_t, HttpError> Feed(std::string_view bytes);

    State state() const;
    size_t body_bytes() const;      // received so far
    bool expects_continue() const;  // "Expect: 100-continue"; from state kBody on
    bool keep_alive() const;        // from state kBody on
    bool http_1_0() const;          // from state kBody on

    // Requires: state() is kDone.
    ServerRequest Take();

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace lathe::net
