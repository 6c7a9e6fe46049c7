#include "service/runs/run_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/scratch.h"

namespace lathe::runs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ScratchDirectory;

constexpr const char* kResults = R"({
  "results": {
    "both": {"alias": "both", "acc,none": 0.5, "acc_stderr,none": 0.1},
    "arc": {"alias": "- arc", "sample_len": 8, "acc,none": 0.625, "acc_stderr,none": 0.18,
            "acc_norm,none": 0.5, "acc_norm_stderr,none": "N/A", "note": "x"},
    "qa": {"exact_match,strict": 0.25, "exact_match_stderr,strict": 0.16},
    "other": {"f1,none": 0.75}
  },
  "group_subtasks": {"both": ["arc", "qa"]},
  "configs": {"arc": {}, "qa": {}, "other": {}},
  "versions": {"arc": 1}, "n-shot": {"arc": 5},
  "higher_is_better": {"arc": {"acc": true}},
  "n-samples": {"arc": {"original": 60, "effective": 8}},
  "config": {"model": "lathe", "limit": 8},
  "subject": {"model": "smol"},
  "warnings": ["look twice", 3],
  "date": 1000.5
})";

class RunFoldersTest : public ::testing::Test {
protected:
    RunFolders Runs() {
        return RunFolders(folder_.path(), [this] { return now_; });
    }
    Json Get(std::string_view id) {
        auto run = Runs().Get(id);
        EXPECT_TRUE(run) << run.error().message;
        return run ? *run : Json();
    }
    std::vector<std::string> Ids() {
        std::vector<std::string> ids;
        auto list = Runs().List();
        EXPECT_TRUE(list);
        for (const Json& run : *list) ids.push_back(run["id"]);
        return ids;
    }
    void WriteProgress(const std::string& id, const std::string& state, double updated) {
        folder_.Write(id + "/progress.json", Json{{"kind", "evaluation"},
                                                  {"model", "smol"},
                                                  {"tasks", {"arc"}},
                                                  {"state", state},
                                                  {"done", 3},
                                                  {"total", 8},
                                                  {"found", 1},
                                                  {"started_unix", updated - 5},
                                                  {"updated_unix", updated},
                                                  {"seconds_left", 7.5}}
                                                 .dump());
    }

    ScratchDirectory folder_;
    std::chrono::system_clock::time_point now_{std::chrono::seconds(2000)};
};

TEST_F(RunFoldersTest, AreEmptyWithoutAFolder) {
    RunFolders runs(folder_.path() / "none");
    auto list = runs.List();
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->empty());
    EXPECT_EQ(runs.Get("x").error().code, Code::kNotFound);
}

TEST_F(RunFoldersTest, ShowTheScoresOfAnEvaluation) {
    folder_.Write("a run/results.json", kResults);
    folder_.Write("a run/samples_arc.jsonl", "");
    Json run = Get("a run");
    EXPECT_EQ(run["kind"], "evaluation");
    EXPECT_EQ(run["state"], "done");
    EXPECT_EQ(run["model"], "smol");
    EXPECT_EQ(run["tasks"], (Json{"arc", "qa", "other"}));
    EXPECT_EQ(run["date_unix"], 1000.5);
    EXPECT_EQ(run["sampled_tasks"], Json::array({"arc"}));
    EXPECT_EQ(run["warnings"], Json::array({"look twice"}));
    EXPECT_EQ(run["config"]["limit"], 8);
    EXPECT_EQ(run["has_page"], false);
    ASSERT_EQ(run["scores"].size(), 5u);
    EXPECT_EQ(run["scores"][1], (Json{{"task", "arc"},
                                      {"alias", "- arc"},
                                      {"metric", "acc"},
                                      {"filter", "none"},
                                      {"value", 0.625},
                                      {"stderr", 0.18},
                                      {"higher_is_better", true},
                                      {"documents", 8},
                                      {"shots", 5},
                                      {"version", 1},
                                      {"is_group", false}}));
    EXPECT_EQ(run["scores"][2]["stderr"], nullptr);
}

TEST_F(RunFoldersTest, LetAGroupSpeakForItsMembersInTheList) {
    folder_.Write("r/results.json", kResults);
    auto list = Runs().List();
    ASSERT_TRUE(list);
    std::vector<std::string> shown;
    for (const Json& score : (*list)[0]["headline"]) shown.push_back(score["task"]);
    EXPECT_THAT(shown, ElementsAre("both", "other"));
}

TEST_F(RunFoldersTest, TellARunThatGoesOnFromOneThatWasKilled) {
    WriteProgress("fresh", "running", 1995);
    WriteProgress("stale", "running", 1900);
    WriteProgress("stopped", "stopped", 1000);
    WriteProgress("failed", "failed", 900);
    EXPECT_THAT(Ids(), ElementsAre("fresh", "stale", "stopped", "failed"));
    Json fresh = Get("fresh");
    EXPECT_EQ(fresh["state"], "running");
    EXPECT_EQ(fresh["model"], "smol");
    EXPECT_EQ(fresh["tasks"], Json::array({"arc"}));
    EXPECT_EQ(fresh["progress"],
              (Json{{"done", 3}, {"total", 8}, {"found", 1}, {"seconds_left", 7.5}}));
    EXPECT_EQ(Get("stale")["state"], "interrupted");
    EXPECT_EQ(Get("stale")["progress"]["seconds_left"], nullptr);
    EXPECT_EQ(Get("stopped")["state"], "stopped");
    EXPECT_EQ(Get("failed")["state"], "failed");
}

TEST_F(RunFoldersTest, KnowARunByItsJournalAlone) {
    folder_.Write("r/journal.jsonl",
                  R"({"check": "x", "line": {"lathe_eval_journal": 1, "subject": {"model": "m"}}})"
                  "\n{\"check\": \"half");
    Json run = Get("r");
    EXPECT_EQ(run["state"], "interrupted");
    EXPECT_EQ(run["model"], "m");
    EXPECT_TRUE(run["scores"].empty());
}

TEST_F(RunFoldersTest, ShowReportsOfTheOtherKinds) {
    folder_.Write("q/report.json",
                  R"({"model": "smol", "candidates": [{"types": "Q8_0"}, 3, {}]})");
    folder_.Write("q/report.html", "<p>table</p>");
    folder_.Write("c/choice.json",
                  R"({"title": "FAQ", "recommended": "smol", "tasks": [{"name": "qa"}, 3]})");
    Json report = Get("q");
    EXPECT_EQ(report["kind"], "quantization");
    EXPECT_EQ(report["model"], "smol");
    EXPECT_EQ(report["tasks"], Json::array({"Q8_0"}));
    EXPECT_EQ(report["report"]["candidates"][0]["types"], "Q8_0");
    EXPECT_EQ(report["has_page"], true);
    EXPECT_EQ(*Runs().Page("q"), "<p>table</p>");
    EXPECT_EQ(Get("c")["kind"], "choice");
    EXPECT_EQ(Get("c")["title"], "FAQ");
    EXPECT_EQ(Get("c")["model"], "smol");
    EXPECT_EQ(Get("c")["tasks"], Json::array({"qa"}));
    EXPECT_EQ(Get("c")["choice"]["recommended"], "smol");
    EXPECT_EQ(Runs().Page("c").error().code, Code::kNotFound);
}

TEST_F(RunFoldersTest, SayWhatIsWrongWithAResultAndShowTheRest) {
    folder_.Write("broken/results.json", "{\"results\": {");
    folder_.Write("list/report.json", "[]");
    folder_.Write("odd/results.json",
                  R"({"results": {"t": 3, "u": {"acc,none": "x"}}, "configs": [1, {}],
                      "group_subtasks": [], "config": 3, "subject": [], "date": "today"})");
    EXPECT_THAT(Get("broken")["problem"], HasSubstr("results.json"));
    EXPECT_THAT(Get("list")["problem"], HasSubstr("report.json"));
    EXPECT_EQ(Get("list")["report"], nullptr);
    Json odd = Get("odd");
    EXPECT_FALSE(odd.contains("problem"));
    EXPECT_TRUE(odd["scores"].empty());
    EXPECT_EQ(Ids().size(), 3u);
}

TEST_F(RunFoldersTest, SurviveAnyProgress) {
    for (const char* text :
         {"", "null", "[]", "{}", "{\"state\": 3, \"updated_unix\": \"x\"}",
          "{\"state\": \"running\"}", "{\"state\": \"running\", \"tasks\": 3}"}) {
        folder_.Write("r/progress.json", text);
        Json run = Get("r");
        EXPECT_EQ(run["state"], "interrupted") << text;
        EXPECT_EQ(run["model"], "") << text;
    }
}

TEST_F(RunFoldersTest, AreReachedByPlainNamesOnly) {
    folder_.Write("runs/inside/results.json", kResults);
    folder_.Write("outside/results.json", kResults);
    folder_.Write("runs/.hidden/results.json", kResults);
    std::filesystem::create_directory_symlink(folder_.path() / "outside",
                                              folder_.path() / "runs" / "link");
    RunFolders runs(folder_.path() / "runs");
    EXPECT_TRUE(runs.Get("inside"));
    for (std::string id : {"", ".", "..", "../outside", "inside/../../outside", "/", "/etc",
                           "inside/", "link", ".hidden", "inside\n", "none"}) {
        for (auto code :
             {runs.Get(id).error().code, runs.Summary(id).error().code, runs.Page(id).error().code,
              runs.Samples(id, {.task = "t", .filter = "", .search = ""}).error().code,
              runs.FolderOfResults(id).error().code})
            EXPECT_EQ(code, Code::kNotFound) << id;
    }
    EXPECT_EQ(runs.Get(std::string(5000, 'x')).error().code, Code::kNotFound);
    EXPECT_EQ(runs.Get(std::string("inside\0", 7)).error().code, Code::kNotFound);
    auto list = runs.List();
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), 1u);
}

TEST_F(RunFoldersTest, DoNotFollowLinksOrWaitForPipesInsideARun) {
    folder_.Write("secret.json", kResults);
    std::filesystem::create_directory(folder_.path() / "r");
    std::filesystem::create_symlink(folder_.path() / "secret.json",
                                    folder_.path() / "r" / "results.json");
    EXPECT_EQ(Runs().Get("r").error().code, Code::kNotFound);
    folder_.Write("r/journal.jsonl", "");
    ASSERT_EQ(::mkfifo((folder_.path() / "r" / "progress.json").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo((folder_.path() / "r" / "report.html").c_str(), 0600), 0);
    EXPECT_EQ(Get("r")["state"], "interrupted");
    EXPECT_EQ(Get("r")["has_page"], false);
    EXPECT_EQ(Runs().Page("r").error().code, Code::kNotFound);
}

TEST_F(RunFoldersTest, SeeAResultThatIsReplacedAndARunThatVanishes) {
    RunFolders runs(folder_.path());
    folder_.Write("r/results.json", kResults);
    EXPECT_EQ((*runs.Summary("r"))["model"], "smol");
    folder_.Write("r/next.json", R"({"subject": {"model": "another"}, "results": {}})");
    std::filesystem::rename(folder_.path() / "r/next.json", folder_.path() / "r/results.json");
    EXPECT_EQ((*runs.Summary("r"))["model"], "another");
    std::filesystem::remove_all(folder_.path() / "r");
    EXPECT_EQ(runs.Summary("r").error().code, Code::kNotFound);
    EXPECT_THAT(*runs.List(), IsEmpty());
}

TEST_F(RunFoldersTest, AreComparedOnlyWhenThereAreResults) {
    folder_.Write("q/report.json", "{}");
    WriteProgress("begun", "running", 1999);
    folder_.Write("r/results.json", kResults);
    EXPECT_EQ(Runs().FolderOfResults("q").error().code, Code::kFailedPrecondition);
    EXPECT_EQ(Runs().FolderOfResults("begun").error().code, Code::kFailedPrecondition);
    EXPECT_EQ(*Runs().FolderOfResults("r"), folder_.path() / "r");
}

}  // namespace
}  // namespace lathe::runs
