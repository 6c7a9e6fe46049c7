#include "learn/quant/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::quant {
namespace {

using testing::HasSubstr;
using testing::Not;

Report Small() {
    Report report{
        .model = "a <model>", .text = "wiki.txt", .positions = 500, .machine = "a CPU", .rows = {}};
    report.rows.push_back({.name = "F16", .file_bytes = 270'000'000, .perplexity = 20});
    report.rows.push_back({.name = "Q8_0",
                           .file_bytes = 144'000'000,
                           .resident_bytes = 160'000'000,
                           .prefill_tokens_per_second = 1500,
                           .decode_tokens_per_second = 300.25,
                           .perplexity = 20.01,
                           .kl_mean = 0.001,
                           .kl_p999 = 0.02,
                           .top1_agreement = 0.985});
    report.rows.push_back(
        {.name = "Q2_K", .file_bytes = 80'000'000, .perplexity = 31, .kl_mean = 0.45});
    return report;
}

TEST(Report, IsATableForPeople) {
    std::string text = Small().AsText();
    EXPECT_THAT(text, HasSubstr("types  file MB  memory MB  prefill tok/s"));
    EXPECT_THAT(text, HasSubstr("Q8_0     144.0        160           1500         300.2"));
    EXPECT_THAT(text, HasSubstr("98.50 %"));
}

TEST(Report, IsJsonForPrograms) {
    Json json = Small().AsJson();
    EXPECT_EQ(json["positions"], 500);
    ASSERT_EQ(json["candidates"].size(), 3u);
    EXPECT_EQ(json["candidates"][1]["types"], "Q8_0");
    EXPECT_EQ(json["candidates"][1]["kl_mean"], 0.001);
    EXPECT_TRUE(json["candidates"][1]["scores"].empty());
}

TEST(Report, IsAPageWithTheCurve) {
    std::string html = Small().AsHtml();
    EXPECT_THAT(html, HasSubstr("<title>a &lt;model&gt;: precisions</title>"));
    EXPECT_THAT(html, HasSubstr("<svg"));
    EXPECT_THAT(html, HasSubstr(">Q2_K</text>"));
    EXPECT_THAT(html, Not(HasSubstr(">F16</text>")));  // no divergence: the source itself
    EXPECT_THAT(html, Not(HasSubstr("http")));
}

TEST(Report, ShowsScoresWithTheirIntervalsWhereThereAreAny) {
    Report report = Small();
    report.rows[0].scores = {{"arc_easy", "acc", 0.62, 1}, {"code", "pass@1", 0}};
    report.rows[1].scores = {{"arc_easy", "acc", 0.61, 0.984, 0.95, 1.02}, {"code", "pass@1", 0.1}};
    EXPECT_THAT(report.AsText(), HasSubstr("0.610  98.4 % [95.0, 102.0]"));
    EXPECT_THAT(report.AsHtml(), HasSubstr("<td>arc_easy</td><td>0.620</td>"));
    Json scores = report.AsJson()["candidates"][1]["scores"];
    EXPECT_EQ(scores["arc_easy"]["low"], 0.95);
    EXPECT_TRUE(scores["code"]["kept"].is_null());
}

}  // namespace
}  // namespace lathe::quant
