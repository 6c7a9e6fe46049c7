#include "core/net/sse.h"

namespace lathe::net {
namespace {

// Every line of `text` with `prefix` before it. Lines end at LF, CR or CRLF.
void AppendLines(std::string& out, std::string_view prefix, std::string_view text) {
    for (;;) {
        size_t end = text.find_first_of("\r\n");
        (out += prefix) += text.substr(0, end);
        out += '\n';
        if (end == text.npos) return;
        text.remove_prefix(end + (text.substr(end, 2) == "\r\n" ? 2 : 1));
    }
}

}  // namespace

std::vector<Header> SseHeaders() {
    return {{"content-type", "text/event-stream; charset=utf-8"},
            {"cache-control", "no-cache"},
            {"x-accel-buffering", "no"}};
}

std::string SseData(std::string_view data) {
    std::string out;
    out.reserve(data.size() + 8);
    AppendLines(out, "data: ", data);
    out += '\n';
    return out;
}

std::string SseEvent(std::string_view name, std::string_view data) {
    std::string out;
    AppendLines(out, "event: ", name);
    return out + SseData(data);
}

std::string SseComment(std::string_view text) {
    std::string out;
    AppendLines(out, ": ", text);
    out += '\n';
    return out;
}

}  // namespace lathe::net
