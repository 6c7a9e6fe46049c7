// Bytes as a client may send them, through the server's request parser: in one piece
// and in small ones. Both must accept the same requests with the same content.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/net/request_parser.h"
#include "core/net/sse.h"

namespace {

using lathe::net::RequestParser;

constexpr lathe::net::RequestLimits kLimits{.header_bytes_max = 512, .body_bytes_max = 256};

// Every request of the connection, as text; ends at the first error or when bytes run out.
std::vector<std::string> Requests(std::string_view bytes, size_t step) {
    std::vector<std::string> requests;
    std::string inbox;
    for (;;) {
        RequestParser parser(kLimits);
        while (parser.state() != RequestParser::State::kDone) {
            if (!inbox.empty()) {
                auto taken = parser.Feed(inbox);
                if (!taken) return requests;
                LATHE_CHECK(*taken <= inbox.size());
                inbox.erase(0, *taken);
                LATHE_CHECK(parser.body_bytes() <= kLimits.body_bytes_max);
                if (parser.state() == RequestParser::State::kDone) break;
                LATHE_CHECK(inbox.size() <= kLimits.header_bytes_max);
            }
            if (bytes.empty()) return requests;
            inbox += bytes.substr(0, step);
            bytes.remove_prefix(std::min(step, bytes.size()));
        }
        auto request = parser.Take();
        std::string text = request.method + " " + request.path + "?" + request.query;
        for (const auto& header : request.headers) text += "\n" + header.name + ":" + header.value;
        requests.push_back(text + "\n\n" + request.body);
        LATHE_CHECK(!lathe::net::SseData(request.body).contains('\r'));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) return 0;
    size_t step = 1 + data[0] % 16;
    std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    LATHE_CHECK(Requests(bytes, step) == Requests(bytes, SIZE_MAX));
    return 0;
}
