#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "core/net/http_server.h"
#include "core/telemetry/log.h"
#include "core/telemetry/metrics.h"
#include "edge/api/access.h"
#include "edge/api/run_routes.h"
#include "service/backends/local_model.h"

namespace lathe::api {

struct ApiOptions {
    std::chrono::milliseconds keep_alive{15'000};  // a comment in a stream quiet for so long
    std::filesystem::path runs_folder;             // whose runs are shown; need not be there
    CompareRuns compare_runs;                      // empty: runs are not compared
    std::chrono::milliseconds look_every{1000};    // at a run whose state is streamed
};

// The OpenAI-compatible API of one model, with its health, metrics and console:
//
//   POST /v1/chat/completions  /v1/completions  /tokenize  /detokenize
//   GET  /v1/models  /v1/models/{id}  /v1/models/{id}/facts  /metrics
//   GET  /v1/runs  /v1/runs/{id}  /v1/runs/{id}/samples|comparison|events|page
//   GET  /livez  /readyz  /health  and the console's files           (public)
//
// docs/api.md describes them. Thread-safe.
class Api {
public:
    // `model` and `metrics` outlive the Api.
    Api(backends::LocalModel& model, std::shared_ptr<const Access> access,
        telemetry::Metrics& metrics, const telemetry::Log& log, const ApiOptions& options = {});
    ~Api();

    // For the main server, and for one that answers only health. The Api outlives both.
    net::HttpHooks Hooks();
    net::HttpHooks HealthHooks();

    // Readiness says 503 from now on, and new generations are refused; what runs goes on.
    void Drain();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// For a server whose model is still loading: it is alive, but not ready.
net::Task<void> AnswerLoading(net::Exchange& exchange);

// What HttpHooks::refuse is for every server of the API.
net::ServerResponse RefuseInOpenAiForm(const net::HttpError& error);

}  // namespace lathe::api
