#include "commands.h"

int main(int argc, char** argv) {
    CLI::App app("Lathe: choose, tune, serve and govern language models on your own machines.",
                 "lathe");
    app.require_subcommand(1);
    int exit_code = 0;
    lathe::app::AddPullCommand(app, exit_code);
    lathe::app::AddListCommand(app, exit_code);
    lathe::app::AddRemoveCommand(app, exit_code);
    lathe::app::AddInspectCommand(app, exit_code);
    lathe::app::AddServeCommand(app, exit_code);
    lathe::app::AddRenderCommand(app, exit_code);
    lathe::app::AddTokenizeCommand(app, exit_code);
    lathe::app::AddGenerateCommand(app, exit_code);
    lathe::app::AddChatCommand(app, exit_code);
    lathe::app::AddDivergenceCommand(app, exit_code);
    lathe::app::AddEvalCommand(app, exit_code);
    lathe::app::AddPerplexityCommand(app, exit_code);
    lathe::app::AddQuantizeCommand(app, exit_code);
    lathe::app::AddImatrixCommand(app, exit_code);
    lathe::app::AddBenchCommand(app, exit_code);
    lathe::app::AddFitCommand(app, exit_code);
    lathe::app::AddChooseCommand(app, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return exit_code;
}
