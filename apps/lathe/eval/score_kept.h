// What a model keeps of another's scores.
#pragma once

#include <filesystem>
#include <vector>

#include "core/base/result.h"
#include "learn/quant/report.h"

namespace lathe::app {

// The main metric (the first that a task file names) of each task of `run`, beside that of
// `baseline`, a run on the same documents; last "all tasks", the sum of the scores of tasks
// where more is better. Errors: those of eval::DiffRuns.
Result<std::vector<quant::ReportRow::Score>> ScoresKept(const std::filesystem::path& baseline,
                                                        const std::filesystem::path& run);

}  // namespace lathe::app
