#include "learn/eval/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "core/platform/files.h"
#include "learn/eval/run_journal.h"
#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

// Likes short continuations, says "the answer is 7 ..." and counts what it is asked.
class FakeSubject : public Subject {
public:
    Json identity() const override { return {{"model", name}}; }
    std::string chat_template() const override { return "<template>"; }
    Result<std::string> RenderChat(const Conversation& conversation) const override {
        return "[" + conversation.messages.back()["content"].get<std::string>() + "]";
    }
    Status Ask(std::span<const Question> questions, const Sink& sink, std::stop_token) override {
        for (size_t i = questions.size(); i-- > 0;) {  // not in order
            if (asked == fails_after) return MakeError(fails_with, "the server is gone");
            ++asked;
            std::vector<ModelAnswer> answers;
            for (const ModelRequest& request : questions[i].requests)
                for (int64_t r = 0; r < questions[i].repeats; ++r)
                    answers.push_back({-1.5 * static_cast<double>(request.continuation.size()),
                                       request.continuation == " b", says});
            LATHE_RETURN_IF_ERROR(sink(i, std::move(answers)));
        }
        return {};
    }

    std::string name = "fake";
    std::string says = " the answer is 7.";
    int asked = 0;
    int fails_after = -1;
    Code fails_with = Code::kUnavailable;
};

constexpr const char* kChoice =
    "task: choice\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\n"
    "test_split: test\noutput_type: multiple_choice\nmetadata: {version: 3}\n"
    "doc_to_text: 'Q: {{q}}'\ndoc_to_choice: ['long one', 'b']\ndoc_to_target: gold\n";
constexpr const char* kGenerate =
    "task: write\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\n"
    "test_split: test\noutput_type: generate_until\ndoc_to_text: q\ndoc_to_target: n\n"
    "filter_list:\n  - name: number\n    filter:\n"
    "      - {function: regex, regex_pattern: '(\\d+)'}\n      - {function: take_first}\n";

class EvaluationTest : public ::testing::Test {
protected:
    EvaluationTest() {
        folder_.Write("data.jsonl",
                      "{\"q\": \"a\", \"gold\": 1, \"n\": \"7\"}\n"
                      "{\"q\": \"b\", \"gold\": 0, \"n\": \"8\"}\n"
                      "{\"q\": \"c\", \"gold\": 1, \"n\": \"7\"}\n");
        folder_.Write("choice.yaml", kChoice);
        folder_.Write("write.yaml", kGenerate);
        folder_.Write(
            "both.yaml",
            "group: both\ntask: [choice, write]\naggregate_metric_list: [{metric: acc}]\n");
    }

    Result<EvaluationReport> Run(const std::string& output = "run") {
        LATHE_TRY(TaskSet set, ReadTaskSet({folder_.path() / "both.yaml"}));
        EvaluationOptions options;
        options.output = folder_.path() / output;
        return Evaluate(subject_, set, options, nullptr, {});
    }

    std::string Read(const std::string& file) {
        return platform::ReadFile(folder_.path() / file).value_or("cannot read " + file);
    }

    ScratchDirectory folder_;
    FakeSubject subject_;
};

TEST_F(EvaluationTest, WritesResultsInTheHarnesssSchema) {
    auto report = Run();
    ASSERT_TRUE(report) << report.error().message;
    Json results = Json::parse(Read("run/results.json"));
    EXPECT_EQ(results, report->results);
    EXPECT_DOUBLE_EQ(results["results"]["choice"]["acc,none"], 2.0 / 3);
    EXPECT_NEAR(results["results"]["choice"]["acc_stderr,none"], 1.0 / 3, 1e-12);
    EXPECT_DOUBLE_EQ(results["results"]["write"]["exact_match,number"], 2.0 / 3);
    EXPECT_DOUBLE_EQ(results["groups"]["both"]["acc,none"], 2.0 / 3);
    EXPECT_EQ(results["versions"]["choice"], 3);
    EXPECT_EQ(results["n-samples"]["choice"], (Json{{"original", 3}, {"effective", 3}}));
    EXPECT_EQ(results["n-shot"]["choice"], 0);
    EXPECT_EQ(results["higher_is_better"]["choice"], (Json{{"acc", true}, {"acc_norm", true}}));
    EXPECT_EQ(results["group_subtasks"]["both"], (Json{"choice", "write"}));
}

TEST_F(EvaluationTest, WritesALinePerDocumentWithTheHarnesssFields) {
    ASSERT_TRUE(Run());
    std::string lines = Read("run/samples_choice.jsonl");
    Json sample = Json::parse(lines.substr(0, lines.find('\n')));
    std::vector<std::string> keys;
    for (const auto& [key, value] : sample.items()) keys.push_back(key);
    EXPECT_THAT(keys, ElementsAre("doc_id", "doc", "target", "arguments", "resps", "filtered_resps",
                                  "filter", "metrics", "doc_hash", "prompt_hash", "target_hash",
                                  "acc", "acc_norm"));
    EXPECT_EQ(sample["target"], "1");
    EXPECT_EQ(sample["arguments"]["gen_args_1"], (Json{{"arg_0", "Q: a"}, {"arg_1", " b"}}));
    EXPECT_EQ(sample["resps"], Json::parse(R"([[["-13.5", "False"]], [["-3.0", "True"]]])"));
    EXPECT_EQ(sample["filtered_resps"], Json::parse(R"([["-13.5", "False"], ["-3.0", "True"]])"));
    Json written = Json::parse(
        Read("run/samples_write.jsonl").substr(0, Read("run/samples_write.jsonl").find('\n')));
    EXPECT_EQ(written["resps"], Json::parse(R"([[" the answer is 7."]])"));
    EXPECT_EQ(written["filtered_resps"], Json::array({"7"}));
    EXPECT_EQ(written["exact_match"], 1.0);
}

TEST_F(EvaluationTest, GoesOnWhereItStoppedAndGivesTheSameBytes) {
    ASSERT_TRUE(Run("whole"));
    subject_.asked = 0;
    subject_.fails_after = 4;
    auto broken = Run();
    ASSERT_FALSE(broken);
    EXPECT_THAT(broken.error().message, HasSubstr("the server is gone"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "run/results.json"));
    {  // what a kill leaves: half a line
        std::ofstream journal(folder_.path() / "run/journal.jsonl", std::ios::app);
        journal << "{\"check\": \"";
    }
    subject_.fails_after = -1;
    subject_.asked = 0;
    ASSERT_TRUE(Run());
    EXPECT_EQ(subject_.asked, 2);  // of 6
    for (const char* name : {"samples_choice.jsonl", "samples_write.jsonl"})
        EXPECT_EQ(Read("run/" + std::string(name)), Read("whole/" + std::string(name)));
    subject_.asked = 0;
    ASSERT_TRUE(Run());
    EXPECT_EQ(subject_.asked, 0);
}

TEST_F(EvaluationTest, SaysInItsFolderHowFarItCame) {
    auto progress = [&] { return Json::parse(Read("run/progress.json")); };
    subject_.fails_after = 2;
    ASSERT_FALSE(Run());
    EXPECT_EQ(progress()["state"], "failed");
    EXPECT_EQ(progress()["done"], 2);
    subject_.fails_after = 3;
    subject_.fails_with = Code::kCancelled;
    ASSERT_FALSE(Run());
    EXPECT_EQ(progress()["state"], "stopped");
    EXPECT_EQ(progress()["found"], 2);
    subject_.fails_after = -1;
    ASSERT_TRUE(Run());
    Json end = progress();
    EXPECT_EQ(end["state"], "done");
    EXPECT_EQ(end["done"], 6);
    EXPECT_EQ(end["total"], 6);
    EXPECT_EQ(end["found"], 3);
    EXPECT_EQ(end["model"], "fake");
    EXPECT_EQ(end["tasks"], (Json{"choice", "write"}));
}

TEST_F(EvaluationTest, AsksAgainWhatWasAskedOtherwise) {
    ASSERT_TRUE(Run());
    folder_.Write("choice.yaml", std::string(kChoice) + "description: New.\n");
    subject_.asked = 0;
    ASSERT_TRUE(Run());
    EXPECT_EQ(subject_.asked, 3);
}

TEST_F(EvaluationTest, RefusesTheFolderOfAnotherModelOrABrokenOne) {
    ASSERT_TRUE(Run());
    subject_.name = "other";
    auto other = Run();
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().message, HasSubstr("model is \"fake\" there and \"other\" now"));
    subject_.name = "fake";
    std::string journal = Read("run/journal.jsonl");
    journal[journal.find("-13.5") + 1] = '9';
    folder_.Write("run/journal.jsonl", journal);
    auto broken = Run();
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Code::kDataLoss);
}

TEST_F(EvaluationTest, LetsOneRunWriteAtATime) {
    auto held = RunJournal::Open(folder_.path() / "run", subject_.identity());
    ASSERT_TRUE(held);
    auto second = Run();
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("another run is writing"));
}

TEST_F(EvaluationTest, WarnsOfAFilterThatNeverMatched) {
    subject_.says = "no idea";
    auto report = Run();
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_EQ(report->warnings.size(), 1u);
    EXPECT_THAT(report->warnings[0], HasSubstr("`number` matched none of the answers to 3"));
    EXPECT_EQ(report->results["warnings"].size(), 1u);
}

TEST_F(EvaluationTest, ChecksPromptsWithExpectedAnswers) {
    auto file = folder_.Write("check.jsonl",
                              "{\"prompt\": \"a\", \"expected\": \"the answer is\"}\n"
                              "{\"prompt\": \"b\", \"expected\": \"is 7.\"}\n"
                              "{\"prompt\": \"c\", \"expected\": \"8\"}\n");
    const std::map<std::string, int> right = {{"starts-with", 1}, {"contains", 2}, {"equals", 0}};
    for (const auto& [match, count] : right) {
        auto set = MakePromptCheck({.file = file, .match = match});
        ASSERT_TRUE(set) << set.error().message;
        EvaluationOptions options;
        options.output = folder_.path() / match;
        auto report = Evaluate(subject_, *set, options, nullptr, {});
        ASSERT_TRUE(report) << report.error().message;
        std::string key = match + ",none";
        std::ranges::replace(key, '-', '_');
        EXPECT_DOUBLE_EQ(report->results["results"]["check"][key], count / 3.0) << match;
    }
    auto lacking = folder_.Write("lacking.jsonl", "{\"prompt\": \"a\"}\n");
    auto set = MakePromptCheck({.file = lacking});
    ASSERT_TRUE(set);
    EvaluationOptions options;
    options.output = folder_.path() / "lacking";
    auto report = Evaluate(subject_, *set, options, nullptr, {});
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().message, HasSubstr("'expected' is undefined"));
}

TEST_F(EvaluationTest, RefusesFiltersThatLeaveManyAnswers) {
    folder_.Write("write.yaml", std::string(kGenerate) +
                                    "repeats: 2\nfilter_list: "
                                    "[{name: all, filter: [{function: lowercase}]}]\n");
    auto report = Run();
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().message, HasSubstr("leaves 2 answers"));
}

}  // namespace
}  // namespace lathe::eval
