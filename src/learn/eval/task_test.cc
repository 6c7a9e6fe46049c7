#include "learn/eval/task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/eval/task_set.h"
#include "learn/eval/task_yaml.h"
#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

constexpr const char* kData =
    "{\"q\": \"one\", \"c\": [\"a\", \"b\"], \"gold\": 1}\n"
    "{\"q\": \"two\", \"c\": [\"c\", \"d\"], \"gold\": 0}\n"
    "{\"q\": \"three\", \"c\": [\"e\", \"f\"], \"gold\": 0}\n";

constexpr const char* kChoice =
    "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\n"
    "test_split: test\noutput_type: multiple_choice\n"
    "doc_to_text: 'Q: {{q}}'\ndoc_to_choice: c\ndoc_to_target: gold\n";

class TaskTest : public ::testing::Test {
protected:
    TaskTest() { folder_.Write("data.jsonl", kData); }

    Result<Task> Load(const std::string& yaml, const TaskOptions& options = {}) {
        LATHE_TRY(TaskSet set, ReadTaskSet({folder_.Write("t.yaml", yaml)}));
        return Task::Load(set.tasks[0], options);
    }

    std::vector<Question> Questions(const std::string& yaml, const TaskOptions& options = {}) {
        auto task = Load(yaml, options);
        EXPECT_TRUE(task) << task.error().message;
        if (!task) return {};
        task_ = *std::move(task);
        auto questions = task_->MakeQuestions();
        EXPECT_TRUE(questions) << questions.error().message;
        return questions.value_or(std::vector<Question>());
    }

    std::string ErrorOf(const std::string& yaml, const TaskOptions& options = {}) {
        auto task = Load(yaml, options);
        if (!task) return task.error().message;
        auto questions = task->MakeQuestions();
        return questions ? "" : questions.error().message;
    }

    ScratchDirectory folder_;
    std::optional<Task> task_;
};

TEST_F(TaskTest, AsksForEveryChoiceBehindTheContext) {
    auto questions = Questions(kChoice);
    ASSERT_EQ(questions.size(), 3u);
    ASSERT_EQ(questions[0].requests.size(), 2u);
    EXPECT_EQ(questions[0].requests[1].context, "Q: one");
    EXPECT_EQ(questions[0].requests[1].continuation, " b");
    EXPECT_EQ(Questions(kChoice, {.limit = 2}).size(), 2u);
}

TEST_F(TaskTest, PutsDescriptionExamplesAndPrefixBeforeTheQuestion) {
    auto questions = Questions(std::string(kChoice) +
                               "description: \"Choose.\\n\"\nnum_fewshot: 1\n"
                               "fewshot_config: {sampler: first_n, split: test}\n"
                               "gen_prefix: 'A:'\n");
    // The question itself is left out where the splits are the same.
    EXPECT_EQ(questions[0].requests[0].context, "Choose.\nQ: two A: c\n\nQ: one A:");
    EXPECT_EQ(questions[1].requests[0].context, "Choose.\nQ: one A: b\n\nQ: two A:");
}

// The order that lm-evaluation-harness 0.4.13 draws with seed 1234.
TEST_F(TaskTest, DrawsExamplesAsTheHarnessDoes) {
    std::string data;
    for (int i = 0; i < 10; ++i) data += fmt::format("{{\"q\": \"{}\", \"a\": \"x\"}}\n", i);
    folder_.Write("train.jsonl", data);
    auto questions = Questions(
        "task: t\ndataset_path: json\n"
        "dataset_kwargs: {data_files: {test: data.jsonl, train: train.jsonl}}\n"
        "test_split: test\ntraining_split: train\ndoc_to_text: q\ndoc_to_target: 'x'\n"
        "num_fewshot: 4\nfewshot_delimiter: ';'\ntarget_delimiter: '='\n");
    EXPECT_EQ(questions[0].requests[0].context, "7=x;1=x;0=x;9=x;one");
}

TEST_F(TaskTest, PutsChoicesIntoTheQuestionWhereTheTextIsANumber) {
    auto questions = Questions(
        "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\n"
        "test_split: test\noutput_type: multiple_choice\ndoc_to_text: gold\n"
        "doc_to_choice: \"{{[q ~ ' ' ~ c[0], q ~ ' ' ~ c[1]]}}\"\ndoc_to_target: end\n");
    ASSERT_TRUE(task_->multiple_inputs());
    EXPECT_EQ(questions[0].requests[1].context, "one b");
    EXPECT_EQ(questions[0].requests[1].continuation, " end");
}

TEST_F(TaskTest, AsksAsAChatWithTheExamplesAsTurns) {
    Json seen;
    TaskOptions options{.num_fewshot = 1,
                        .render_chat =
                            [&](const Conversation& conversation) {
                                seen = conversation.messages;
                                return Result<std::string>("<chat>");
                            },
                        .system_instruction = "Be brief."};
    std::string yaml = std::string(kChoice) + "fewshot_config: {sampler: first_n}\n";
    auto questions = Questions(yaml, options);
    EXPECT_EQ(questions[2].requests[0].context, "<chat>");
    EXPECT_EQ(questions[2].requests[0].continuation, "e");  // no delimiter in a chat
    EXPECT_EQ(seen, Json::parse(R"([{"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Q: one"}, {"role": "assistant", "content": "b"},
        {"role": "user", "content": "Q: three"}])"));
    options.fewshot_as_multiturn = false;
    Questions(yaml, options);
    EXPECT_EQ(seen[1]["content"], "Q: one b\n\nQ: three");
}

TEST_F(TaskTest, NamesADocumentAndLineOfATemplateThatFails) {
    folder_.Write("data.jsonl", "{\"q\": \"one\", \"n\": 1}\n{\"q\": \"two\", \"n\": null}\n");
    std::string head =
        "task: t\ndataset_path: json\ntest_split: test\ndoc_to_target: q\n"
        "dataset_kwargs: {data_files: {test: data.jsonl}}\n";
    EXPECT_THAT(
        ErrorOf(head + "doc_to_text: \"a\\n{{ n + 1 }}\"\n"),
        AllOf(HasSubstr("task t, document 1"), HasSubstr("doc_to_text"), HasSubstr("line 2")));
    EXPECT_THAT(ErrorOf(head + "doc_to_text: '{{ missing }}'\n"),
                AllOf(HasSubstr("document 0"), HasSubstr("'missing' is undefined")));
    EXPECT_THAT(ErrorOf(head + "doc_to_text: '{{ q '\n"), HasSubstr("template, line 1"));
}

TEST_F(TaskTest, RefusesWhatItDoesNotDoByName) {
    auto with = [&](const std::string& line) { return ErrorOf(std::string(kChoice) + line); };
    EXPECT_THAT(with("colour: red\n"), HasSubstr("`colour` is not known"));
    EXPECT_THAT(with("process_docs: f\n"), HasSubstr("`process_docs` is not supported"));
    EXPECT_THAT(with("metric_list: [{metric: rouge9}]\n"),
                AllOf(HasSubstr("`rouge9` is not known"), HasSubstr("acc_norm")));
    EXPECT_THAT(with("metric_list: [{metric: word_perplexity}]\n"),
                HasSubstr("not one for this output_type"));
    EXPECT_THAT(with("fewshot_split: dev\n"), HasSubstr("no such split"));
    EXPECT_THAT(with("num_fewshot: 9\nfewshot_config: {split: test}\n"),
                HasSubstr("9 examples are wanted"));
    EXPECT_THAT(ErrorOf("task: t\ndataset_path: allenai/ai2_arc\n"),
                AllOf(HasSubstr("allenai/ai2_arc"), HasSubstr("data_files")));
    EXPECT_THAT(ErrorOf("task: t\ndataset_path: json\ntest_split: test\n"
                        "dataset_kwargs: {data_files: {test: lost.jsonl}}\n"
                        "doc_to_text: q\ndoc_to_target: q\n"),
                HasSubstr("lost.jsonl"));
}

TEST_F(TaskTest, GroupsNameTasksByFileNameOrMapping) {
    folder_.Write("t.yaml", kChoice);
    auto group =
        folder_.Write("group.yaml",
                      "group: g\ntask: [t.yaml, {task: t, task_alias: other, "
                      "metadata: {version: 2}}]\naggregate_metric_list: [{metric: acc}]\n");
    auto clash = ReadTaskSet({group});
    ASSERT_FALSE(clash);
    EXPECT_THAT(clash.error().message, HasSubstr("two different tasks are named t"));
    auto good = folder_.Write("good.yaml", "group: g\ntask: [t]\n");
    auto set = ReadTaskSet({good});
    ASSERT_TRUE(set) << set.error().message;
    EXPECT_THAT(set->groups[0].tasks, ElementsAre("t"));
    auto lost = folder_.Write("lost.yaml", "group: g\ntask: [nobody]\n");
    EXPECT_THAT(ReadTaskSet({lost}).error().message, HasSubstr("`nobody`"));
}

}  // namespace
}  // namespace lathe::eval
