// Server-sent events (WHATWG HTML, section 9.2). Free functions, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/net/server_message.h"

namespace lathe::net {

// Headers of an event stream: not cached, not buffered by a proxy.
std::vector<Header> SseHeaders();

// "data: …\n\n"; a line break in `data` starts another data line.
std::string SseData(std::string_view data);

// "event: NAME\ndata: …\n\n"; for protocols with named events.
std::string SseEvent(std::string_view name, std::string_view data);

// ": TEXT\n\n", which clients ignore: keeps proxies from closing a quiet stream.
std::string SseComment(std::string_view text);

// What OpenAI's protocol ends a stream with.
inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";

}  // namespace lathe::net
