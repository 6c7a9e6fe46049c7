#include "learn/eval/filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

FilterPipeline Make(const char* steps) {
    auto made = FilterPipeline::FromJson(Json{{"name", "f"}, {"filter", Json::parse(steps)}});
    EXPECT_TRUE(made) << made.error().message;
    return made ? *std::move(made) : FilterPipeline::Default();
}

Texts Applied(const char* steps, Texts answers, const Json& document = Json::object()) {
    auto filtered = Make(steps).Apply(std::move(answers), document);
    EXPECT_TRUE(filtered) << filtered.error().message;
    return filtered.value_or(Texts());
}

std::string ErrorOf(const char* steps) {
    auto made = FilterPipeline::FromJson(Json{{"name", "f"}, {"filter", Json::parse(steps)}});
    EXPECT_FALSE(made);
    return made ? "" : made.error().message;
}

TEST(Filters, SelectAMatchFromEitherEnd) {
    Texts answers = {"1 then 2 then 3", "none"};
    EXPECT_THAT(Applied(R"j([{"function": "regex", "regex_pattern": "(\\d)"}])j", answers),
                ElementsAre("1", "[invalid]"));
    EXPECT_THAT(Applied(R"j([{"function": "regex", "regex_pattern": "(\\d)", "group_select": -1,
                              "fallback": "?"}])j",
                        answers),
                ElementsAre("3", "?"));
    EXPECT_THAT(
        Applied(R"j([{"function": "regex", "regex_pattern": "(x)?(\\d)", "group_select": 1}])j",
                answers),
        ElementsAre("2", "[invalid]"));
}

TEST(Filters, ChangeAndSelectAnswers) {
    EXPECT_THAT(Applied(R"j([{"function": "lowercase"}, {"function": "majority_vote"}])j",
                        {"B", "a", "A", "b", "a"}),
                ElementsAre("a"));
    EXPECT_THAT(Applied(R"j([{"function": "take_first_k", "k": 2}, {"function": "uppercase"}])j",
                        {"a", "b", "c"}),
                ElementsAre("A", "B"));
    EXPECT_THAT(Applied(R"j([{"function": "remove_whitespace"}, {"function": "take_first"}])j",
                        {" \n x ", "y"}),
                ElementsAre("x "));
    EXPECT_THAT(
        Applied(R"j([{"function": "map", "mapping_dict": {"A": 1}, "default_value": "no"}])j",
                {"A", "B"}),
        ElementsAre("1", "no"));
}

TEST(Filters, FindAChoiceByItsTextOrLetter) {
    const char* steps = R"j([{"function": "multi_choice_regex",
                              "regex_pattern": "\\(([A-C])\\)",
                              "ignore_case": true, "ignore_punctuation": true}])j";
    Json document{{"choices", {"red", "Dark blue.", "green"}}};
    EXPECT_THAT(Applied(steps, {"It is (C).", "dark BLUE, I think", "Answer: A", "?"}, document),
                ElementsAre("C", "(B)", "(A)", "[invalid]"));
}

TEST(Filters, CountAnswersThatNothingMatched) {
    FilterPipeline filter = Make(R"j([{"function": "regex", "regex_pattern": "x"}])j");
    ASSERT_TRUE(filter.Apply({"a", "x"}, {}));
    ASSERT_TRUE(filter.Apply({"b"}, {}));
    ASSERT_EQ(filter.tallies().size(), 1u);
    EXPECT_EQ(filter.tallies()[0].seen, 3u);
    EXPECT_EQ(filter.tallies()[0].missed, 2u);
}

TEST(Filters, ErrorsNameTheFunctionAndTheKey) {
    EXPECT_THAT(ErrorOf(R"j([{"function": "custom"}])j"), HasSubstr("`custom` is not known"));
    EXPECT_THAT(ErrorOf(R"j([{"function": "regex", "regex_pattern": "("}])j"),
                HasSubstr("regular expression ("));
    EXPECT_THAT(ErrorOf(R"j([{"function": "regex", "pattern": "x"}])j"),
                HasSubstr("key `pattern` is not known"));
    EXPECT_THAT(ErrorOf(R"j([{"function": "take_first_k"}])j"),
                HasSubstr("`k` must be at least 1"));
}

}  // namespace
}  // namespace lathe::eval
