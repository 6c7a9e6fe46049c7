// What `lathe eval --list` and `--show` print: the tasks there are, and what one asks.
#pragma once

#include <string>

#include "learn/eval/task_library.h"
#include "learn/eval/task_set.h"

namespace lathe::app {

std::string TaskTable(const eval::TaskLibrary& library);

// The first documents of each task as the model gets them, with what is right: Markdown.
Result<std::string> WorkedSamples(const eval::TaskSet& tasks, const eval::TaskOptions& options,
                                  size_t count);

}  // namespace lathe::app
