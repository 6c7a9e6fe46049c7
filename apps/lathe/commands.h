// The subcommands of the `lathe` binary, one file each (<name>_command.cc).
//
// AddXCommand registers a subcommand on `app`; when the user gives it, its
// callback runs and stores the exit code through `exit_code`:
//   0 done · 1 it failed, the message is on standard error · 2 the command line
//   was wrong (CLI11's own codes are folded into 2 by main).
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace lathe::app {

void AddBenchCommand(CLI::App& app, int& exit_code);
void AddChatCommand(CLI::App& app, int& exit_code);
void AddChooseCommand(CLI::App& app, int& exit_code);
void AddDivergenceCommand(CLI::App& app, int& exit_code);
void AddFitCommand(CLI::App& app, int& exit_code);
void AddEvalCommand(CLI::App& app, int& exit_code);
void AddGenerateCommand(CLI::App& app, int& exit_code);
void AddImatrixCommand(CLI::App& app, int& exit_code);
void AddInspectCommand(CLI::App& app, int& exit_code);
void AddTokenizeCommand(CLI::App& app, int& exit_code);
void AddPerplexityCommand(CLI::App& app, int& exit_code);
void AddQuantizeCommand(CLI::App& app, int& exit_code);
void AddRenderCommand(CLI::App& app, int& exit_code);
void AddServeCommand(CLI::App& app, int& exit_code);
void AddListCommand(CLI::App& app, int& exit_code);
void AddPullCommand(CLI::App& app, int& exit_code);
void AddRemoveCommand(CLI::App& app, int& exit_code);

}  // namespace lathe::app
