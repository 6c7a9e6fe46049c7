// What `lathe eval` prints.
#pragma once

#include <string>

#include "core/json/json.h"

namespace lathe::app {

// The scores of results.json as a table: a line per task, filter and metric.
std::string EvalTable(const Json& results);

}  // namespace lathe::app
