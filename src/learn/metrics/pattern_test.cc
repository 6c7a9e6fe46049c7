#include "learn/metrics/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Wholes(std::string_view pattern, std::string_view text) {
    auto compiled = Pattern::Compile(pattern);
    EXPECT_TRUE(compiled) << compiled.error().message;
    auto matches = compiled->FindAll(text);
    EXPECT_TRUE(matches);
    std::vector<std::string> out;
    for (const Pattern::Match& match : *matches) out.push_back(*match[0]);
    return out;
}

TEST(Pattern, FindsWhatTheFieldsFiltersLookFor) {
    EXPECT_THAT(Wholes(R"((-?[$0-9.,]{2,})|(-?[0-9]+))", "from $1,000 to -7, x"),
                ElementsAre("$1,000", "-7,"));
    EXPECT_THAT(Wholes(R"(#### (\-?[0-9\.\,]+))", "so\n#### 42"), ElementsAre("#### 42"));
    EXPECT_THAT(Wholes(R"(\(([ABCD])\))", "(A) or (D)"), ElementsAre("(A)", "(D)"));
}

TEST(Pattern, GivesGroupsAndThoseThatTookNoPart) {
    auto pattern = Pattern::Compile("(a)|(b)");
    auto matches = pattern->FindAll("ab");
    ASSERT_EQ(matches->size(), 2u);
    EXPECT_EQ((*matches)[0][1], "a");
    EXPECT_EQ((*matches)[0][2], std::nullopt);
    EXPECT_EQ((*matches)[1][2], "b");
}

TEST(Pattern, TakesPythonsSpellings) {
    EXPECT_THAT(Wholes(R"((?P<the_word>\w+) (?P=the_word))", "a go go"), ElementsAre("go go"));
    EXPECT_THAT(Wholes(R"([[a&&])", "[&b"), ElementsAre("[", "&"));
    EXPECT_THAT(Wholes(R"([]x{}$]+)", "]x{}$y"), ElementsAre("]x{}$"));
    EXPECT_THAT(Wholes(R"([^]]+)", "ab]c"), ElementsAre("ab", "c"));
    EXPECT_THAT(Wholes(R"(a\Z)", "a\na\n"), testing::IsEmpty());
    EXPECT_THAT(Wholes(R"(a$)", "aa\n"), ElementsAre("a"));
    EXPECT_THAT(Wholes(R"([\[\]-]+)", "[-]"), ElementsAre("[-]"));
}

TEST(Pattern, FindsEmptyMatchesToo) {
    EXPECT_THAT(Wholes("x*", "axb"), ElementsAre("", "x", "", ""));
}

TEST(Pattern, ReplacesByTheTextAsItStands) {
    auto pattern = Pattern::Compile("猫|cat");
    EXPECT_EQ(*pattern->ReplaceAll("a cat, 猫!", "$1\\"), "a $1\\, $1\\!");
    EXPECT_EQ(*pattern->ReplaceAll("none", ""), "none");
}

TEST(Pattern, SaysWhereItIsWrong) {
    auto broken = Pattern::Compile("ab(c");
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Code::kInvalidArgument);
    EXPECT_THAT(broken.error().message, HasSubstr("ab(c"));
    EXPECT_FALSE(Pattern::Compile(std::string(Pattern::kPatternBytesMax + 1, 'a')));
}

TEST(Pattern, GivesUpASearchThatWouldNotEnd) {
    auto pattern = Pattern::Compile("(a+)+b");
    auto matches = pattern->FindAll(std::string(40, 'a'));
    ASSERT_FALSE(matches);
    EXPECT_EQ(matches.error().code, Code::kResourceExhausted);
    EXPECT_THAT(matches.error().message, HasSubstr("(a+)+b"));
}

}  // namespace
}  // namespace lathe::metrics
