// Errors as OpenAI's clients expect them:
//   {"error":{"message":…,"type":…,"param":…|null,"code":…|null}}
// Free functions, thread-safe.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/json/json.h"
#include "core/net/server_message.h"

namespace lathe::api {

struct ApiError {
    int status = 500;
    std::string type;  // "invalid_request_error", ...
    std::string code;  // "model_not_found", ...; "": null
    std::string message;
    std::string param;            // "": null
    int retry_after_seconds = 0;  // 0: no such header

    ApiError() = default;
    // By the one table from Code to HTTP and OpenAI.
    ApiError(Error error);  // NOLINT: implicit, so that a Result's error is returned as it is
};

template <typename T>
using ApiResult = std::expected<T, ApiError>;

// The same with a code of its own.
ApiError WithCode(Error error, std::string_view code);
// For a request that net refused: too large, too slow, malformed.
ApiError FromHttpStatus(const net::HttpError& error);

Json ErrorBody(const ApiError& error);
net::ServerResponse ErrorResponse(const ApiError& error);

// A whole response with a JSON body.
net::ServerResponse JsonResponse(int status, const Json& body);

}  // namespace lathe::api
