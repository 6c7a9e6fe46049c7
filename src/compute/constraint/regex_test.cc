#include "compute/constraint/regex.h"

#include <gmock/gmock.h>

#include <regex>

#include "compute/constraint/constraint_fixture.h"

namespace lathe::constraint {
namespace {

using ::testing::HasSubstr;

bool Accepts(std::string_view pattern, std::string_view text, const RegexOptions& options = {}) {
    return Matches(CompileOrFail(ParseRegex(pattern, options)), text);
}

TEST(Regex, MatchesTheWholeText) {
    EXPECT_TRUE(Accepts("a(b|c)+d?", "abccd"));
    EXPECT_FALSE(Accepts("a(b|c)+d?", "xabccd"));
    EXPECT_TRUE(Accepts("^abc$", "abc"));
    EXPECT_TRUE(Accepts("\\Aabc\\z", "abc"));
    EXPECT_TRUE(Accepts("", ""));
    EXPECT_TRUE(Accepts("a||b", ""));
}

TEST(Regex, KnowsRepetitionsGreedyOrNot) {
    for (auto pattern : {"[0-9]{2,4}", "[0-9]{2,4}?", "(?:[0-9]){2,4}"}) {
        EXPECT_FALSE(Accepts(pattern, "1"));
        EXPECT_TRUE(Accepts(pattern, "12"));
        EXPECT_TRUE(Accepts(pattern, "1234"));
        EXPECT_FALSE(Accepts(pattern, "12345"));
    }
    EXPECT_TRUE(Accepts("x{3}", "xxx"));
    EXPECT_TRUE(Accepts("x{2,}", "xxxxxx"));
    EXPECT_TRUE(Accepts("x{,2}", "x{,2}"));  // stands for itself, as in RE2
    EXPECT_TRUE(Accepts("a{b", "a{b"));
}

TEST(Regex, KnowsClasses) {
    EXPECT_TRUE(Accepts("[a-c-]+", "a-b-c"));
    EXPECT_TRUE(Accepts("[]a]+", "]a"));
    EXPECT_TRUE(Accepts("[^a-z]", "\u00e9"));
    EXPECT_FALSE(Accepts("[^a-z]", "q"));
    EXPECT_TRUE(Accepts("[\\d\\s]+", "1 2"));
    EXPECT_TRUE(Accepts("\\w+\\W\\D", "ab_9-x"));
    EXPECT_TRUE(Accepts("[[:alpha:]][[:^digit:]]", "ax"));
    EXPECT_TRUE(Accepts("\\p{Lu}\\p{Ll}\\pN", "\u00c9\u00e97"));
    EXPECT_FALSE(Accepts("\\P{L}", "x"));
    EXPECT_TRUE(Accepts("[\\x41-\\x43]\\x{4e2d}\\u00e9", "B\u4e2d\u00e9"));
}

TEST(Regex, KnowsDotsAndFlags) {
    EXPECT_TRUE(Accepts(".", "\u4e2d"));
    EXPECT_FALSE(Accepts(".", "\n"));
    EXPECT_TRUE(Accepts("(?s).", "\n"));
    EXPECT_TRUE(Accepts("(?i)abc[x-z]", "aBCY"));
    EXPECT_TRUE(Accepts("a(?i:b)c", "aBc"));
    EXPECT_FALSE(Accepts("a(?i:b)c", "aBC"));
    EXPECT_TRUE(Accepts("(?P<year>[0-9]+)-(?<month>x)", "20-x"));
    EXPECT_TRUE(Accepts("\\Qa.b\\E", "a.b"));
    EXPECT_FALSE(Accepts("\\Qa.b\\E", "axb"));
}

TEST(Regex, SearchesInASchemaAndWritesJsonEscapes) {
    RegexOptions options{.search = true, .in_json_string = true};
    EXPECT_TRUE(Accepts("b", "abc", options));
    EXPECT_TRUE(Accepts("^a|c$", "ab", options));
    EXPECT_TRUE(Accepts("^a|c$", "bc", options));
    EXPECT_FALSE(Accepts("^a|c$", "bcd", options));
    EXPECT_TRUE(Accepts("^[\"\\\\\\n]+$", "\\\"\\\\\\n", options));
    EXPECT_FALSE(Accepts("^[\"]$", "\"", options));
    EXPECT_TRUE(Accepts("^\\x01$", "\\u0001", options));
}

TEST(Regex, RefusesWhatItCannotHonour) {
    auto refusal = [](std::string_view pattern) { return Refusal(ParseRegex(pattern)); };
    EXPECT_THAT(refusal("(?=a)"), HasSubstr("look-around"));
    EXPECT_THAT(refusal("(?<!a)b"), HasSubstr("look-around"));
    EXPECT_THAT(refusal("(a)\\1"), HasSubstr("back-references"));
    EXPECT_THAT(refusal("\\bword"), HasSubstr("word boundaries"));
    EXPECT_THAT(refusal("a^b"), HasSubstr("anchors"));
    EXPECT_THAT(refusal("(a$)"), HasSubstr("anchors"));
    EXPECT_THAT(refusal("(?m)a"), HasSubstr("flags"));
    EXPECT_THAT(refusal("a{1001}"), HasSubstr("1000"));
    EXPECT_THAT(refusal("a{3,2}"), HasSubstr("larger count first"));
    EXPECT_THAT(refusal("*a"), HasSubstr("nothing to repeat"));
    EXPECT_THAT(refusal("a**"), HasSubstr("repeated"));
    EXPECT_THAT(refusal("(a"), HasSubstr("no )"));
    EXPECT_THAT(refusal("a)"), HasSubstr("without its ("));
    EXPECT_THAT(refusal("[a"), HasSubstr("no ]"));
    EXPECT_THAT(refusal("[z-a]"), HasSubstr("larger end first"));
    EXPECT_THAT(refusal("\\p{Greek}"), HasSubstr("general categories"));
    EXPECT_THAT(refusal("\xff"), HasSubstr("UTF-8"));
    EXPECT_THAT(refusal("a\\"), HasSubstr("nothing after"));
    EXPECT_THAT(refusal("[^\\x{0}-\\x{10FFFF}]"), HasSubstr("matches no text"));
    EXPECT_THAT(refusal(std::string(200, '(')), HasSubstr("nested too deeply"));
    EXPECT_THAT(refusal("((a{1000}){1000}){1000}"), HasSubstr("too large"));
}

// std::regex as the slow, independent reference on random small patterns.
TEST(Regex, AgreesWithAnotherEngineOnRandomPatterns) {
    std::mt19937 random(1);
    auto pick = [&](size_t count) { return random() % count; };
    auto make = [&](auto&& self, int depth) -> std::string {
        switch (depth == 0 ? pick(3) : pick(7)) {
            case 0:
                return std::string(1, static_cast<char>('a' + pick(3)));
            case 1:
                return "[ab]";
            case 2:
                return "[^b]";
            case 3:
                return self(self, depth - 1) + self(self, depth - 1);
            case 4:
                return "(?:" + self(self, depth - 1) + "|" + self(self, depth - 1) + ")";
            case 5:
                return "(?:" + self(self, depth - 1) + ")*";
            default:
                return "(?:" + self(self, depth - 1) + "){1,2}";
        }
    };
    for (int i = 0; i < 150; ++i) {
        std::string pattern = make(make, 3);
        auto grammar = CompileOrFail(ParseRegex(pattern));
        std::regex reference(pattern);
        for (int k = 0; k < 25; ++k) {
            std::string text;
            for (size_t length = pick(7); text.size() < length;)
                text += static_cast<char>('a' + pick(3));
            ASSERT_EQ(Matches(grammar, text), std::regex_match(text, reference))
                << pattern << " on " << text;
        }
    }
}

}  // namespace
}  // namespace lathe::constraint
