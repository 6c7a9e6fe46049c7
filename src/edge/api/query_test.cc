#include "edge/api/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::api {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kKnown[] = {"a", "b"};

TEST(ParseQuery, DecodesNamesAndValues) {
    auto query = ParseQuery("a=x%20y+z%26&&%62=%e6%b0%b4", kKnown);
    ASSERT_TRUE(query) << query.error().message;
    EXPECT_EQ(*query, (Query{{"a", "x y z&"}, {"b", "水"}}));
    EXPECT_EQ(*ParseQuery("a", kKnown), (Query{{"a", ""}}));
    EXPECT_EQ(*ParseQuery("a=1=2", kKnown), (Query{{"a", "1=2"}}));
    EXPECT_TRUE(ParseQuery("", kKnown)->empty());
}

TEST(ParseQuery, NamesTheParameterThatIsWrong) {
    EXPECT_EQ(ParseQuery("c=1", kKnown).error().param, "c");
    EXPECT_THAT(ParseQuery("c=1", kKnown).error().message, HasSubstr("a, b"));
    EXPECT_THAT(ParseQuery("a=1&a=2", kKnown).error().message, HasSubstr("a is given twice"));
    for (const char* broken : {"a=%", "a=%4", "a=%zz", "a=%00", "%=1"})
        EXPECT_THAT(ParseQuery(broken, kKnown).error().message, HasSubstr("escape")) << broken;
    EXPECT_THAT(ParseQuery(std::string_view("a=\0", 3), kKnown).error().message, HasSubstr("NUL"));
}

TEST(CountOr, TakesWholeNumbersWithinTheirLimit) {
    Query query{{"a", "20"}};
    EXPECT_EQ(*CountOr(query, "a", 5, 20), 20u);
    EXPECT_EQ(*CountOr(query, "b", 5, 20), 5u);
    for (const char* wrong : {"", "-1", "21", "1.5", "1x", " 1", "99999999999999999999999"}) {
        query["a"] = wrong;
        auto count = CountOr(query, "a", 5, 20);
        ASSERT_FALSE(count) << wrong;
        EXPECT_EQ(count.error().param, "a");
    }
}

}  // namespace
}  // namespace lathe::api
