#include "learn/eval/run_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/platform/files.h"
#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

// A line as `lathe eval` writes it, of a question with two choices.
Json ChoiceLine(int64_t document, double first, double second, int target) {
    bool right = (first >= second ? 0 : 1) == target;
    auto said = [](double value) { return Json::array({fmt::format("{}", value), "False"}); };
    return Json{{"doc_id", document},
                {"arguments",
                 {{"gen_args_0", {{"arg_0", "Which?"}, {"arg_1", " left"}}},
                  {"gen_args_1", {{"arg_0", "Which?"}, {"arg_1", " right"}}}}},
                {"target", fmt::format("{}", target)},
                {"filtered_resps", Json::array({said(first), said(second)})},
                {"filter", "none"},
                {"metrics", {"acc"}},
                {"acc", right ? 1.0 : 0.0},
                {"doc_hash", fmt::format("d{}", document)},
                {"prompt_hash", "p"},
                {"target_hash", "t"}};
}

class RunDiffTest : public ::testing::Test {
protected:
    std::filesystem::path Write(const std::string& run, const std::vector<Json>& lines,
                                const std::string& task = "choice") {
        std::filesystem::path folder = scratch_.path() / run;
        std::filesystem::create_directories(folder);
        Json results{{"results", {{task, {{"acc,none", 0.5}}}}},
                     {"higher_is_better", {{task, {{"acc", true}, {"bits_per_byte", false}}}}},
                     {"subject", {{"model", "model-" + run}}},
                     {"date", 1.5}};
        std::string text;
        for (const Json& line : lines) text += DumpJson(line) + "\n";
        EXPECT_TRUE(platform::WriteFileAtomically(folder / "results.json", DumpJson(results)));
        EXPECT_TRUE(platform::WriteFileAtomically(folder / ("samples_" + task + ".jsonl"), text));
        return folder;
    }

    Json Diff(const std::vector<Json>& a, const std::vector<Json>& b) {
        auto diff = DiffRuns(Write("a", a), Write("b", b));
        if (diff) return *diff;
        ADD_FAILURE() << diff.error().message;
        return {};
    }

    std::string Failure(const std::vector<Json>& a, const std::vector<Json>& b) {
        auto diff = DiffRuns(Write("a", a), Write("b", b));
        return diff ? "none" : diff.error().message;
    }

    ScratchDirectory scratch_;
};

TEST_F(RunDiffTest, CountsTheDocumentsThatChangedSidesAndShowsThem) {
    std::vector<Json> a, b;
    for (int64_t i = 0; i < 40; ++i) {
        a.push_back(ChoiceLine(i, -1, i < 20 ? -2 : -0.5, 0));  // right on the first 20
        b.push_back(ChoiceLine(i, -1, i == 3 || i >= 38 ? -0.5 : -2, 0));
    }
    Json diff = Diff(a, b);
    EXPECT_EQ(diff["runs"][0]["model"], "model-a");
    const Json& row = diff["tasks"].at(0);
    EXPECT_EQ(row["documents"], 40);
    EXPECT_DOUBLE_EQ(row["a"].get<double>(), 0.5);
    EXPECT_DOUBLE_EQ(row["b"].get<double>(), 37.0 / 40);
    EXPECT_EQ(row["wins"], 18);
    EXPECT_EQ(row["losses"], 1);
    EXPECT_EQ(row["ties"], 21);
    EXPECT_EQ(row["test"], "mcnemar");
    // Twice the tail of 19 tosses with at most one head: 2 * (1 + 19) / 2^19.
    EXPECT_NEAR(row["p"].get<double>(), 40 / std::pow(2, 19), 1e-12);
    EXPECT_LT(row["interval"][0].get<double>(), row["difference"].get<double>());
    EXPECT_THAT(row["conclusion"].get<std::string>(), HasSubstr("model-b is better than model-a"));
    EXPECT_EQ(row["verdict"], "better");
    EXPECT_EQ(row["documents_needed"], nullptr);
    ASSERT_EQ(diff["changed"].size(), 19u);
    const Json& lost = diff["changed"][0];
    EXPECT_EQ(lost["doc_id"], 3);
    EXPECT_EQ(lost["question"], "Which?");
    EXPECT_EQ(lost["target"], "left");
    EXPECT_EQ(lost["a_answer"], "left");
    EXPECT_EQ(lost["b_answer"], "right");
    EXPECT_TRUE(diff["warnings"].empty());
}

TEST_F(RunDiffTest, ShowsEveryProgramOfADocumentThatChanged) {
    auto line = [](double score, const char* first, const char* second) {
        Json line = ChoiceLine(0, 0, 0, 0);
        line["arguments"] = {{"gen_args_0", {{"arg_0", "def f():"}, {"arg_1", Json::object()}}}};
        line["filtered_resps"] = Json::array({Json::array({"pass", "return 1"})});
        line["metrics"] = {"pass@1"};
        line["pass@1"] = score;
        line["verdicts"] = {first, second};
        return line;
    };
    Json diff = Diff({line(0.5, "AssertionError", "passed")}, {line(1, "passed", "passed")});
    EXPECT_EQ(diff["changed"][0]["a_answer"],
              "[1/2] AssertionError\npass\n\n[2/2] passed\nreturn 1");
    EXPECT_EQ(diff["changed"][0]["b_answer"], "[1/2] passed\npass\n\n[2/2] passed\nreturn 1");
}

TEST_F(RunDiffTest, ComparesPerplexitiesAsBitsPerByteOfEachDocument) {
    auto line = [](int64_t document, double loglikelihood) {
        Json line = ChoiceLine(document, 0, 0, 0);
        line["metrics"] = {"word_perplexity", "byte_perplexity", "bits_per_byte"};
        for (const Json& metric : line["metrics"])
            line[metric.get<std::string>()] = {loglikelihood, 100};
        return line;
    };
    Json diff = Diff({line(0, -100), line(1, -50)}, {line(0, -90), line(1, -45)});
    ASSERT_EQ(diff["tasks"].size(), 1u);
    const Json& row = diff["tasks"][0];
    EXPECT_EQ(row["metric"], "bits_per_byte");
    EXPECT_NEAR(row["difference"].get<double>(), -0.075 / std::log(2.0), 1e-12);
    EXPECT_EQ(row["wins"], 2) << "lower is better";
    EXPECT_EQ(row["test"], "permutation");
    EXPECT_EQ(row["verdict"], "open") << "two documents tell nothing";
    EXPECT_GT(row["documents_needed"], 2);
    EXPECT_NEAR(row["alpha"].get<double>(), 0.05, 1e-12);
}

TEST_F(RunDiffTest, LeavesOutWhatWasAskedDifferentlyAndSaysSo) {
    Json changed = ChoiceLine(1, -1, -2, 0);
    changed["prompt_hash"] = "another";
    Json diff = Diff({ChoiceLine(0, -1, -2, 0), ChoiceLine(1, -1, -2, 0), ChoiceLine(2, -1, -2, 0)},
                     {ChoiceLine(0, -1, -2, 0), changed});
    EXPECT_EQ(diff["tasks"][0]["documents"], 1);
    ASSERT_EQ(diff["warnings"].size(), 2u);
    EXPECT_THAT(diff["warnings"][0].get<std::string>(), HasSubstr("1 documents were asked"));
    EXPECT_THAT(diff["warnings"][1].get<std::string>(), HasSubstr("only in one run"));
    EXPECT_THAT(Failure({ChoiceLine(1, -1, -2, 0)}, {changed}),
                HasSubstr("nothing in common to compare: task choice: 1 documents were asked"));
}

TEST_F(RunDiffTest, SaysWhatIsWrongWithAFolder) {
    auto missing = DiffRuns(scratch_.path() / "none", scratch_.path());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    EXPECT_THAT(missing.error().message, HasSubstr("no results.json"));
    Json broken = ChoiceLine(0, -1, -2, 0);
    broken.erase("doc_hash");
    EXPECT_THAT(Failure({ChoiceLine(0, -1, -2, 0), broken}, {ChoiceLine(0, -1, -2, 0)}),
                HasSubstr("samples_choice.jsonl, line 2: it has no `doc_hash`"));
    EXPECT_THAT(Failure({Json(3)}, {}), HasSubstr("line 1: it is not an object"));
}

}  // namespace
}  // namespace lathe::eval
