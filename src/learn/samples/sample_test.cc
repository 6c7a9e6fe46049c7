#include "learn/samples/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::samples {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json Said(const std::string& loglikelihood, const char* greedy = "False") {
    return Json::array({loglikelihood, greedy});
}

// Answers to the one request, repeated.
Json Texts(const std::vector<std::string>& repeats) {
    return Json::array({Json(repeats)});
}

// A line of a question whose choices were scored.
Json ChoiceLine(const std::string& target, const std::vector<std::string>& choices,
                const std::vector<std::string>& loglikelihoods) {
    Json line{{"doc_id", 3}, {"target", target}, {"filtered_resps", Json::array()}};
    for (size_t i = 0; i < choices.size(); ++i)
        line["arguments"][fmt::format("gen_args_{}", i)] = {{"arg_0", "Which?"},
                                                            {"arg_1", choices[i]}};
    for (const std::string& value : loglikelihoods) line["filtered_resps"].push_back(Said(value));
    return line;
}

Json WrittenLine(Json filtered, Json raw) {
    return Json{
        {"doc_id", 7},
        {"target", "42"},
        {"arguments", {{"gen_args_0", {{"arg_0", "How many?"}, {"arg_1", Json::object()}}}}},
        {"resps", std::move(raw)},
        {"filtered_resps", std::move(filtered)},
        {"filter", "number"},
        {"metrics", {"exact_match"}},
        {"exact_match", 1.0}};
}

Sample Read(const Json& line) {
    auto sample = ReadSample(line);
    EXPECT_TRUE(sample) << sample.error().message;
    return sample ? *std::move(sample) : Sample{};
}

std::vector<size_t> Targets(const Json& line) {
    std::vector<size_t> targets;
    Sample sample = Read(line);
    for (size_t i = 0; i < sample.choices.size(); ++i)
        if (sample.choices[i].is_target) targets.push_back(i);
    return targets;
}

TEST(Sample, TakesTheLikeliestChoiceInTheWayOfTheMetric) {
    Sample sample = Read(ChoiceLine("1", {" no", " certainly", " 水水"}, {"-2", "-5", "-3.2"}));
    EXPECT_EQ(sample.question, "Which?");
    EXPECT_EQ(sample.target, "certainly");
    EXPECT_EQ(AnswerOf(sample, "acc"), "no");
    EXPECT_EQ(AnswerOf(sample, ""), "no");
    EXPECT_EQ(AnswerOf(sample, "acc_norm"), "certainly");
    EXPECT_EQ(AnswerOf(sample, "acc_bytes"), "水水") << "-3.2 / 6 against -5 / 9";
    EXPECT_EQ(RawAnswerOf(sample), "");
}

TEST(Sample, TakesTheFirstOfEqualChoicesAndNoneWithoutALikelihood) {
    EXPECT_EQ(ChosenOf(Read(ChoiceLine("0", {"a", "b", "c"}, {"-3", "-2", "-2"})), "acc"), 1u);
    EXPECT_EQ(ChosenOf(Read(ChoiceLine("0", {"a", "b"}, {"nan", "-inf"})), "acc"), std::nullopt);
    EXPECT_EQ(ChosenOf(Read(ChoiceLine("0", {"a", "b"}, {"-inf", "-9"})), "acc"), 1u);
    EXPECT_EQ(ChosenOf(Read(ChoiceLine("0", {"a", "b"}, {"-7"})), "acc"), 0u) << "b has none";
}

TEST(Sample, ComparesWithUnconditionalLikelihoodsWhereTheMetricDoes) {
    Json line = ChoiceLine("1", {" a", " b", " a", " b"}, {"-2", "-3", "-1", "-5"});
    line["metrics"] = {"acc", "acc_mutual_info"};
    Sample sample = Read(line);
    ASSERT_EQ(sample.choices.size(), 2u);
    EXPECT_EQ(AnswerOf(sample, "acc"), "a");
    EXPECT_EQ(AnswerOf(sample, "acc_mutual_info"), "b");
    EXPECT_EQ(sample.target, "b");
}

TEST(Sample, ReadsRequestsByTheirNumbersAndOlderListsOfThem) {
    std::vector<std::string> choices(12, "x"), values(12, "-9");
    choices[11] = "twelfth";
    values[11] = "-1";
    Json line = ChoiceLine("11", choices, values);
    Json sorted = line;  // as a writer that sorts keys has them: 0, 1, 10, 11, 2, ...
    sorted["arguments"] = Json::parse(nlohmann::json::parse(line["arguments"].dump()).dump());
    for (const Json& one : {line, sorted}) {
        EXPECT_EQ(AnswerOf(Read(one), "acc"), "twelfth");
        EXPECT_EQ(Read(one).target, "twelfth");
    }
    Json older = ChoiceLine("0", {}, {"-1", "-2"});
    older["arguments"] = Json::parse(R"([["Which?", " left"], ["Which?", " right"]])");
    EXPECT_EQ(Read(older).question, "Which?");
    EXPECT_EQ(AnswerOf(Read(older), "acc"), "left");
}

TEST(Sample, KnowsTheRightChoiceByNumberListTextOrTruth) {
    auto targets = [](const std::string& target, const std::vector<std::string>& choices) {
        return Targets(ChoiceLine(target, choices, {"-1", "-2"}));
    };
    EXPECT_THAT(targets("1", {"a", "b"}), ElementsAre(1));
    EXPECT_THAT(targets("b", {" a", " b"}), ElementsAre(1));
    EXPECT_THAT(targets("0", {"1", "0"}), ElementsAre(0)) << "the number of a choice comes first";
    EXPECT_THAT(targets("7", {"3", "7"}), ElementsAre(1)) << "there is no eighth";
    EXPECT_THAT(targets("True", {"no", "yes"}), ElementsAre(1));
    EXPECT_THAT(targets("True", {"True", "False"}), ElementsAre(0));
    for (const char* none : {"", "-1", "2", "c", "[]", "[5]", "[0", "1.5"})
        EXPECT_THAT(targets(none, {"a", "b"}), IsEmpty()) << none;
    Json both = ChoiceLine("[2, 0, 0]", {"a", "b", "c"}, {"-1", "-2", "-3"});
    EXPECT_THAT(Targets(both), ElementsAre(0, 2));
    EXPECT_EQ(Read(both).target, "a | c");
}

TEST(Sample, ShowsContextsWhereTheyAreWhatIsChosenFrom) {
    Json line = ChoiceLine("ends.", {" ends.", " ends."}, {"-2", "-1"});
    line["arguments"]["gen_args_0"]["arg_0"] = "The cat";
    line["arguments"]["gen_args_1"]["arg_0"] = "The dog";
    EXPECT_EQ(AnswerOf(Read(line), "acc"), "The dog ends.");
    EXPECT_EQ(Read(line).target, "ends.");
    EXPECT_THAT(Targets(line), IsEmpty()) << "the line does not tell";
}

TEST(Sample, GivesAScoredContinuationAsTheAnswerOnlyIfItWouldHaveBeenWritten) {
    Json line = ChoiceLine(" word", {" word"}, {});
    line["filtered_resps"] = Json::array({Said("-0.5", "True")});
    EXPECT_EQ(AnswerOf(Read(line), "acc"), "word");
    EXPECT_THAT(Targets(line), ElementsAre(0));
    line["filtered_resps"] = Json::array({Said("-13.5")});
    EXPECT_EQ(AnswerOf(Read(line), "acc"), "");
    EXPECT_EQ(Read(line).choices[0].loglikelihood, -13.5);
}

TEST(Sample, GivesWhatWasWrittenAfterTheFilterAndBeforeIt) {
    Sample sample = Read(WrittenLine({"42"}, Texts({"It is 42."})));
    EXPECT_EQ(AnswerOf(sample, "exact_match"), "42");
    EXPECT_EQ(RawAnswerOf(sample), "It is 42.");
    EXPECT_EQ(sample.filter, "number");
    EXPECT_EQ(sample.deciding, "exact_match");
    EXPECT_EQ(sample.right, true);
}

TEST(Sample, NumbersSeveralAnswersAndSaysHowEachRan) {
    Json line = WrittenLine(Texts({"first", "second"}), Texts({"first", "second"}));
    EXPECT_EQ(AnswerOf(Read(line), "pass@1"), "[1/2]\nfirst\n\n[2/2]\nsecond");
    line["verdicts"] = {"passed", "AssertionError"};
    EXPECT_EQ(AnswerOf(Read(line), "pass@1"),
              "[1/2] passed\nfirst\n\n[2/2] AssertionError\nsecond");
    EXPECT_EQ(RawAnswerOf(Read(line)), "[1/2]\nfirst\n\n[2/2]\nsecond");
    line["verdicts"] = {"passed"};
    EXPECT_EQ(AnswerOf(Read(line), "pass@1"), "[1/2]\nfirst\n\n[2/2]\nsecond");
}

TEST(Sample, TakesForATextWhatALikelihoodLooksLikeOnlyIfItWasWritten) {
    Json line = WrittenLine(Json::array({Said("-13.5")}), Json());
    EXPECT_EQ(AnswerOf(Read(line), ""), "[1/2]\n-13.5\n\n[2/2]\nFalse");
    line["arguments"]["gen_args_0"].erase("arg_1");
    EXPECT_EQ(AnswerOf(Read(line), ""), "");
}

TEST(Sample, ReadsWhatIsMissingAsEmptyOrFromWhatStandsNextToIt) {
    Json line = ChoiceLine("0", {"a", "b"}, {"-2", "-1"});
    line["resps"] = Json::array({Json::array({Said("-1"), Said("-7")}),  // two repeats each
                                 Json::array({Said("-2"), Said("-7")})});
    EXPECT_EQ(AnswerOf(Read(line), "acc"), "b");
    line.erase("filtered_resps");
    EXPECT_EQ(AnswerOf(Read(line), "acc"), "a");
    Json written = WrittenLine({"42"}, Texts({"It is 42."}));
    written.erase("resps");
    EXPECT_EQ(RawAnswerOf(Read(written)), "42");
    written["resps"] = Texts({"It is 42."});
    written.erase("filtered_resps");
    EXPECT_EQ(AnswerOf(Read(written), ""), "It is 42.");
    Sample bare = Read(Json{{"doc_id", 1}, {"doc", {{"q", "?"}}}, {"filter", 3}});
    EXPECT_EQ(bare.question, R"({"q":"?"})");
    for (const std::string& text : {bare.filter, bare.target, AnswerOf(bare, "acc"), bare.deciding})
        EXPECT_EQ(text, "");
    EXPECT_EQ(bare.right, std::nullopt);
}

TEST(Sample, LetsTheMetricDecideThatAReaderWouldAskForFirst) {
    Json line = ChoiceLine("0", {"a", "b"}, {"-2", "-1"});
    line["metrics"] = {"acc_norm", "acc", "bleu"};
    line["acc_norm"] = 1.0;
    line["acc"] = 0.0;
    EXPECT_EQ(Read(line).deciding, "acc");
    EXPECT_EQ(Read(line).right, false);
    line["acc"] = 0.5;
    EXPECT_EQ(Read(line).deciding, "acc_norm");
    Json other{{"doc_id", 1}, {"metrics", {"mine"}}, {"mine", true}};
    EXPECT_EQ(Read(other).deciding, "mine");
    other["mine"] = 0.5;
    EXPECT_EQ(Read(other).right, std::nullopt);
    other["mine"] = 1;
    other["metrics"].push_back("yours");
    EXPECT_EQ(Read(other).right, std::nullopt) << "which of them?";
}

TEST(Sample, RefusesWhatIsNoLineOfADocument) {
    for (const char* text : {"null", "3", "[]", "{}", R"({"doc_id": "x"})", R"({"doc_id": 1.5})"}) {
        auto sample = ReadSample(Json::parse(text));
        ASSERT_FALSE(sample) << text;
        EXPECT_EQ(sample.error().code, Code::kDataLoss);
    }
    EXPECT_THAT(ReadSample(Json::object()).error().message, HasSubstr("`doc_id`"));
}

}  // namespace
}  // namespace lathe::samples
