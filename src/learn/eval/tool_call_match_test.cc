#include "learn/eval/tool_call_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::eval {
namespace {

bool Calls(std::string_view text, const char* expected) {
    auto calls = CallsTools(text, *ParseJson(expected));
    EXPECT_TRUE(calls) << calls.error().message;
    return calls.value_or(false);
}

constexpr const char* kVolume = R"([{"set_volume": {"volume": [70, "70"], "unit": ["%", ""]}}])";

TEST(CallsTools, TakesAnyAcceptedValue) {
    EXPECT_TRUE(Calls(R"({"name": "set_volume", "arguments": {"volume": 70}})", kVolume));
    EXPECT_TRUE(Calls(R"(Sure: [{"name":"set_volume","parameters":{"volume":70.0,"unit":"%"}}].)",
                      kVolume));
    EXPECT_TRUE(Calls(R"(<tool_call>{"function":{"name":"set_volume",
                         "arguments":"{\"volume\": \"70\"}"}}</tool_call>)",
                      kVolume));
    EXPECT_FALSE(Calls(R"({"name": "set_volume", "arguments": {"volume": 71}})", kVolume));
    EXPECT_FALSE(Calls(R"({"name": "set_volume", "arguments": {"unit": "%"}})", kVolume));
    EXPECT_FALSE(Calls(R"({"name": "mute", "arguments": {"volume": 70}})", kVolume));
    EXPECT_FALSE(
        Calls(R"({"name": "set_volume", "arguments": {"volume": 70, "room": "hall"}})", kVolume));
    EXPECT_FALSE(Calls("set_volume(volume=70)", kVolume));
    EXPECT_FALSE(Calls(R"({"name": "set_volume", "arguments": {"volume": 7)", kVolume));
}

TEST(CallsTools, ComparesTextsAsTheLeaderboardDoes) {
    constexpr const char* kPlace = R"([{"find": {"city": ["New York, NY"]}}])";
    EXPECT_TRUE(Calls(R"({"name": "find", "arguments": {"city": "new york NY"}})", kPlace));
    EXPECT_FALSE(Calls(R"({"name": "find", "arguments": {"city": "York"}})", kPlace));
}

TEST(CallsTools, WantsAllCallsAndNoOther) {
    constexpr const char* kTwo = R"([{"f": {"x": [1]}}, {"f": {"x": [2]}}])";
    EXPECT_TRUE(
        Calls(R"([{"name":"f","arguments":{"x":2}}, {"name":"f","arguments":{"x":1}}])", kTwo));
    EXPECT_FALSE(Calls(R"({"name":"f","arguments":{"x":2}})", kTwo));
    EXPECT_TRUE(Calls("None of the tools fits {that}.", "[]"));
    EXPECT_FALSE(Calls(R"({"name":"f","arguments":{}})", "[]"));
}

TEST(CallsTools, RefusesTargetsOfAnotherForm) {
    EXPECT_THAT(CallsTools("x", Json("f(1)")).error().message,
                ::testing::HasSubstr("accepted values"));
}

}  // namespace
}  // namespace lathe::eval
