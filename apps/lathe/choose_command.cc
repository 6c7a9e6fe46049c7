#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "choose/machine_workbench.h"
#include "core/platform/files.h"
#include "learn/choose/chooser.h"
#include "learn/choose/report.h"
#include "model_options.h"
#include "runs_folder.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct ChooseArguments {
    std::string brief;
    std::string output;
    std::string language;
    bool quick = false;
    bool json = false;
};

Result<choose::Choice> Run(const ChooseArguments& arguments, const std::filesystem::path& output,
                           std::stop_token stop) {
    LATHE_TRY(choose::Brief brief, choose::Brief::Read(arguments.brief));
    if (!arguments.language.empty())
        brief.report_language = *choose::FindLanguage(arguments.language);
    auto display = telemetry::ProgressDisplay::ForStandardError();
    LATHE_TRY(auto workbench, MachineWorkbench::Create(brief, *display, stop));
    LATHE_TRY(choose::Choice choice,
              choose::Choose(brief, *workbench, {.output = output, .quick = arguments.quick},
                             *display, stop));
    LATHE_RETURN_IF_ERROR(
        platform::WriteFileAtomically(output / "choice.json", DumpJson(choice.AsJson(), 2) + "\n"));
    LATHE_RETURN_IF_ERROR(platform::WriteFileAtomically(
        output / "report.html", choose::ChoiceAsHtml(choice, brief.report_language)));
    return choice;
}

// Without --output among the runs that the console shows; the same brief goes on there.
Result<std::filesystem::path> OutputOf(const ChooseArguments& arguments) {
    if (!arguments.output.empty()) return std::filesystem::path(arguments.output);
    LATHE_TRY(auto runs, RunsFolder());
    return runs / (std::filesystem::path(arguments.brief).stem().string() + "-choice");
}

int ChooseCommand(const ChooseArguments& arguments) {
    StopOnSignal stop;
    auto output = OutputOf(arguments);
    auto choice = output ? Run(arguments, *output, stop.token())
                         : Result<choose::Choice>(std::unexpected(output.error()));
    if (choice) {
        fmt::print("{}", arguments.json
                             ? DumpJson(choice->AsJson(), 2) + "\n"
                             : choose::ChoiceAsText(*choice, choice->brief.report_language) +
                                   fmt::format("\n{} and choice.json hold the same\n",
                                               (*output / "report.html").string()));
        return choice->contestants.empty() ? 1 : 0;
    }
    if (choice.error().code == Code::kCancelled)
        fmt::print(stderr,
                   "lathe choose: stopped; what was measured is kept in {}, and the same command "
                   "goes on from there\n",
                   output->string());
    else
        fmt::print(stderr, "lathe choose: {}\n", choice.error().message);
    return 1;
}

}  // namespace

void AddChooseCommand(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<ChooseArguments>();
    CLI::App* command = app.add_subcommand(
        "choose", "Which model, at which precision, serves a purpose best on this machine");
    command
        ->add_option("brief", arguments->brief,
                     "A TOML file: tasks, limits, candidates (docs/choosing.md)")
        ->required();
    command->add_option("-o,--output", arguments->output,
                        "The folder for report.html, choice.json and all measurements, which are "
                        "gone on with if it exists (default: LATHE_HOME/runs/BRIEF-choice)");
    command->add_flag("--quick", arguments->quick, "Only the screen: fewer documents");
    command->add_option("--language", arguments->language, "Of the report: en or zh")
        ->check(CLI::IsMember({"en", "zh"}));
    command->add_flag("--json", arguments->json, "Print choice.json instead of the table");
    command->callback([arguments, &exit_code] { exit_code = ChooseCommand(*arguments); });
}

}  // namespace lathe::app
