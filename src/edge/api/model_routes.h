// GET /v1/models…, POST /tokenize and /detokenize.
#pragma once

#include "edge/api/router.h"
#include "service/backends/local_model.h"

namespace lathe::api {

// `model` outlives the router.
void AddModelRoutes(Router& router, const backends::LocalModel& model);

}  // namespace lathe::api
