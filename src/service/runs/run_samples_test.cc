#include "service/runs/run_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scratch.h"

namespace lathe::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

Json Choice(int id, const std::string& question, int target, const std::string& first,
            const std::string& second) {
    return Json{{"doc_id", id},
                {"doc", Json{{"q", question}}},
                {"target", std::to_string(target)},
                {"arguments",
                 {{"gen_args_0", {{"arg_0", question}, {"arg_1", " yes"}}},
                  {"gen_args_1", {{"arg_0", question}, {"arg_1", " no"}}}}},
                {"resps", Json::array()},
                {"filtered_resps",
                 Json::array({Json::array({first, "False"}), Json::array({second, "False"})})},
                {"filter", "none"},
                {"metrics", {"acc", "acc_norm"}},
                {"acc", (std::stod(first) > std::stod(second) ? 0 : 1) == target ? 1.0 : 0.0},
                {"acc_norm", 0.0}};
}

Json Written(const std::string& filter, const std::string& raw, const std::string& filtered,
             double right) {
    return Json{{"doc_id", 7},
                {"target", "42"},
                {"arguments", {{"gen_args_0", {{"arg_0", "Q: how many?"}, {"arg_1", Json()}}}}},
                {"resps", Json::array({Json::array({raw})})},
                {"filtered_resps", Json::array({filtered})},
                {"filter", filter},
                {"metrics", Json::array({"exact_match"})},
                {"exact_match", right}};
}

TEST(SampleOf, ShowsTheLikeliestChoiceAsTheAnswerAndTheTargetAsText) {
    auto sample = SampleOf(Choice(3, "Is it?", 1, "-1.5", "-2.25"));
    ASSERT_TRUE(sample);
    EXPECT_EQ((*sample)["doc_id"], 3);
    EXPECT_EQ((*sample)["question"], "Is it?");
    EXPECT_EQ((*sample)["answer"], "yes");
    EXPECT_EQ((*sample)["target"], "no");
    EXPECT_EQ((*sample)["right"], false);
    EXPECT_EQ(
        (*sample)["choices"][1],
        (Json{
            {"text", "no"}, {"loglikelihood", -2.25}, {"is_target", true}, {"is_chosen", false}}));
    EXPECT_EQ((*sample)["choices"][0]["is_chosen"], true);
}

TEST(SampleOf, ShowsWhatWasWrittenAfterTheFilterAndBeforeIt) {
    auto sample = SampleOf(Written("number", "It is 42.", "42", 1));
    ASSERT_TRUE(sample);
    EXPECT_EQ((*sample)["answer"], "42");
    EXPECT_EQ((*sample)["raw"], "It is 42.");
    EXPECT_EQ((*sample)["right"], true);
    EXPECT_FALSE(sample->contains("choices"));
    EXPECT_FALSE(SampleOf(Written("none", "42", "42", 1))->contains("raw"));
}

TEST(SampleOf, TakesTheAnswerByTheMetricThatDecides) {
    Json line = Choice(3, "Is it?", 0, "-3", "-2.5");
    EXPECT_EQ((*SampleOf(line))["answer"], "no");
    line.erase("acc");
    line["acc_norm"] = 1.0;  // a third of -3 is more than half of -2.5
    EXPECT_EQ((*SampleOf(line))["answer"], "yes");
    EXPECT_EQ((*SampleOf(line))["right"], true);
}

TEST(SampleOf, ShowsAllOfSeveralAnswersAndNoLikelihoodAsText) {
    Json line = Written("none", "x", "x", 1);
    line["filtered_resps"] = Json::array({Json::array({"first", "second"})});
    EXPECT_EQ((*SampleOf(line))["answer"], "[1/2]\nfirst\n\n[2/2]\nsecond");
    line["filtered_resps"] = Json::array({Json::array({"-13.5", "False"})});
    EXPECT_EQ((*SampleOf(line))["answer"], "");
}

TEST(SampleOf, ShowsOfManyChoicesTheFirstTheRightOneAndTheChosen) {
    Json line{{"doc_id", 0}, {"target", "180"}, {"filtered_resps", Json::array()}};
    for (int i = 0; i < 200; ++i) {
        line["arguments"]["gen_args_" + std::to_string(i)] = {{"arg_0", "Which?"},
                                                              {"arg_1", std::to_string(i)}};
        line["filtered_resps"].push_back({i == 150 ? "-1" : "-2", "False"});
    }
    Json sample = *SampleOf(line);
    EXPECT_EQ(sample["choices"].size(), 102u);
    EXPECT_EQ(sample["answer"], "150");
    EXPECT_EQ(sample["choices"][100]["is_chosen"], true);
    EXPECT_EQ(sample["choices"][101]["is_target"], true);
}

TEST(SampleOf, LeavesOpenWhatNoMetricDecides) {
    Json line = Written("none", "42", "42", 0.5);
    EXPECT_EQ((*SampleOf(line))["right"], nullptr);
    line["metrics"] = Json::array({"bleu", "chrf"});
    line["bleu"] = Json::array({1, 2});
    auto sample = SampleOf(line);
    EXPECT_EQ((*sample)["metrics"]["bleu"], "[1,2]");
}

TEST(SampleOf, CutsLongTextsBetweenCharacters) {
    std::string dots;
    while (dots.size() < 40'000) dots += "水";
    auto sample = SampleOf(Written("none", dots, dots, 0));
    std::string answer = (*sample)["answer"];
    EXPECT_LT(answer.size(), 17'000u);
    EXPECT_THAT(answer, EndsWith("水…"));
}

TEST(SampleOf, RefusesAndSurvivesLinesOfAnyShape) {
    for (const char* text : {"null", "3", "[]", "{}", R"({"doc_id": "x"})"})
        EXPECT_FALSE(SampleOf(Json::parse(text))) << text;
    for (const char* text :
         {R"({"doc_id": 1})", R"({"doc_id": 1, "arguments": 3, "filtered_resps": {"a": 1}})",
          R"({"doc_id": 1, "arguments": [["q", 1], [], 3, null], "filtered_resps": [[], 1, null]})",
          R"({"doc_id": 1, "metrics": [1, "acc", "gone"], "acc": "high", "resps": [[[[]]]]})",
          R"({"doc_id": 1, "target": {"a": 1}, "filter": 3, "filtered_resps": [["nan", "x"]]})"}) {
        auto sample = SampleOf(Json::parse(text));
        ASSERT_TRUE(sample) << text;
        EXPECT_EQ((*sample)["right"], nullptr) << text;
    }
}

class FindSamplesTest : public ::testing::Test {
protected:
    Json Find(SampleQuery query) {
        auto folder = GuardedFolder::Open(folder_.path());
        EXPECT_TRUE(folder);
        auto found = FindSamples(*folder, query);
        EXPECT_TRUE(found) << found.error().message;
        return found ? *found : Json();
    }
    static std::vector<int> Ids(const Json& found) {
        std::vector<int> ids;
        for (const Json& sample : found["samples"]) ids.push_back(sample["doc_id"]);
        return ids;
    }

    ScratchDirectory folder_;
};

TEST_F(FindSamplesTest, PagesThroughWhatIsWanted) {
    std::string lines;
    for (int i = 0; i < 10; ++i)
        lines += Choice(i, i == 8 ? "Where is Ühe?" : "Who?", i % 2, "-1", "-2").dump() + "\n";
    folder_.Write("samples_t.jsonl", lines);
    Json page = Find({.task = "t", .filter = "", .search = "", .offset = 4, .count = 3});
    EXPECT_THAT(Ids(page), ElementsAre(4, 5, 6));
    EXPECT_EQ(page["total"], 10);
    EXPECT_EQ(page["right"], 5);
    EXPECT_EQ(page["wrong"], 5);
    EXPECT_EQ(page["filters"], Json::array({"none"}));
    Json wrong = Find({.task = "t",
                       .filter = "",
                       .outcome = Outcome::kWrong,
                       .search = "",
                       .offset = 1,
                       .count = 2});
    EXPECT_THAT(Ids(wrong), ElementsAre(3, 5));
    EXPECT_EQ(wrong["matching"], 5);
    EXPECT_EQ(wrong["total"], 10);
    Json found = Find({.task = "t", .filter = "", .search = "where IS Ü"});
    EXPECT_THAT(Ids(found), ElementsAre(8));
    EXPECT_THAT(Ids(Find({.task = "t", .filter = "", .search = "", .offset = 99})), ElementsAre());
}

TEST_F(FindSamplesTest, TellsTheFiltersOfATaskApart) {
    folder_.Write("samples_t.jsonl", Written("strict", "is 42", "[invalid]", 0).dump() + "\n" +
                                         Written("loose", "is 42", "42", 1).dump() + "\n");
    Json all = Find({.task = "t", .filter = "", .search = ""});
    EXPECT_EQ(all["filters"], (Json{"strict", "loose"}));
    EXPECT_EQ(all["total"], 2);
    Json loose = Find({.task = "t", .filter = "loose", .search = ""});
    EXPECT_EQ(loose["total"], 1);
    EXPECT_EQ(loose["samples"][0]["answer"], "42");
    EXPECT_EQ(loose["filters"], (Json{"strict", "loose"}));
}

TEST_F(FindSamplesTest, LeavesOutALineThatIsBeingWrittenAndCountsBrokenOnes) {
    std::string good = Choice(0, "Who?", 0, "-1", "-2").dump();
    folder_.Write("samples_t.jsonl", good + "\n{\"doc_id\": \n" + good + "\n" + good.substr(0, 40));
    Json page = Find({.task = "t", .filter = "", .search = ""});
    EXPECT_EQ(page["total"], 2);
    EXPECT_EQ(page["broken_lines"], 1);
}

TEST_F(FindSamplesTest, NamesTheTaskThatHasNone) {
    std::filesystem::create_symlink("/etc/passwd", folder_.path() / "samples_link.jsonl");
    std::filesystem::create_directory(folder_.path() / "samples_folder.jsonl");
    auto folder = GuardedFolder::Open(folder_.path());
    ASSERT_TRUE(folder);
    for (const char* task : {"t", "", "link", "folder", "../t", "a/b", "/etc/passwd"}) {
        auto found = FindSamples(*folder, {.task = task, .filter = "", .search = ""});
        ASSERT_FALSE(found) << task;
        EXPECT_EQ(found.error().code, Code::kNotFound) << task;
        EXPECT_THAT(found.error().message, HasSubstr("no samples")) << task;
    }
    EXPECT_TRUE(SampledTasks(*folder).empty());
}

}  // namespace
}  // namespace lathe::runs
