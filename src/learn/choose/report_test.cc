#include "learn/choose/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/choose/chooser.h"
#include "learn/choose/pareto_chart.h"
#include "learn/choose/scripted_workbench.h"
#include "learn/choose/words.h"
#include "support/scratch.h"

namespace lathe::choose {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::ScratchDirectory;

class ReportTest : public ::testing::Test {
protected:
    ReportTest() {
        WriteScriptedTask(folder_);
        workbench_.models = {
            {"large", {.knows = 90, .tokens_per_second = 6, .memory_gib = 6, .parameters = 4e9}},
            {"middle", {.knows = 70, .tokens_per_second = 30, .memory_gib = 2}},
            {"rival", {.knows = 69, .tokens_per_second = 80, .memory_gib = 1}},
            {"worse", {.knows = 10, .tokens_per_second = 20, .memory_gib = 3}},
            {"huge", {.knows = 99, .memory_gib = 40}},
            {"broken", {.fails = true}}};
        brief_ = ScriptedBrief(folder_, {"large", "middle", "rival", "worse", "huge", "broken"});
        brief_.candidates[1].precisions = {"Q8_0"};
        brief_.limits = {.tokens_per_second = 10, .memory_gib = 8};
        brief_.money.machine_hour = 0.5;
        brief_.machines = {std::string(advise::NamedMachines()[0].name)};
        brief_.examples = 1200;
        brief_.languages = {"zh"};
    }

    Choice Make() {
        auto display = telemetry::ProgressDisplay::Silent();
        auto choice = Choose(brief_, workbench_, {.output = folder_.path() / "out"}, *display, {});
        EXPECT_TRUE(choice) << choice.error().message;
        return *std::move(choice);
    }

    ScratchDirectory folder_;
    ScriptedWorkbench workbench_;
    Brief brief_;
};

TEST_F(ReportTest, SaysWhomToTakeAndWhy) {
    std::string text = ChoiceAsText(Make(), Language::kEnglish);
    EXPECT_THAT(text, HasSubstr("Take middle Q8_0: of the candidates that keep all limits"));
    EXPECT_THAT(text, HasSubstr("documents do not tell it apart from rival as-is (-1.3"));
    EXPECT_THAT(text, HasSubstr("which costs less: speed for each reader 80 tok/s, memory 1 GiB"));
    EXPECT_THAT(text, HasSubstr("large as-is has quality 86.7 but breaks a limit: speed for each "
                                "reader 6 tok/s instead of 10 tok/s"));
    EXPECT_THAT(text, HasSubstr("With speed for each reader allowed to be 6 tok/s (now 10 tok/s): "
                                "large as-is."));
    EXPECT_THAT(text, HasSubstr("dropped after the screen"));
    EXPECT_THAT(text, HasSubstr("set aside by prediction, not measured: memory 40 GiB"));
    EXPECT_THAT(text, HasSubstr("could not be measured: broken as-is is out of order"));
    EXPECT_THAT(text, HasSubstr("the language zh, but no task's documents"));
    EXPECT_THAT(text, HasSubstr("Tune instead of growing: with 1000 examples"));
    EXPECT_THAT(text, HasSubstr("rule of thumb"));
    EXPECT_THAT(text, HasSubstr("Predictions from published figures, not measurements"));
}

TEST_F(ReportTest, SpeaksChinese) {
    std::string text = ChoiceAsText(Make(), Language::kChinese);
    EXPECT_THAT(text, AllOf(HasSubstr("推荐 middle Q8_0"), HasSubstr("经验法则"),
                            HasSubstr("按预测排除"), HasSubstr("筛选后淘汰")));
    EXPECT_THAT(text, Not(HasSubstr("Take ")));
}

TEST_F(ReportTest, IsOnePageWithoutScriptsOrOutsideParts) {
    Choice choice = Make();
    for (Language language : {Language::kEnglish, Language::kChinese}) {
        std::string page = ChoiceAsHtml(choice, language);
        EXPECT_THAT(page,
                    AllOf(HasSubstr("scripted &lt;brief&gt;"), HasSubstr("quantized &lt;twice&gt;"),
                          HasSubstr("prefers-color-scheme:dark")));
        EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("http")),
                                Not(HasSubstr("src=")), Not(HasSubstr("nan"))));
        size_t charts = 0;
        for (size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1))
            ++charts;
        EXPECT_EQ(charts, 3u);  // speed, memory, cost
    }
}

TEST_F(ReportTest, GivesTheSameAsJson) {
    Json json = Make().AsJson();
    EXPECT_EQ(json["recommended"], "middle Q8_0");
    EXPECT_EQ(json["ranking"].size(), 3u);
    EXPECT_EQ(json["ranking"][1]["name"], "rival as-is");
    EXPECT_EQ(json["ranking"][1]["told_apart"], false);
    EXPECT_EQ(json["ranking"][2]["breaks"], Json::array({"tokens_per_second"}));
    EXPECT_EQ(json["candidates"].size(), 6u);
    EXPECT_EQ(json["candidates"][3]["stage"], "dropped");
    EXPECT_EQ(json["candidates"][4]["set_aside"]["limit"], "memory_gib");
    EXPECT_EQ(json["candidates"][4]["predicted_for"].size(), 1u);
    EXPECT_EQ(json["advice"]["verdict"], "tune");
    EXPECT_EQ(json["what_would_change_it"][0]["recommended_then"], "large as-is");
}

TEST_F(ReportTest, SaysSoIfNobodyKeepsTheLimits) {
    brief_.limits.tokens_per_second = 100;
    Choice choice = Make();
    ASSERT_FALSE(choice.winner);
    std::string text = ChoiceAsText(choice, Language::kEnglish);
    EXPECT_THAT(text, HasSubstr("None of the measured candidates keeps all limits."));
    EXPECT_THAT(text, HasSubstr("allowed to be 80 tok/s (now 100 tok/s): rival as-is."));
    EXPECT_EQ(choice.AsJson()["recommended"], nullptr);
}

TEST_F(ReportTest, SaysSoIfNobodyCouldBeMeasured) {
    brief_.candidates = {brief_.candidates[5]};
    Choice choice = Make();
    EXPECT_THAT(ChoiceAsText(choice, Language::kEnglish), HasSubstr("No candidate could be"));
    EXPECT_THAT(ChoiceAsHtml(choice, Language::kEnglish), Not(HasSubstr("<svg")));
}

TEST(LimitValue, HasThreeDigitsAndAUnit) {
    Brief brief;
    brief.money.currency = "CNY";
    EXPECT_EQ(LimitValue(Limit::kMemory, 0.61234, brief), "0.612 GiB");
    EXPECT_EQ(LimitValue(Limit::kFirstToken, 1234.5, brief), "1234 ms");
    EXPECT_EQ(LimitValue(Limit::kSpeed, 20, brief), "20 tok/s");
    EXPECT_EQ(LimitValue(Limit::kCost, 0.00123, brief), "0.00123 CNY");
}

TEST(ParetoChart, JoinsTheFrontFromLeftToRight) {
    ParetoChart chart{.x_title = "x",
                      .y_title = "y",
                      .limit = 3,
                      .points = {{.label = "1",
                                  .x = 4,
                                  .y = 0.9,
                                  .low = 0.8,
                                  .high = 1,
                                  .on_front = true,
                                  .keeps_limits = false},
                                 {.label = "2",
                                  .x = 2,
                                  .y = 0.5,
                                  .low = 0.4,
                                  .high = 0.6,
                                  .on_front = true,
                                  .recommended = true},
                                 {.label = "3", .x = 3, .y = -0.1, .low = -0.2, .high = 0}}};
    std::string svg = chart.AsSvg();
    size_t line = svg.find("<polyline class=\"front\" points=\"");
    ASSERT_NE(line, std::string::npos);
    std::string points = svg.substr(line + 32, svg.find('"', line + 32) - line - 32);
    double first = std::stod(points), second = std::stod(points.substr(points.find(' ') + 1));
    EXPECT_LT(first, second);
    EXPECT_THAT(svg, AllOf(HasSubstr("class=\"out\""), HasSubstr("class=\"best\""),
                           HasSubstr("class=\"limit\"")));
    EXPECT_EQ(ParetoChart().AsSvg(), "");
}

}  // namespace
}  // namespace lathe::choose
