// What `lathe eval` prints.
#pragma once

#include <string>
#include <vector>

#include "core/json/json.h"

namespace lathe::app {

// Columns as wide as their widest cell; the first line is the head.
std::string TextTable(const std::vector<std::vector<std::string>>& lines);

// The scores of results.json as a table: a line per task, filter and metric.
std::string EvalTable(const Json& results);

}  // namespace lathe::app
