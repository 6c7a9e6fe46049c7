#include "edge/api/api_error.h"

#include "core/base/check.h"

namespace lathe::api {
namespace {

struct Row {
    Code code;
    int status;
    std::string_view type;
    std::string_view openai_code;  // "": null
};

constexpr std::string_view kInvalidRequest = "invalid_request_error";

constexpr Row kTable[] = {
    {Code::kCancelled, 499, kInvalidRequest, "cancelled"},
    {Code::kInvalidArgument, 400, kInvalidRequest, ""},
    {Code::kDeadlineExceeded, 408, "server_error", "timeout"},
    {Code::kNotFound, 404, kInvalidRequest, "not_found"},
    {Code::kAlreadyExists, 409, kInvalidRequest, "already_exists"},
    {Code::kPermissionDenied, 403, "permission_error", "permission_denied"},
    {Code::kUnauthenticated, 401, kInvalidRequest, "invalid_api_key"},
    {Code::kResourceExhausted, 429, "rate_limit_error", "rate_limit_exceeded"},
    {Code::kFailedPrecondition, 400, kInvalidRequest, "failed_precondition"},
    {Code::kAborted, 409, "server_error", "aborted"},
    {Code::kOutOfRange, 400, kInvalidRequest, ""},
    {Code::kUnimplemented, 501, kInvalidRequest, "unsupported"},
    {Code::kInternal, 500, "server_error", "internal_error"},
    {Code::kUnavailable, 503, "server_error", "unavailable"},
    {Code::kDataLoss, 500, "server_error", "internal_error"},
};

const Row& RowOf(Code code) {
    for (const auto& row : kTable)
        if (row.code == code) return row;
    LATHE_CHECK(false && "a Code without a row");
    return kTable[0];
}

Json OrNull(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

}  // namespace

ApiError::ApiError(Error error)
    : status(RowOf(error.code).status),
      type(RowOf(error.code).type),
      code(RowOf(error.code).openai_code),
      message(std::move(error.message)),
      param(std::move(error.param)),
      retry_after_seconds(status == 429 || status == 503 ? 1 : 0) {}

ApiError WithCode(Error error, std::string_view code) {
    ApiError out(std::move(error));
    out.code = code;
    return out;
}

ApiError FromHttpStatus(const net::HttpError& error) {
    ApiError out;
    out.status = error.status;
    out.type = error.status >= 500 && error.status != 501 && error.status != 505
                   ? "server_error"
                   : std::string(kInvalidRequest);
    out.message = error.message;
    if (error.status == 413) out.code = "request_too_large";
    if (error.status == 408) out.code = "timeout";
    if (error.status == 503) {
        out.code = "unavailable";
        out.retry_after_seconds = 1;
    }
    return out;
}

Json ErrorBody(const ApiError& error) {
    return {{"error",
             {{"message", error.message},
              {"type", error.type},
              {"param", OrNull(error.param)},
              {"code", OrNull(error.code)}}}};
}

net::ServerResponse ErrorResponse(const ApiError& error) {
    auto response = JsonResponse(error.status, ErrorBody(error));
    if (error.retry_after_seconds > 0)
        response.headers.push_back({"retry-after", std::to_string(error.retry_after_seconds)});
    if (error.status == 401) response.headers.push_back({"www-authenticate", "Bearer"});
    return response;
}

net::ServerResponse JsonResponse(int status, const Json& body) {
    return {status,
            {{"content-type", "application/json"}, {"x-content-type-options", "nosniff"}},
            DumpJson(body)};
}

}  // namespace lathe::api
