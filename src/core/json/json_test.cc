#include "core/json/json.h"

#include <gtest/gtest.h>

#include "core/json/member.h"

namespace lathe {
namespace {

TEST(Json, KeepsTheOrderOfKeys) {
    Result<Json> value = ParseJson(R"({"z":1,"a":[true,null,"ü"]})");
    ASSERT_TRUE(value);
    EXPECT_EQ(DumpJson(*value), R"({"z":1,"a":[true,null,"ü"]})");
}

TEST(Json, NamesTheColumnOfAnError) {
    Result<Json> value = ParseJson(R"({"a":})");
    ASSERT_FALSE(value);
    EXPECT_NE(value.error().message.find("column 6"), std::string::npos) << value.error().message;
}

TEST(Json, RefusesDepthBeyondTheLimitInBoundedMemory) {
    std::string deep(1'000'000, '[');
    Result<Json> value = ParseJson(deep);
    ASSERT_FALSE(value);
    EXPECT_NE(value.error().message.find("128 levels at byte 128"), std::string::npos);
}

TEST(Json, BracketsInsideStringsAreNotDepth) {
    EXPECT_TRUE(ParseJson("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\""));
}

TEST(Json, RefusesInvalidUtf8AndDumpReplacesIt) {
    EXPECT_FALSE(ParseJson("\"\xff\""));
    EXPECT_EQ(DumpJson(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

TEST(Json, RefusesAZeroByteInsteadOfEndingThere) {
    using namespace std::string_view_literals;
    EXPECT_FALSE(ParseJson("{}\0 and more"sv));
    EXPECT_FALSE(ParseJson("{}\0"sv));
    EXPECT_TRUE(ParseJson(R"("\u0000")"));
}

TEST(Json, RefusesTextBeyondTheByteLimit) {
    EXPECT_FALSE(ParseJson("[1,2,3]", {.bytes_max = 4}));
}

TEST(Json, ReadsWhatIsMissingOrOfAnotherTypeAsEmpty) {
    Json value = Json::parse(R"({"a": "text", "b": 3, "c": null})");
    EXPECT_EQ(TextOf(value, "a"), "text");
    EXPECT_EQ(MemberOf(value, "b"), 3);
    for (const char* key : {"b", "c", "gone"}) EXPECT_EQ(TextOf(value, key), "");
    for (const char* text : {"null", "[1]", "\"a\"", "3", "{}"})
        EXPECT_TRUE(MemberOf(Json::parse(text), "a").is_null()) << text;
}

}  // namespace
}  // namespace lathe
