#include "learn/eval/task_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/platform/files.h"
#include "learn/eval/task_set.h"
#include "support/paths.h"
#include "support/scratch.h"

namespace lathe::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing_support::ScratchDirectory;

TaskLibrary Own() {
    auto library = TaskLibrary::OpenFolders({testing_support::SourceTree() / "data/eval"});
    EXPECT_TRUE(library) << library.error().message;
    return library.value_or(TaskLibrary());
}

TEST(TaskLibrary, HasTasksOfEveryKindWithTheirLicence) {
    TaskLibrary library = Own();
    std::set<std::string> categories;
    for (const LibraryTask& task : library.tasks()) {
        categories.insert(task.category);
        for (const std::string* text : {&task.title, &task.language, &task.licence, &task.source})
            EXPECT_FALSE(text->empty()) << task.name;
    }
    EXPECT_THAT(categories,
                ::testing::ElementsAre("classification", "code", "grammar", "hallucination",
                                       "knowledge", "mathematics", "reading", "reasoning",
                                       "refusal", "tools", "vision"));
}

TEST(TaskLibrary, AsksEveryDocumentOfItsTasks) {
    auto files = Own().Find("all");
    ASSERT_TRUE(files);
    auto set = ReadTaskSet(*files);
    ASSERT_TRUE(set) << set.error().message;
    for (const TaskConfig& config : set->tasks) {
        auto task = Task::Load(config, {});
        ASSERT_TRUE(task) << task.error().message;
        auto questions = task->MakeQuestions();
        ASSERT_TRUE(questions) << questions.error().message;
        EXPECT_GE(questions->size(), 90u) << config.name;
        auto page = platform::ReadFile(testing_support::SourceTree() / "data/eval" / config.name /
                                       "README.md");
        ASSERT_TRUE(page) << config.name;
        EXPECT_THAT(*page, HasSubstr("## Three worked samples\n\n###")) << config.name;
    }
}

TEST(TaskLibrary, FindsTasksCategoriesAndFiles) {
    TaskLibrary library = Own();
    EXPECT_THAT(*library.Find("arc_easy"), SizeIs(1));
    EXPECT_THAT(*library.Find("mathematics"), SizeIs(2));
    EXPECT_THAT(*library.Find("vision"), SizeIs(1));
    EXPECT_THAT(*library.Find("all"), SizeIs(library.tasks().size() - 1));
    EXPECT_EQ(library.Find("some/where.yaml")->at(0), "some/where.yaml");
    auto missing = library.Find("arc_esay");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    EXPECT_THAT(missing.error().message, HasSubstr("arc_easy"));
}

TEST(TaskLibrary, LetsTheUsersFoldersGoFirst) {
    ScratchDirectory scratch;
    auto folder = scratch.path() / "mine";
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(platform::WriteFileAtomically(
        folder / "task.yaml",
        "task: arc_easy\nmetadata: {title: my own, category: mine, language: en}\n"));
    auto library =
        TaskLibrary::OpenFolders({scratch.path(), testing_support::SourceTree() / "data/eval"});
    ASSERT_TRUE(library) << library.error().message;
    EXPECT_EQ(std::ranges::count(library->tasks(), "arc_easy", &LibraryTask::name), 1);
    EXPECT_EQ(library->Find("arc_easy")->at(0), folder / "task.yaml");
}

}  // namespace
}  // namespace lathe::eval
