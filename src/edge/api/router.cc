#include "edge/api/router.h"

#include <algorithm>
#include <cctype>
#include <random>

namespace lathe::api {
namespace {

constexpr size_t kRequestIdMax = 128;

ApiError NotFound(const net::ServerRequest& request) {
    return ApiError(Error{Code::kNotFound,
                          fmt::format("there is nothing at {} {}; docs/api.md lists the routes",
                                      request.method, request.path),
                          {}});
}

net::ServerResponse MethodNotAllowed(const net::ServerRequest& request,
                                     const std::vector<std::string>& allowed) {
    std::string list = fmt::format("{}", fmt::join(allowed, ", "));
    ApiError error(
        Error{Code::kInvalidArgument,
              fmt::format("{} is not allowed for {}; use {}", request.method, request.path, list),
              {}});
    error.status = 405;
    error.code = "method_not_allowed";
    auto response = ErrorResponse(error);
    response.headers.push_back({"allow", list});
    return response;
}

}  // namespace

bool MatchPath(std::string_view pattern, std::string_view path, std::string& capture) {
    capture.clear();
    auto open = pattern.find('{');
    if (open == pattern.npos) return pattern == path;
    auto prefix = pattern.substr(0, open);
    auto suffix = pattern.substr(pattern.find('}') + 1);
    if (path.size() <= prefix.size() + suffix.size() || !path.starts_with(prefix) ||
        !path.ends_with(suffix))
        return false;
    capture = path.substr(prefix.size(), path.size() - prefix.size() - suffix.size());
    return true;
}

std::string_view UsableRequestId(const net::ServerRequest& request) {
    for (const char* name : {"x-request-id", "x-correlation-id"}) {
        auto id = request.Get(name);
        bool usable = !id.empty() && id.size() <= kRequestIdMax &&
                      std::ranges::all_of(id, [](unsigned char c) {
                          return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
                      });
        if (usable) return id;
    }
    return {};
}

Router::Router(std::shared_ptr<const Access> access, telemetry::Metrics& metrics,
               const telemetry::Log& log)
    : access_(std::move(access)), metrics_(metrics), log_(log.For("api")) {
    std::random_device random;
    id_seed_ = (uint64_t{random()} << 32) | random();
}

void Router::Add(Route route) {
    routes_.push_back(std::move(route));
}

void Router::SetFallback(std::function<bool(net::Exchange&)> fallback) {
    fallback_ = std::move(fallback);
}

std::string Router::NewId() {
    // A step of splitmix64: distinct for every count, and not to be guessed from a neighbour's.
    uint64_t count = ++id_count_;
    uint64_t x = id_seed_ + 0x9e3779b97f4a7c15 * count;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return fmt::format("{:016x}{:08x}", x ^ (x >> 31), count);
}

// What takes a request, for metrics and log.
struct Router::Found {
    std::string label = "other";  // never the path: a client could make up any number of them
    bool is_polled = false;
};

net::Task<void> Router::Serve(net::Exchange& exchange) {
    Call call;
    call.id = UsableRequestId(exchange.request());
    if (call.id.empty()) call.id = NewId();
    call.log = log_.WithRequest(call.id);
    exchange.AddHeader("x-request-id", call.id);
    auto method = exchange.request().method;
    auto path = exchange.request().path;
    Found matched;
    std::exception_ptr failure;
    try {
        co_await Dispatch(exchange, call, matched);
    } catch (...) {
        failure = std::current_exception();
    }
    int status = failure && exchange.status() == 0 ? 500 : exchange.status();
    if (status == 0) status = 499;  // the client left before there was an answer
    metrics_
        .AddCounter("lathe_http_requests_total", "HTTP requests by route and status.",
                    {{"route", matched.label}, {"status", std::to_string(status)}})
        .Add();
    auto ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() -
                                                        exchange.started());
    constexpr auto kLine = "{} {} {} {:.1f} ms";
    if (matched.is_polled && status < 400) {
        call.log.Debug(kLine, method, path, status, ms.count());
    } else {
        call.log.Info(kLine, method, path, status, ms.count());
    }
    if (failure) std::rethrow_exception(failure);
}

net::Task<void> Router::Dispatch(net::Exchange& exchange, Call& call, Found& matched) {
    const auto& request = exchange.request();
    std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
    const Route* found = nullptr;
    std::vector<std::string> allowed;
    for (const auto& route : routes_) {
        std::string capture;
        if (!MatchPath(route.path, request.path, capture)) continue;
        if (route.method == method && found == nullptr) {
            found = &route;
            call.capture = std::move(capture);
        }
        for (std::string name : {route.method, std::string(route.method == "GET" ? "HEAD" : "")})
            if (!name.empty() && std::ranges::find(allowed, name) == allowed.end())
                allowed.push_back(name);
    }
    if (found != nullptr) matched = {.label = found->path, .is_polled = found->is_polled};
    bool open = found != nullptr && found->is_public;
    if (found == nullptr && allowed.empty() && method == "GET" && fallback_ &&
        fallback_(exchange)) {
        matched.label = "console";
        co_return;
    }
    if (!open) {
        auto caller = access_->Admit(request);
        if (!caller) co_return exchange.Send(ErrorResponse(caller.error()));
        call.caller = std::move(*caller);
    }
    if (found != nullptr) co_return co_await found->handler(exchange, call);
    if (!allowed.empty()) co_return exchange.Send(MethodNotAllowed(request, allowed));
    exchange.Send(ErrorResponse(NotFound(request)));
}

}  // namespace lathe::api
