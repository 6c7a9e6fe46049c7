#include "learn/eval/text_metric.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/eval/aggregation.h"
#include "learn/eval/metric_table.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<TextMetric> Metric(Json entry) {
    auto configs = ParseMetric(entry, OutputType::kGenerateUntil);
    if (!configs) {
        ADD_FAILURE() << configs.error().message;
        return nullptr;
    }
    auto metric = MakeTextMetric(configs->at(0));
    EXPECT_TRUE(metric) << metric.error().message;
    return metric ? *std::move(metric) : nullptr;
}

Json Score(Json entry, const std::string& said, const std::vector<std::string>& right) {
    auto value = Metric(std::move(entry))->Score(said, right, Json(right[0]));
    EXPECT_TRUE(value) << value.error().message;
    return value.value_or(Json());
}

TEST(TextMetric, TakesTheBestOfTheRightTexts) {
    EXPECT_EQ(Score({{"metric", "exact_match"}}, "b", {"a", "b"}), 1.0);
    EXPECT_EQ(Score({{"metric", "exact_match"}, {"ignore_case", true}}, "B!", {"a", "b"}), 0.0);
    EXPECT_EQ(Score({{"metric", "contains"}}, "it is b.", {"b"}), 1.0);
    EXPECT_DOUBLE_EQ(
        Score({{"metric", "token_f1"}}, "the red house", {"blue", "a red door"}).get<double>(),
        0.5);
    EXPECT_DOUBLE_EQ(
        Score({{"metric", "token_f1"}, {"language", "zh"}}, "北京市", {"北京"}).get<double>(), 0.8);
    EXPECT_DOUBLE_EQ(Score({{"metric", "rougeL"}}, "a b c", {"a c"}).get<double>(), 0.8);
    EXPECT_DOUBLE_EQ(
        Score({{"metric", "rouge1"}, {"words", "characters"}}, "北京市", {"北京"}).get<double>(),
        0.8);
}

TEST(TextMetric, KnowsRefusalsAndToolCalls) {
    EXPECT_EQ(Score({{"metric", "refusal"}}, "I'm sorry, but no.", {"refuse"}), 1.0);
    EXPECT_EQ(Score({{"metric", "refusal"}}, "I'm sorry, but no.", {"comply"}), 0.0);
    EXPECT_THAT(Metric({{"metric", "refusal"}})->Score("x", {"maybe"}, "maybe").error().message,
                HasSubstr("`refuse` or `comply`"));
    EXPECT_EQ(Score({{"metric", "tool_call"}}, R"({"name": "f", "arguments": {"x": 1}})",
                    {R"([{"f": {"x": [1]}}])"}),
              1.0);
}

TEST(TextMetric, RefusesOptionsThatItDoesNotKnow) {
    auto wrong =
        ParseMetric({{"metric", "rougeL"}, {"words", "letters"}}, OutputType::kGenerateUntil);
    EXPECT_THAT(wrong.error().message, HasSubstr("plain, stemmed, characters"));
    wrong = ParseMetric({{"metric", "pass_at_k"}, {"k", 0}}, OutputType::kGenerateUntil);
    EXPECT_THAT(wrong.error().message, HasSubstr("from 1 to 1000"));
}

// sacrebleu 2.6.0: corpus_bleu(["the cat sat on the mat", "hello there"],
// [["the cat is on the mat", "hello there"]]).score and corpus_chrf(...).score.
TEST(TextMetric, AddsUpDocumentsForScoresOfACorpus) {
    std::vector<Json> items = {
        Score({{"metric", "bleu"}}, "the cat sat on the mat", {"the cat is on the mat"}),
        Score({{"metric", "bleu"}}, "hello there", {"hello there"})};
    EXPECT_EQ(items[0], Json({"the cat is on the mat", "the cat sat on the mat"}));
    EXPECT_NEAR(*Aggregate("bleu", items), 39.48447683781325, 1e-9);
    EXPECT_NEAR(*Aggregate("chrf", items), 76.50484376031318, 1e-9);
    auto error = StandardError("bleu", items);
    ASSERT_TRUE(error && error->has_value());
    EXPECT_GT(**error, 0);
    EXPECT_FALSE(*StandardError("bleu", std::vector<Json>{items[0]}));
    EXPECT_THAT(Aggregate("bleu", std::vector<Json>{Json(1)}).error().message,
                HasSubstr("pairs [right, said]"));
}

}  // namespace
}  // namespace lathe::eval
