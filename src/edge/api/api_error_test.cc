#include "edge/api/api_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::api {
namespace {

TEST(ApiError, HasARowForEveryCode) {
    for (int code = 0; code <= static_cast<int>(Code::kDataLoss); ++code) {
        ApiError error(Error{static_cast<Code>(code), "m", "p"});
        EXPECT_GE(error.status, 400) << code;
        EXPECT_FALSE(error.type.empty()) << code;
    }
}

TEST(ApiError, IsWrittenAsOpenAiWritesIt) {
    EXPECT_EQ(ErrorBody(Error{Code::kInvalidArgument, "top_p is bad", "top_p"}).dump(),
              R"({"error":{"message":"top_p is bad","type":"invalid_request_error",)"
              R"("param":"top_p","code":null}})");
    EXPECT_EQ(ErrorBody(WithCode(Error{Code::kNotFound, "no", ""}, "model_not_found")).dump(),
              R"({"error":{"message":"no","type":"invalid_request_error","param":null,)"
              R"("code":"model_not_found"}})");
}

TEST(ApiError, TellsWhenToTryAgain) {
    auto response = ErrorResponse(ApiError(Error{Code::kResourceExhausted, "queue full", ""}));
    EXPECT_EQ(response.status, 429);
    bool found = false;
    for (const auto& header : response.headers)
        found |= header.name == "retry-after" && header.value == "1";
    EXPECT_TRUE(found);
    EXPECT_EQ(FromHttpStatus({413, "too large"}).type, "invalid_request_error");
    EXPECT_EQ(FromHttpStatus({503, "busy"}).retry_after_seconds, 1);
}

}  // namespace
}  // namespace lathe::api
