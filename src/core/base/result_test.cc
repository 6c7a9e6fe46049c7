#include "core/base/result.h"

#include <gtest/gtest.h>

#include "core/base/check.h"

namespace lathe {
namespace {

Result<int> Half(int value) {
    if (value % 2 != 0) return InvalidParam("value", "{} is odd; give an even number", value);
    return value / 2;
}

Result<int> Quarter(int value) {
    LATHE_TRY(int half, Half(value));
    return Half(half);
}

TEST(Result, CarriesAValueThroughTry) {
    EXPECT_EQ(Quarter(8), 2);
}

TEST(Result, TryReturnsTheFirstErrorWithItsParameter) {
    Result<int> result = Quarter(6);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "3 is odd; give an even number");
    EXPECT_EQ(result.error().param, "value");
    EXPECT_EQ(CodeName(result.error().code), "INVALID_ARGUMENT");
}

TEST(Result, ContextStandsBeforeTheMessage) {
    Error error = WithContext(Half(3).error(), "model.gguf");
    EXPECT_EQ(error.message, "model.gguf: 3 is odd; give an even number");
}

TEST(CheckDeathTest, ABrokenAssumptionAborts) {
    EXPECT_DEATH(LATHE_CHECK(1 == 2), "check failed: 1 == 2");
}

}  // namespace
}  // namespace lathe
