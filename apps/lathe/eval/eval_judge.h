// `lathe eval judge`: a model says which of two runs wrote the better answers.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace lathe::app {

void AddEvalJudgeCommand(CLI::App& eval, int& exit_code);

}  // namespace lathe::app
