#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/http_server.h"
#include "core/telemetry/log.h"
#include "core/telemetry/metrics.h"
#include "edge/api/access.h"

namespace lathe::api {

// What a handler knows of its request besides the exchange.
struct Call {
    std::string id;       // the client's x-request-id, or one of ours
    std::string capture;  // what stood for {…} in the path
    Caller caller;
    telemetry::Log log;  // with the id
};

using RouteHandler = std::function<net::Task<void>(net::Exchange&, const Call&)>;

struct Route {
    std::string method;
    std::string path;  // "/v1/models", or with one part open: "/v1/models/{id}/facts"
    RouteHandler handler;
    bool is_public = false;  // answered without asking Access
    // Browsers and probes ask for it by themselves again and again: logged at debug while all is
    // well.
    bool is_polled = false;
};

// Finds the route of a request, asks Access, runs the handler; answers 404, 405 and 401 in
// OpenAI's form. Gives every response its x-request-id, counts and logs it.
// HEAD is answered by the GET route.
//
// Add everything first; then Serve is thread-safe.
class Router {
public:
    Router(std::shared_ptr<const Access> access, telemetry::Metrics& metrics,
           const telemetry::Log& log);

    // Earlier routes come first.
    void Add(Route route);
    // For GETs that no route takes; false: it has nothing there either. Public.
    void SetFallback(std::function<bool(net::Exchange&)> fallback);

    net::Task<void> Serve(net::Exchange& exchange);

private:
    struct Found;

    net::Task<void> Dispatch(net::Exchange& exchange, Call& call, Found& matched);
    std::string NewId();

    std::shared_ptr<const Access> access_;
    telemetry::Metrics& metrics_;
    telemetry::Log log_;
    std::vector<Route> routes_;
    std::function<bool(net::Exchange&)> fallback_;
    uint64_t id_seed_;
    std::atomic<uint64_t> id_count_{0};
};

// The part of `path` that stands for {…} in `pattern`; null if they do not match.
// A pattern without {…} gives "". Exposed for its test.
bool MatchPath(std::string_view pattern, std::string_view path, std::string& capture);

// A request id that a client chose, if it is harmless in headers and logs; else "".
std::string_view UsableRequestId(const net::ServerRequest& request);

}  // namespace lathe::api
