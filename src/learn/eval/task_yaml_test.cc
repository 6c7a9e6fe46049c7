#include "learn/eval/task_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;
using testing_support::ScratchDirectory;

std::string ErrorOf(std::string_view text) {
    auto parsed = ParseTaskYaml(text);
    return parsed ? "parsed: " + DumpJson(*parsed) : parsed.error().message;
}

TEST(TaskYaml, TypesScalarsAsPyYamlDoes) {
    auto parsed = ParseTaskYaml(
        "a: 12\nb: -0x1f\nc: 017\nd: 1_000\ne: 1.5\nf: 1e5\ng: 1.0e+5\nh: yes\ni: Off\nj: ~\n"
        "k: '12'\nl: \"a\\n\"\nm: 1.2.3\nn:\no: !!str 5\np: -.5\nq: 99999999999999999999\n");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, Json::parse(R"({"a": 12, "b": -31, "c": 15, "d": 1000, "e": 1.5, "f": "1e5",
        "g": 100000.0, "h": true, "i": false, "j": null, "k": "12", "l": "a\n", "m": "1.2.3",
        "n": null, "o": "5", "p": -0.5, "q": "99999999999999999999"})"));
}

TEST(TaskYaml, FollowsAliasesAndMergeKeysAndKeepsTheLastOfEqualKeys) {
    auto parsed = ParseTaskYaml("base: &b {x: 1, y: 2}\nother: {<<: *b, y: 3}\nz: 1\nz: 2\n");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ((*parsed)["other"], (Json{{"y", 3}, {"x", 1}}));
    EXPECT_EQ((*parsed)["z"], 2);
}

TEST(TaskYaml, RefusesPythonFunctionsByNameAndLine) {
    EXPECT_THAT(ErrorOf("task: t\nprocess_docs: !function utils.f\n"),
                ::testing::AllOf(HasSubstr("line 2"), HasSubstr("!function utils.f"),
                                 HasSubstr("Jinja template")));
    EXPECT_THAT(ErrorOf("a: !!python/object:os.system x\n"), HasSubstr("is not supported"));
}

TEST(TaskYaml, ErrorsNameTheLine) {
    EXPECT_THAT(ErrorOf("a: 1\nb: [1, 2\n"), HasSubstr("line 3"));
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'h'; ++c) {
        bomb += std::string(1, c) + ": &" + c + " [";
        for (int i = 0; i < 9; ++i) bomb += fmt::format("*{}, ", static_cast<char>(c - 1));
        bomb += fmt::format("*{}]\n", static_cast<char>(c - 1));
    }
    EXPECT_THAT(ErrorOf(bomb), HasSubstr("more than 200000 values"));
}

TEST(TaskYaml, FillsInWhatAFileIncludes) {
    ScratchDirectory folder;
    folder.Write("base/common.yaml",
                 "output_type: multiple_choice\ntask: base\n"
                 "dataset_kwargs: {data_files: {test: data.jsonl}}\n");
    auto path = folder.Write("task.yaml", "include: base/common.yaml\ntask: mine\n");
    auto config = ReadTaskYaml(path);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ((*config)["task"], "mine");
    EXPECT_EQ((*config)["output_type"], "multiple_choice");
    EXPECT_EQ((*config)["dataset_kwargs"]["data_files"]["test"], "base/data.jsonl");
    EXPECT_FALSE(config->contains("include"));
    auto loop = folder.Write("loop.yaml", "include: loop.yaml\n");
    EXPECT_THAT(ReadTaskYaml(loop).error().message, HasSubstr("include each other"));
}

}  // namespace
}  // namespace lathe::eval
