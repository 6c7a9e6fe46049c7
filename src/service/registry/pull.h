#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/net/http_client.h"
#include "core/telemetry/progress.h"
#include "service/registry/catalog.h"
#include "service/registry/model_store.h"

namespace lathe::registry {

struct PullRequest {
    // What to bring: a name of the catalog; "owner/repo" (a Hugging Face folder or its
    // only GGUF file) or "owner/repo:file"; an http(s) URL of a file; a file's path.
    std::string model;
    std::string name{};                       // to keep it under; "": from the above
    std::string revision{};                   // of a repository; "": its default
    std::string sha256{};                     // of the file, if it is one
    std::optional<SourceKind> only_source{};  // instead of one after the other
};

struct PullOptions {
    std::filesystem::path home;
    const net::HttpClient& client;
    telemetry::ProgressDisplay& display;
    std::stop_token stop{};
    int retries_max = 5;
    std::chrono::milliseconds retry_delay{1000};
};

struct PulledModel {
    StoredModel model;
    bool was_here = false;  // complete before: nothing was fetched
    std::string source;     // where the files came from
};

// What a request asks for: files may be empty, then the repository is to be listed.
// Errors (kInvalidArgument, kNotFound) say how to name a model.
Result<CatalogModel> PlanPull(const PullRequest& request, const Catalog& catalog);

// Brings a model into the store: each file from the first source that has it, whole or
// not at all. Waits while another pull of the same model runs. What had arrived when it
// stops for whatever reason is used by the next call.
//
// Errors: of the plan; kUnavailable and others when no source worked, with each
// source's reason; kResourceExhausted (disk) and kCancelled at once.
Result<PulledModel> Pull(const PullRequest& request, const Catalog& catalog,
                         const PullOptions& options);

}  // namespace lathe::registry
