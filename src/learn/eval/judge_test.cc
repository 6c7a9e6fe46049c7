#include "learn/eval/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/platform/files.h"
#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

// Judges by a rule of the test.
class RuleJudge : public Subject {
public:
    using Rule = std::function<std::string(const std::string& first, const std::string& second)>;
    explicit RuleJudge(Rule rule) : rule_(std::move(rule)) {}

    Json identity() const override { return {{"model", "rule"}}; }
    std::string chat_template() const override { return ""; }
    Result<std::string> RenderChat(const Conversation&) const override { return "unused"; }
    Status Ask(std::span<const Question> questions, const Sink& sink, std::stop_token) override {
        for (size_t i = 0; i < questions.size(); ++i) {
            ++asked;
            const std::string& text = questions[i].requests[0].context;
            auto between = [&](const char* begin, const char* end) {
                size_t at = text.find(begin) + std::string_view(begin).size();
                return text.substr(at, text.find(end, at) - at);
            };
            ModelAnswer answer;
            answer.text = rule_(between("[Answer A]\n", "\n\n[Answer B]"),
                                between("[Answer B]\n", "\n\nWhich"));
            LATHE_RETURN_IF_ERROR(sink(i, {answer}));
        }
        return {};
    }
    int asked = 0;

private:
    Rule rule_;
};

class JudgeTest : public ::testing::Test {
protected:
    std::filesystem::path Write(const std::string& run, const std::vector<std::string>& answers) {
        std::filesystem::path folder = scratch_.path() / run;
        std::filesystem::create_directories(folder);
        Json results{{"results", {{"write", {{"contains,none", 0.5}}}}},
                     {"configs", {{"write", {{"output_type", "generate_until"}}}}},
                     {"subject", {{"model", run}}}};
        std::string lines;
        for (size_t i = 0; i < answers.size(); ++i)
            lines += DumpJson(Json{{"doc_id", i},
                                   {"arguments", {{"gen_args_0", {{"arg_0", "Why?"}}}}},
                                   {"target", ""},
                                   {"resps", {{answers[i]}}},
                                   {"filtered_resps", {answers[i]}},
                                   {"filter", "none"},
                                   {"metrics", Json::array()},
                                   {"doc_hash", fmt::format("{}", i)},
                                   {"prompt_hash", "p"},
                                   {"target_hash", "t"}}) +
                     "\n";
        EXPECT_TRUE(platform::WriteFileAtomically(folder / "results.json", DumpJson(results)));
        EXPECT_TRUE(platform::WriteFileAtomically(folder / "samples_write.jsonl", lines));
        return folder;
    }

    Result<Json> Judge(RuleJudge& judge, const std::vector<std::string>& a,
                       const std::vector<std::string>& b) {
        JudgeOptions options;
        options.output = scratch_.path() / "judged";
        return JudgeRuns(judge, Write("small", a), Write("large", b), options, {}, {});
    }

    ScratchDirectory scratch_;
};

TEST_F(JudgeTest, CountsWhatSurvivesTheSwap) {
    RuleJudge longer([](const std::string& first, const std::string& second) {
        if (first.size() == second.size()) return " Tie.";
        return first.size() > second.size() ? " A" : " **B** is";
    });
    auto judgement = Judge(longer, {"a", "bb", "cc", "d", "e", "f", "g", "h"},
                           {"aa", "b", "cc", "dd", "ee", "ff", "gg", "hh"});
    ASSERT_TRUE(judgement) << judgement.error().message;
    const Json& row = (*judgement)["tasks"].at(0);
    EXPECT_EQ(row["wins_a"], 1);
    EXPECT_EQ(row["wins_b"], 6);
    EXPECT_EQ(row["ties"], 1);
    EXPECT_EQ(row["agreement"], 1.0);
    EXPECT_EQ(row["kappa"], 1.0);
    EXPECT_EQ(row["first_preferred"], 0.5);
    EXPECT_NEAR(row["p"].get<double>(), 2.0 * (1 + 7) / 128, 1e-12);
    EXPECT_THAT(row["conclusion"].get<std::string>(), HasSubstr("does not tell small and large"));
    EXPECT_EQ((*judgement)["pairs"][0]["verdict"], "b");
    EXPECT_EQ((*judgement)["judge"], "rule");
    int before = longer.asked;
    ASSERT_TRUE(Judge(longer, {"a", "bb", "cc", "d", "e", "f", "g", "h"},
                      {"aa", "b", "cc", "dd", "ee", "ff", "gg", "hh"}));
    EXPECT_EQ(longer.asked, before) << "what was judged is not asked again";
}

TEST_F(JudgeTest, SeesThatAJudgePrefersAPlace) {
    RuleJudge first([](const std::string&, const std::string&) { return "A"; });
    auto judgement = Judge(first, {"a", "b", "c"}, {"x", "y", "z"});
    ASSERT_TRUE(judgement);
    const Json& row = (*judgement)["tasks"].at(0);
    EXPECT_EQ(row["swayed"], 3);
    EXPECT_EQ(row["wins_a"], 0);
    EXPECT_EQ(row["first_preferred"], 1.0);
    EXPECT_EQ(row["agreement"], 0.0);
    EXPECT_THAT((*judgement)["warnings"].at(0).get<std::string>(), HasSubstr("prefers a place"));
}

TEST_F(JudgeTest, SaysSoWhenTheJudgeTalksNonsense) {
    RuleJudge nonsense([](const std::string&, const std::string&) { return "Lovely weather!"; });
    auto judgement = Judge(nonsense, {"a"}, {"b"});
    ASSERT_FALSE(judgement);
    EXPECT_THAT(judgement.error().message, HasSubstr("no verdict on any of 1 pairs"));
}

}  // namespace
}  // namespace lathe::eval
