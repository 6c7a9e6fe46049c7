#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>

#include "core/base/result.h"
#include "core/json/json.h"
#include "edge/api/router.h"
#include "service/runs/run_folders.h"

namespace lathe::api {

// Two runs side by side, from their folders.
using CompareRuns =
    std::function<Result<Json>(const std::filesystem::path&, const std::filesystem::path&)>;

// What the routes of runs work with; outlives them.
struct RunContext {
    runs::RunFolders folders;
    CompareRuns compare;  // empty: this server does not compare
    const std::atomic<bool>& draining;
    std::chrono::milliseconds look_every{1000};  // of an event stream
    std::chrono::milliseconds keep_alive{15'000};
};

// What lies in the folder of runs, to look at only:
//
//   GET /v1/runs                    the list
//   GET /v1/runs/{id}               one
//   GET /v1/runs/{id}/samples       ?task= &filter= &outcome=right|wrong &search= &offset= &limit=
//   GET /v1/runs/{id}/comparison    ?with=ID
//   GET /v1/runs/{id}/events        its state while it goes on, as server-sent events
//   GET /v1/runs/{id}/page          its report.html, which may run nothing and call nobody
void AddRunRoutes(Router& router, const RunContext& context);

}  // namespace lathe::api
