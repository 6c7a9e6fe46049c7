// POST /v1/chat/completions and /v1/completions.
#pragma once

#include "edge/api/api.h"
#include "edge/api/api_metrics.h"
#include "edge/api/router.h"
#include "edge/api/structured_output.h"

namespace lathe::api {

// What the handlers need; all of it outlives the router.
struct GenerationContext {
    backends::LocalModel& model;
    ApiMetrics& metrics;
    GrammarCache& grammars;
    ApiOptions options;
};

void AddGenerationRoutes(Router& router, const GenerationContext& context);

// The text of a chat request by the model's template. Also for /tokenize.
Result<std::string> RenderChat(const backends::LocalModel& model, chat::RenderInput input);

// Whether the body is declared as JSON: anything else is refused, which also keeps
// web pages of other origins from posting here without asking first.
Status CheckContentType(const net::ServerRequest& request);

// An error unless `name` is empty or the model's.
ApiResult<void> CheckModelName(const backends::LocalModel& model, std::string_view name);

}  // namespace lathe::api
