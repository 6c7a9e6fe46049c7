// What a list says of a run. Free functions, thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/json/json.h"
#include "service/runs/guarded_folder.h"

namespace lathe::runs {

inline constexpr uint64_t kResultBytesMax = 32u << 20;  // of results.json, report.json, choice.json

enum class RunKind { kEvaluation, kQuantization, kChoice };

// "evaluation", "quantization", "choice".
std::string_view NameOf(RunKind kind);
// The file that a run of the kind ends with: results.json, report.json, choice.json.
std::string_view ResultFileOf(RunKind kind);

// Nothing if the folder is no run.
std::optional<RunKind> KindOf(const GuardedFolder& folder);

// Its result, or an error that names the file.
Result<Json> ReadResult(const GuardedFolder& folder, RunKind kind);

// What the result says, as far as it is there: {"model", "tasks", "headline", "date_unix"?,
// "title"?, "problem"?}; the model of a choice is the one it recommends. Depends on the file of the
// result alone.
Json SummaryOfResult(const GuardedFolder& folder, RunKind kind);

// How far the run is: {"state": "running"|"done"|"failed"|"stopped"|"interrupted", "model"?,
// "tasks"?, "progress": {…}|null, "started_unix"?, "updated_unix"?}.
Json StateOf(const GuardedFolder& folder, RunKind kind, std::chrono::system_clock::time_point now);

}  // namespace lathe::runs
