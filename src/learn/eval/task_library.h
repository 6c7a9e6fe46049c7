#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace lathe::eval {

// A task that comes with Lathe.
struct LibraryTask {
    std::string name;
    std::filesystem::path file;  // task.yaml
    std::string title;           // what it measures, in a line
    std::string category;        // "reasoning", "mathematics" ...
    std::string language;        // "en", "zh"
    std::string licence;         // of its data
    std::string source;
};

// The tasks of the folders data/eval: one folder each, with task.yaml, the data and a page
// (README.md) with worked samples. Folders are those of $LATHE_TASKS (separated by colons) and
// the one that came with the program: data/eval above it, or share/lathe/eval beside it.
//
// Const-safe.
class TaskLibrary {
public:
    // Errors: a folder of $LATHE_TASKS that is not there, or a task file that cannot be read.
    static Result<TaskLibrary> Open();
    static Result<TaskLibrary> OpenFolders(const std::vector<std::filesystem::path>& folders);

    // By category and name.
    const std::vector<LibraryTask>& tasks() const { return tasks_; }

    // The task file of a name: a file itself, or a task of the library; of a category every task
    // of it, of `all` those of every category but vision. Errors (kNotFound) say what there is.
    Result<std::vector<std::filesystem::path>> Find(const std::string& name) const;

private:
    std::vector<LibraryTask> tasks_;
};

}  // namespace lathe::eval
