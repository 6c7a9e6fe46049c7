#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/task.h"

namespace lathe::eval {

// A metric of a group, over all tasks below it.
struct GroupMetric {
    std::string metric;
    bool weight_by_size = true;
    std::vector<std::string> filters;  // empty: all that the tasks have
};

struct TaskGroup {
    std::string name;
    std::string alias;
    Json version;
    std::vector<std::string> members;  // names of tasks and groups, as written
    std::vector<std::string> tasks;    // all tasks below it
    std::vector<GroupMetric> metrics;  // empty: none for the group itself
};

// What a list of task files asks for: tasks in the order of their first mention, each
// once, and the groups they are in, inner ones first.
struct TaskSet {
    std::vector<TaskConfig> tasks;
    std::vector<TaskGroup> groups;
};

// Reads task and group files. A group's `task` list names files relative to its own, names
// of tasks or groups of files in the same folder, or writes tasks out as mappings (with
// `task: NAME` of such a file they change some of its keys). Errors name the file.
Result<TaskSet> ReadTaskSet(const std::vector<std::filesystem::path>& paths);

// The simplest check: a file (JSON lines, or CSV by its name) with the columns `prompt` and
// `expected`. A text is right as `match` says of it and the expected one: starts-with,
// contains or equals, without the white space around both.
struct PromptCheck {
    std::filesystem::path file;
    std::string match = "starts-with";
    int64_t tokens_max = 32;  // of an answer
};
Result<TaskSet> MakePromptCheck(const PromptCheck& check);

}  // namespace lathe::eval
