#include "learn/sandbox/code_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/paths.h"

namespace lathe::sandbox {
namespace {

using testing::HasSubstr;

const SandboxOptions kPatient{.wall_seconds_max = 300, .cpu_seconds_max = 100};

std::vector<Json> Documents(std::string_view name) {
    std::vector<Json> documents;
    std::ifstream lines(testing_support::Golden(fmt::format("code/{}.jsonl", name)));
    for (std::string line; std::getline(lines, line);) documents.push_back(*ParseJson(line));
    return documents;
}

std::vector<Verdict> JudgeAll(const std::vector<CodeTask>& tasks,
                              const std::vector<std::string>& texts) {
    auto sandbox = Sandbox::Create(kPatient);
    EXPECT_TRUE(sandbox) << sandbox.error().message;
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < tasks.size(); ++i)
        candidates.push_back({.task = &tasks[i], .text = texts[i]});
    auto verdicts = Judge(*sandbox, candidates, 2);
    EXPECT_TRUE(verdicts) << verdicts.error().message;
    return *verdicts;
}

TEST(CodeTask, ReferenceSolutionsPassAndEmptyOnesDoNot) {
    for (auto [name, solution, count] :
         {std::tuple{"humaneval", "canonical_solution", 14}, {"mbpp", "code", 14}}) {
        std::vector<CodeTask> tasks;
        std::vector<std::string> texts;
        for (const Json& document : Documents(name)) {
            for (std::string text :
                 {document[solution].get<std::string>(), std::string("    pass\n")}) {
                tasks.push_back(*CodeTask::FromDocument(document));
                texts.push_back(text);
            }
        }
        ASSERT_EQ(tasks.size(), 2u * static_cast<size_t>(count));
        std::vector<Verdict> verdicts = JudgeAll(tasks, texts);
        for (size_t i = 0; i < verdicts.size(); ++i) {
            EXPECT_EQ(verdicts[i].passed, i % 2 == 0) << name << i << verdicts[i].reason;
            EXPECT_EQ(verdicts[i].reason.empty(), verdicts[i].passed);
        }
    }
}

CodeTask DoubleTask() {
    return *CodeTask::FromDocument({{"prompt", "def double(x):\n"},
                                    {"test", "def check(f):\n    assert f(2) == 4"},
                                    {"entry_point", "double"}});
}

Verdict VerdictOf(std::string_view candidate) {
    return JudgeAll({DoubleTask()}, {std::string(candidate)})[0];
}

TEST(CodeTask, SaysWhyACandidateFails) {
    EXPECT_TRUE(VerdictOf("    return x * 2").passed);
    EXPECT_EQ(VerdictOf("    return x * 3").reason, "AssertionError");
    EXPECT_THAT(VerdictOf("    return y").reason, HasSubstr("NameError"));
    EXPECT_THAT(VerdictOf("    return (").reason, HasSubstr("SyntaxError"));
    EXPECT_EQ(VerdictOf("    import os; os.kill(os.getpid(), 11)").reason, "signal 11");
}

TEST(CodeTask, EndingEarlyIsNoWayToPass) {
    for (const char* candidate :
         {"    exit(0)", "    import os; os._exit(0)", "    return 4\nraise SystemExit",
          "    return 5\ndef check(f): import os; os._exit(0)\nimport os; os._exit(0)"}) {
        Verdict verdict = VerdictOf(candidate);
        EXPECT_FALSE(verdict.passed) << candidate;
        EXPECT_EQ(verdict.reason, "ended before its tests did") << candidate;
    }
}

TEST(CodeTask, OutputOfTheCandidateDoesNotMatter) {
    EXPECT_TRUE(VerdictOf("    print('reached-the-end', x)\n    return 2 * x").passed);
    EXPECT_TRUE(VerdictOf("    return 2 * x\nimport sys\nsys.stdout = None\nprint = None").passed);
}

TEST(CodeTask, NamesTheColumnThatIsMissing) {
    auto task = CodeTask::FromDocument({{"prompt", "def f():\n"}, {"test", "pass"}});
    ASSERT_FALSE(task);
    EXPECT_EQ(task.error().param, "entry_point");
    EXPECT_THAT(task.error().message, HasSubstr("no column entry_point"));
    EXPECT_EQ(CodeTask::FromDocument({{"test_list", "assert 1"}}).error().param, "test_list");
    EXPECT_FALSE(CodeTask::FromDocument(Json::array()));
}

TEST(CodeTask, TakesTheCodeOutOfAnAnswer) {
    EXPECT_EQ(CodeOfAnswer("Sure:\n```python\ndef f():\n    return 1\n```\nDone."),
              "def f():\n    return 1");
    EXPECT_EQ(CodeOfAnswer("def f(): pass"), "def f(): pass");
    EXPECT_EQ(CodeOfAnswer("```\nx = 1"), "x = 1");
    EXPECT_EQ(CodeOfAnswer("```"), "");
}

}  // namespace
}  // namespace lathe::sandbox
