// `lathe eval diff`: two runs compared.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace lathe::app {

void AddEvalDiffCommand(CLI::App& eval, int& exit_code);

}  // namespace lathe::app
