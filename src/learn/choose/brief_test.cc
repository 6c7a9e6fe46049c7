#include "learn/choose/brief.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/choose/candidate.h"
#include "support/scratch.h"

namespace lathe::choose {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

constexpr std::string_view kSmall =
    "title = \"t\"\n"
    "[[task]]\nname = \"arc_easy\"\n"
    "[[candidate]]\nmodel = \"smollm2-135m\"\n";

std::string ErrorOf(std::string_view text, const std::filesystem::path& folder = ".") {
    auto brief = Brief::Parse(text, folder);
    return brief ? "no error" : brief.error().message;
}

TEST(Brief, ReadsEverythingThatMayStandInOne) {
    ScratchDirectory folder;
    folder.Write("own.yaml", "");
    folder.Write("faq.jsonl", "");
    auto brief = Brief::Parse(R"(
title = "Chinese FAQ"
report_language = "zh"
languages = ["zh", "en"]
screen_documents = 10
documents = 50
[[task]]
name = "cmmlu"
weight = 2
shots = 5
[[task]]
file = "own.yaml"
metric = "acc_norm"
filter = "strict"
chance = 0.25
[[task]]
name = "faq"
prompts = "faq.jsonl"
match = "equals"
max_length = 8
chat = true
[data]
examples = 1200
[limits]
first_token_ms = 500
tokens_per_second = 20
users = 4
memory_gib = 4
cost_per_million_tokens = 1.5
[traffic]
prompt_tokens = 100
answer_tokens = 20
[money]
currency = "CNY"
machine_hour = 0.4
[[candidate]]
model = "qwen2.5-coder-0.5b"
precisions = ["as-is", "q4_k_m"]
[[candidate]]
server = "https://host/v1"
model = "big"
key_env = "BIG_KEY"
input_price_per_million = 1.0
output_price_per_million = 2
[[machine]]
name = "rtx-4090"
)",
                              folder.path());
    ASSERT_TRUE(brief) << brief.error().message;
    EXPECT_EQ(brief->title, "Chinese FAQ");
    EXPECT_EQ(brief->report_language, Language::kChinese);
    EXPECT_THAT(brief->languages, ElementsAre("zh", "en"));
    ASSERT_EQ(brief->tasks.size(), 3u);
    EXPECT_EQ(brief->tasks[0].builtin, "cmmlu");
    EXPECT_EQ(brief->tasks[0].weight, 2);
    EXPECT_EQ(brief->tasks[0].shots, 5);
    EXPECT_EQ(brief->tasks[1].name, "own");
    EXPECT_EQ(brief->tasks[1].file, folder.path() / "own.yaml");
    EXPECT_EQ(brief->tasks[1].chance, 0.25);
    EXPECT_EQ(brief->tasks[2].match, "equals");
    EXPECT_TRUE(brief->tasks[2].chat);
    EXPECT_EQ(brief->examples, 1200);
    EXPECT_EQ(brief->limits.cost_per_million_tokens, 1.5);
    EXPECT_EQ(brief->traffic.users, 4);
    EXPECT_EQ(brief->traffic.prompt_tokens, 100);
    EXPECT_EQ(brief->money.machine_hour, 0.4);
    ASSERT_EQ(brief->candidates.size(), 2u);
    EXPECT_THAT(brief->candidates[0].precisions, ElementsAre("as-is", "Q4_K_M"));
    EXPECT_EQ(brief->candidates[1].output_price_per_million, 2);
    EXPECT_THAT(brief->machines, ElementsAre("rtx-4090"));
}

TEST(Brief, NeedsATitleATaskAndACandidate) {
    EXPECT_TRUE(Brief::Parse(kSmall, "."));
    EXPECT_THAT(ErrorOf(""), HasSubstr("title"));
    EXPECT_THAT(ErrorOf("title = \"t\"\n"), HasSubstr("[[task]]"));
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\n"), HasSubstr("[[candidate]]"));
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nweight = 2\n"),
                AllOf(HasSubstr("task[0] (line 2)"), HasSubstr("prompts = ")));
}

TEST(Brief, NamesAnUnknownKeyItsLineAndTheKnownOnes) {
    EXPECT_THAT(ErrorOf(std::string(kSmall) + "[limits]\nmemory = 4\n"),
                AllOf(HasSubstr("limits.memory (line 7)"), HasSubstr("memory_gib")));
    EXPECT_THAT(ErrorOf(std::string(kSmall) + "tempo = 1\n"),
                HasSubstr("candidate[0].tempo (line 6)"));
    EXPECT_THAT(ErrorOf("colour = 1\n" + std::string(kSmall)), HasSubstr("colour (line 1)"));
}

TEST(Brief, RefusesValuesThatMakeNoSense) {
    std::string small(kSmall);
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\nweight = 0\n"),
                AllOf(HasSubstr("task[0].weight (line 4)"), HasSubstr("above 0")));
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\nweight = -1\n"),
                HasSubstr("weight"));
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\nweight = nan\n"),
                HasSubstr("weight"));
    EXPECT_THAT(ErrorOf(small + "[limits]\nusers = 0\n"), HasSubstr("limits.users (line 7)"));
    EXPECT_THAT(ErrorOf(small + "[limits]\nusers = 1.5\n"), HasSubstr("whole number"));
    EXPECT_THAT(ErrorOf(small + "precisions = [\"Q9\"]\n"),
                AllOf(HasSubstr("precisions (line 6)"), HasSubstr("Q4_K_M")));
    EXPECT_THAT(ErrorOf(small + "precisions = [\"Q4_K\", \"Q4_K_M\"]\n"), HasSubstr("twice"));
    EXPECT_THAT(ErrorOf(small + "[[machine]]\nname = \"abacus\"\n"), HasSubstr("rtx-4090"));
    EXPECT_THAT(ErrorOf(small + "[data]\nexamples = 2020-01-01\n"),
                AllOf(HasSubstr("data.examples (line 7)"), HasSubstr("dates")));
    EXPECT_THAT(ErrorOf("languages = [\"Chinese\"]\n" + small), HasSubstr("languages (line 1)"));
    EXPECT_THAT(ErrorOf("report_language = \"fr\"\n" + small), HasSubstr("report_language"));
}

TEST(Brief, RefusesKeysThatDoNotGoTogether) {
    std::string small(kSmall);
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\nmatch = \"equals\"\n"),
                HasSubstr("prompts"));
    EXPECT_THAT(ErrorOf(small + "key_env = \"K\"\n"), HasSubstr("server"));
    EXPECT_THAT(ErrorOf(small + "server = \"https://h/v1\"\nprecisions = [\"Q8_0\"]\n"),
                HasSubstr("precisions"));
    EXPECT_THAT(ErrorOf(small + "server = \"h/v1\"\n"), HasSubstr("https://host/v1"));
    EXPECT_THAT(ErrorOf(small + "[limits]\ncost_per_million_tokens = 1\n"),
                HasSubstr("machine_hour"));
    EXPECT_THAT(ErrorOf(small + "[[candidate]]\nmodel = \"smollm2-135m\"\n"),
                HasSubstr("another candidate"));
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\n[[task]]\nname = \"a\"\n"),
                HasSubstr("like another"));
}

TEST(Brief, NamesFilesThatAreNotThere) {
    ScratchDirectory folder;
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task]]\nfile = \"lost.yaml\"\n", folder.path()),
                AllOf(HasSubstr("task[0].file (line 3)"), HasSubstr("lost.yaml")));
    EXPECT_THAT(
        ErrorOf("title = \"t\"\n[[task]]\nname = \"a\"\n[[candidate]]\nmodel = \"x.gguf\"\n",
                folder.path()),
        AllOf(HasSubstr("candidate[0].model (line 5)"), HasSubstr("x.gguf")));
}

TEST(Brief, GivesTheLineOfBrokenToml) {
    EXPECT_THAT(ErrorOf("title = \"t\"\n[[task\n"), HasSubstr("line 2"));
    EXPECT_THAT(ErrorOf("title = \"t\"\n [[ {name = 1}]\n"),
                HasSubstr("line 2: a key or a value is missing"));
    EXPECT_THAT(ErrorOf("title = \"a\"\ntitle = \"b\"\n"), HasSubstr("line 2"));
}

TEST(CandidatesOf, GivesEachPrecisionANameAndAFolder) {
    auto brief = Brief::Parse(std::string(kSmall) +
                                  "precisions = [\"as-is\", \"Q8_0\"]\n"
                                  "[[candidate]]\nserver = \"http://h/v1\"\nmodel = \"a/b\"\n",
                              ".");
    ASSERT_TRUE(brief) << brief.error().message;
    auto candidates = CandidatesOf(*brief);
    ASSERT_EQ(candidates.size(), 3u);
    EXPECT_EQ(candidates[0].name, "smollm2-135m as-is");
    EXPECT_EQ(candidates[1].folder, "smollm2-135m_Q8_0");
    EXPECT_EQ(candidates[2].name, "a/b (server)");
    EXPECT_EQ(candidates[2].folder, "a_b__server_");
    EXPECT_TRUE(candidates[2].is_remote());
}

}  // namespace
}  // namespace lathe::choose
