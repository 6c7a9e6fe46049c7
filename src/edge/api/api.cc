#include "edge/api/api.h"

#include <atomic>

#include "edge/api/api_metrics.h"
#include "edge/api/generation_routes.h"
#include "edge/api/model_routes.h"
#include "edge/api/router.h"
#include "edge/api/run_routes.h"
#include "edge/console/console_assets.h"

namespace lathe::api {
namespace {

// Content-free, so that they can be public.
void AddHealthRoutes(Router& router, const std::atomic<bool>& draining) {
    auto alive = [](net::Exchange& exchange, const Call&) -> net::Task<void> {
        exchange.Send(JsonResponse(200, {{"status", "ok"}}));
        co_return;
    };
    auto ready = [&draining](net::Exchange& exchange, const Call&) -> net::Task<void> {
        if (draining.load())
            exchange.Send(JsonResponse(503, {{"status", "draining"}}));
        else
            exchange.Send(JsonResponse(200, {{"status", "ok"}}));
        co_return;
    };
    auto add = [&router](const char* path, const RouteHandler& handler) {
        router.Add({"GET", path, handler, /*is_public=*/true, /*is_polled=*/true});
    };
    for (const char* path : {"/livez", "/liveness"}) add(path, alive);
    for (const char* path : {"/readyz", "/readiness", "/health"}) add(path, ready);
}

bool SendAsset(net::Exchange& exchange) {
    const auto* asset = console::FindAsset(exchange.request().path);
    if (asset == nullptr) return false;
    net::ServerResponse response;
    response.headers = {{"etag", std::string(asset->etag)},
                        {"cache-control", std::string(console::CacheControl(*asset))},
                        {"content-security-policy", std::string(console::kContentSecurityPolicy)},
                        {"x-content-type-options", "nosniff"},
                        {"referrer-policy", "no-referrer"}};
    if (exchange.request().Get("if-none-match") == asset->etag) {
        response.status = 304;
    } else {
        response.headers.push_back({"content-type", std::string(asset->content_type)});
        response.body = asset->bytes;
    }
    exchange.Send(std::move(response));
    return true;
}

net::HttpHooks HooksOf(Router& router) {
    return {[&router](net::Exchange& exchange) { return router.Serve(exchange); },
            RefuseInOpenAiForm};
}

}  // namespace

struct Api::State {
    State(backends::LocalModel& local_model, std::shared_ptr<const Access> access,
          telemetry::Metrics& all_metrics, const telemetry::Log& log, const ApiOptions& options)
        : model(local_model),
          metrics(all_metrics, local_model.engine(), local_model.id()),
          generation{local_model, metrics, grammars, options},
          runs{runs::RunFolders(options.runs_folder), options.compare_runs, draining,
               options.look_every, options.keep_alive},
          router(access, all_metrics, log),
          health_router(access, all_metrics, log) {
        AddHealthRoutes(router, draining);
        AddHealthRoutes(health_router, draining);
        AddGenerationRoutes(router, generation);
        AddModelRoutes(router, model);
        AddRunRoutes(router, runs);
        router.Add({"GET", "/metrics",
                    [&all_metrics](net::Exchange& exchange, const Call&) -> net::Task<void> {
                        net::ServerResponse response;
                        response.headers = {
                            {"content-type", std::string(telemetry::Metrics::kContentType)}};
                        response.body = all_metrics.Serialize();
                        exchange.Send(std::move(response));
                        co_return;
                    }});
        router.SetFallback(SendAsset);
    }

    backends::LocalModel& model;
    ApiMetrics metrics;
    GrammarCache grammars;
    GenerationContext generation;
    std::atomic<bool> draining{false};
    RunContext runs;
    Router router;
    Router health_router;
};

Api::Api(backends::LocalModel& model, std::shared_ptr<const Access> access,
         telemetry::Metrics& metrics, const telemetry::Log& log, const ApiOptions& options)
    : state_(std::make_unique<State>(model, std::move(access), metrics, log, options)) {}

Api::~Api() = default;

net::HttpHooks Api::Hooks() {
    return HooksOf(state_->router);
}
net::HttpHooks Api::HealthHooks() {
    return HooksOf(state_->health_router);
}

void Api::Drain() {
    state_->draining.store(true);
    state_->model.engine().Drain();
}

net::Task<void> AnswerLoading(net::Exchange& exchange) {
    const auto& path = exchange.request().path;
    if (path == "/livez" || path == "/liveness") {
        exchange.Send(JsonResponse(200, {{"status", "ok"}}));
    } else if (path == "/readyz" || path == "/readiness" || path == "/health") {
        exchange.Send(JsonResponse(503, {{"status", "loading"}}));
    } else {
        exchange.Send(ErrorResponse(
            ApiError(Error{Code::kUnavailable, "the model is still loading; try again soon", {}})));
    }
    co_return;
}

net::ServerResponse RefuseInOpenAiForm(const net::HttpError& error) {
    return ErrorResponse(FromHttpStatus(error));
}

}  // namespace lathe::api
