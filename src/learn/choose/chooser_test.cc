#include "learn/choose/chooser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/platform/files.h"
#include "learn/choose/scripted_workbench.h"
#include "support/scratch.h"

namespace lathe::choose {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

class ChooserTest : public ::testing::Test {
protected:
    ChooserTest() { WriteScriptedTask(folder_); }

    Result<Choice> Run(const Brief& brief, bool quick = false, std::stop_token stop = {}) {
        auto display = telemetry::ProgressDisplay::Silent();
        return Choose(brief, workbench_, {.output = folder_.path() / "out", .quick = quick},
                      *display, std::move(stop));
    }

    static const Outcome& OutcomeOf(const Choice& choice, const std::string& model) {
        return *std::ranges::find_if(choice.outcomes, [&](const Outcome& outcome) {
            return outcome.candidate.model == model;
        });
    }

    ScratchDirectory folder_;
    ScriptedWorkbench workbench_;
};

TEST_F(ChooserTest, RecommendsTheBestThatKeepsTheLimits) {
    workbench_.models = {{"large", {.knows = 90, .tokens_per_second = 6}},
                         {"middle", {.knows = 70, .tokens_per_second = 30}},
                         {"small", {.knows = 40, .tokens_per_second = 60}}};
    Brief brief = ScriptedBrief(folder_, {"large", "middle", "small"});
    brief.limits.tokens_per_second = 10;
    auto choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    ASSERT_TRUE(choice->winner);
    EXPECT_EQ(choice->contestants[*choice->winner].name, "middle as-is");
    // 70 of 100 right, four choices.
    EXPECT_NEAR(choice->standings[0].quality, (0.7 - 0.25) / 0.75, 1e-12);
    EXPECT_EQ(choice->standings.back().broken, std::vector{Limit::kSpeed});
    EXPECT_EQ(choice->tasks[0].chance, 0.25);
    EXPECT_EQ(choice->tasks[0].documents, 100u);
    bool relaxed = std::ranges::any_of(choice->changes, [&](const Change& change) {
        return change.kind == Change::Kind::kRelax && change.to == 6 &&
               choice->contestants[change.winner].name == "large as-is";
    });
    EXPECT_TRUE(relaxed);
}

TEST_F(ChooserTest, SetsAsideWhatCannotFitByPredictionAndDoesNotLoadIt) {
    workbench_.models = {{"huge", {.knows = 99, .memory_gib = 40}}, {"small", {.knows = 40}}};
    Brief brief = ScriptedBrief(folder_, {"huge", "small"});
    brief.limits.memory_gib = 4;
    auto choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    const Outcome& huge = OutcomeOf(*choice, "huge");
    EXPECT_EQ(huge.stage, Outcome::Stage::kSetAside);
    EXPECT_EQ(huge.set_aside->limit, Limit::kMemory);
    EXPECT_EQ(huge.set_aside->predicted, 40);
    EXPECT_EQ(workbench_.opened["huge"], 0);
    EXPECT_EQ(choice->contestants[*choice->winner].name, "small as-is");
}

TEST_F(ChooserTest, MeasuresWhatThePredictionMayBeWrongAbout) {
    workbench_.models = {{"near", {.knows = 60, .tokens_per_second = 12}}};
    workbench_.models["near"].predicted_tokens_per_second = 8;  // times 1.8 is 14
    Brief brief = ScriptedBrief(folder_, {"near"});
    brief.limits.tokens_per_second = 10;
    auto choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_EQ(OutcomeOf(*choice, "near").stage, Outcome::Stage::kMeasured);
    EXPECT_TRUE(choice->winner);
}

TEST_F(ChooserTest, DropsTheDominatedAfterTheScreenAndAsksThemNoMore) {
    workbench_.models = {{"best", {.knows = 90}}, {"worse", {.knows = 10}}};
    auto choice = Run(ScriptedBrief(folder_, {"best", "worse"}));
    ASSERT_TRUE(choice) << choice.error().message;
    const Outcome& worse = OutcomeOf(*choice, "worse");
    EXPECT_EQ(worse.stage, Outcome::Stage::kDropped);
    EXPECT_EQ(worse.dropped_for, "best as-is");
    EXPECT_EQ(workbench_.asked["worse"], 40);
    EXPECT_EQ(workbench_.asked["best"], 100);  // the screen's 40 are not asked again
    ASSERT_EQ(choice->contestants.size(), 1u);
}

TEST_F(ChooserTest, StopsAfterTheScreenIfItIsToBeQuick) {
    workbench_.models = {{"best", {.knows = 90}}, {"worse", {.knows = 10}}};
    auto choice = Run(ScriptedBrief(folder_, {"best", "worse"}), true);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_TRUE(choice->quick);
    EXPECT_EQ(choice->contestants.size(), 2u);
    EXPECT_EQ(workbench_.asked["best"], 40);
}

TEST_F(ChooserTest, LeavesOutACandidateThatFailsAndSaysWhy) {
    workbench_.models = {{"broken", {.knows = 90, .fails = true}}, {"small", {.knows = 40}}};
    auto choice = Run(ScriptedBrief(folder_, {"broken", "small"}));
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_EQ(OutcomeOf(*choice, "broken").stage, Outcome::Stage::kFailed);
    EXPECT_THAT(OutcomeOf(*choice, "broken").failure, HasSubstr("out of order"));
    EXPECT_EQ(choice->contestants[*choice->winner].name, "small as-is");
}

TEST_F(ChooserTest, GoesOnWhereItStoppedAndComesToTheSameChoice) {
    workbench_.models = {{"a", {.knows = 80}}, {"b", {.knows = 70, .tokens_per_second = 80}}};
    Brief brief = ScriptedBrief(folder_, {"a", "b"});
    ASSERT_TRUE(Run(brief));
    std::filesystem::rename(folder_.path() / "out", folder_.path() / "whole");
    workbench_.asked.clear();
    std::stop_source source;
    workbench_.stop_after = {50, &source};
    auto broken = Run(brief, false, source.get_token());
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Code::kCancelled);
    workbench_.stop_after = {};
    auto choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_EQ(workbench_.asked["a"], 100);
    EXPECT_EQ(workbench_.asked["b"], 100);
    EXPECT_EQ(choice->contestants[*choice->winner].name, "a as-is");
    std::string samples = "runs/a_as-is/1-scripted/samples_scripted.jsonl";
    EXPECT_EQ(*platform::ReadFile(folder_.path() / "out" / samples),
              *platform::ReadFile(folder_.path() / "whole" / samples));
}

TEST_F(ChooserTest, MeasuresCostsOnceAndAgainForOtherTraffic) {
    workbench_.models = {{"a", {.knows = 80}}};
    Brief brief = ScriptedBrief(folder_, {"a"});
    ASSERT_TRUE(Run(brief));
    ASSERT_TRUE(Run(brief));
    EXPECT_EQ(workbench_.measured["a"], 1);
    brief.traffic.users = 9;
    ASSERT_TRUE(Run(brief));
    EXPECT_EQ(workbench_.measured["a"], 2);
}

TEST_F(ChooserTest, CountsWhatAMillionTokensCost) {
    workbench_.models = {{"a", {.knows = 80, .tokens_per_second = 50}},
                         {"far", {.knows = 80, .tokens_per_second = 50}}};
    Brief brief = ScriptedBrief(folder_, {"a", "far"});
    brief.candidates[1].server = "http://host/v1";
    brief.candidates[1].input_price_per_million = 1;
    brief.candidates[1].output_price_per_million = 3;
    brief.traffic = {.users = 1, .prompt_tokens = 200, .answer_tokens = 100};
    brief.money.machine_hour = 0.9;
    auto choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    // 50 tokens a second are 180,000 an hour.
    EXPECT_NEAR(*OutcomeOf(*choice, "a").costs->cost_per_million_tokens, 5, 1e-9);
    EXPECT_NEAR(*OutcomeOf(*choice, "far").costs->cost_per_million_tokens, 5, 1e-9);
}

TEST_F(ChooserTest, SaysWhichLanguageNoTaskMeasures) {
    workbench_.models = {{"a", {.knows = 80}}};
    Brief brief = ScriptedBrief(folder_, {"a"});
    brief.languages = {"en", "zh", "fr"};
    auto choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_THAT(choice->languages_not_measured, ElementsAre("zh"));
}

TEST_F(ChooserTest, RefusesAMetricThatCannotBeWeighed) {
    Brief brief = ScriptedBrief(folder_, {"a"});
    brief.tasks[0].metric = "bleu";
    auto choice = Run(brief);
    ASSERT_FALSE(choice);
    EXPECT_THAT(choice.error().message, HasSubstr("has no metric bleu; it has acc"));
    brief.tasks[0].metric = "";
    brief.tasks[0].filter = "strict";
    workbench_.models = {{"a", {.knows = 80}}};
    choice = Run(brief);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_THAT(choice->outcomes[0].failure, HasSubstr("no filter strict; it has none"));
}

TEST_F(ChooserTest, AdvisesToTuneWithDataAndToGrowWithout) {
    workbench_.models = {{"large", {.knows = 90, .memory_gib = 4, .parameters = 4e9}},
                         {"small", {.knows = 60, .parameters = 1e9}}};
    Brief brief = ScriptedBrief(folder_, {"large", "small"});
    brief.limits.memory_gib = 3.8;  // within the prediction's error, so that it is measured
    auto verdict = [&](std::optional<int64_t> examples) {
        brief.examples = examples;
        auto choice = Run(brief);
        EXPECT_EQ(choice->advice->larger, "large as-is");
        EXPECT_EQ(choice->advice->larger_ratio, 4);
        EXPECT_TRUE(choice->advice->larger_breaks_limits);
        return choice->advice->verdict;
    };
    EXPECT_EQ(verdict(5000), TuningAdvice::Verdict::kTune);
    EXPECT_EQ(verdict(500), TuningAdvice::Verdict::kTryTuning);
    EXPECT_EQ(verdict(std::nullopt), TuningAdvice::Verdict::kGrow);
    workbench_.models["large"].knows = 61;
    std::filesystem::remove_all(folder_.path() / "out");
    EXPECT_EQ(verdict(0), TuningAdvice::Verdict::kCollect);
    workbench_.models["small"].knows = 99;
    brief.candidates.erase(brief.candidates.begin());
    std::filesystem::remove_all(folder_.path() / "out");
    EXPECT_EQ(Run(brief)->advice->verdict, TuningAdvice::Verdict::kEnough);
}

}  // namespace
}  // namespace lathe::choose
