#pragma once

#include <filesystem>
#include <stop_token>

#include "core/base/result.h"
#include "core/telemetry/progress.h"
#include "learn/choose/choice.h"

namespace lathe::choose {

struct ChooserOptions {
    std::filesystem::path output;
    bool quick = false;  // stop after the screen
};

// Finds the candidate that serves a brief best:
//
//   predict   what cannot keep the limits of memory and speed is set aside
//   screen    the others: some documents of each task, speeds, memory
//   drop      who is certainly worse than another that costs no more
//   in full   those that stay: more documents, the first ones taken over
//   rank      docs/design/choosing.md
//
// Below `output`:
//
//   runs/CANDIDATE/TASK/        a run of learn/eval, with its journal
//   runs/CANDIDATE/costs.json   what was measured of its speed and memory
//
// so that the same call goes on where an earlier one ended, however it ended. A candidate
// that fails is left out, with the message. Errors: a task that cannot be read or weighed
// (before any model is loaded); a folder that cannot be written; kCancelled when `stop` is
// requested. One thread.
Result<Choice> Choose(const Brief& brief, Workbench& workbench, const ChooserOptions& options,
                      telemetry::ProgressDisplay& display, std::stop_token stop);

}  // namespace lathe::choose
