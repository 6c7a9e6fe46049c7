#include "eval/eval_judge.h"

#include <fmt/format.h>

#include <cstdio>

#include "eval/document_progress.h"
#include "eval/eval_report.h"
#include "eval/eval_subject.h"
#include "learn/eval/judge.h"
#include "runs_folder.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct JudgeArguments {
    SubjectOptions judge;
    std::string baseline;
    std::string candidate;
    eval::JudgeOptions options;
    std::string output;
    int64_t limit = 0;
    bool json = false;
};

std::string Share(const Json& value) {
    return value.is_number() ? fmt::format("{:.0f} %", 100 * value.get<double>()) : "-";
}

std::string JudgementText(const Json& judgement) {
    std::vector<std::vector<std::string>> lines = {{"task", "documents", "a wins", "b wins", "ties",
                                                    "swayed", "nonsense", "b's share [95 %]",
                                                    "orders agree", "kappa", "first preferred"}};
    for (const Json& row : judgement["tasks"])
        lines.push_back(
            {row["task"], DumpJson(row["documents"]), DumpJson(row["wins_a"]),
             DumpJson(row["wins_b"]), DumpJson(row["ties"]), DumpJson(row["swayed"]),
             DumpJson(row["nonsense"]),
             fmt::format("{} [{}, {}]", Share(row["share_b"]), Share(row["interval"][0]),
                         Share(row["interval"][1])),
             Share(row["agreement"]),
             row["kappa"].is_number() ? fmt::format("{:.2f}", row["kappa"].get<double>()) : "-",
             Share(row["first_preferred"])});
    std::string out =
        fmt::format("a  {}\nb  {}\njudged by {}\n\n",
                    judgement["runs"][0]["model"].get<std::string>(),
                    judgement["runs"][1]["model"].get<std::string>(),
                    judgement["judge"].is_string() ? judgement["judge"].get<std::string>()
                                                   : DumpJson(judgement["judge"])) +
        TextTable(lines) + "\n";
    for (const Json& row : judgement["tasks"])
        out += fmt::format("{}: {}.\n", row["task"].get<std::string>(),
                           row["conclusion"].get<std::string>());
    return out;
}

Result<Json> Run(JudgeArguments& arguments, std::stop_token stop) {
    LATHE_TRY(auto baseline, FindRun(arguments.baseline));
    LATHE_TRY(auto candidate, FindRun(arguments.candidate));
    LATHE_TRY(OpenedSubject opened,
              OpenSubject(arguments.judge, arguments.options.applies_chat_template));
    if (arguments.output.empty()) {
        LATHE_TRY(auto folder, MakeRunFolder("judged"));
        arguments.output = folder.string();
        std::fprintf(stderr, "lathe eval judge: it is kept in %s\n", arguments.output.c_str());
    }
    arguments.options.output = arguments.output;
    if (arguments.limit > 0) arguments.options.limit = static_cast<size_t>(arguments.limit);
    DocumentProgress progress;
    return eval::JudgeRuns(*opened.subject, baseline, candidate, arguments.options,
                           std::ref(progress), stop);
}

int JudgeCommand(JudgeArguments& arguments) {
    StopOnSignal stop;
    auto judgement = Run(arguments, stop.token());
    if (!judgement) {
        std::fprintf(stderr, "lathe eval judge: %s\n", judgement.error().message.c_str());
        return 1;
    }
    for (const Json& warning : (*judgement)["warnings"])
        std::fprintf(stderr, "lathe eval judge: warning: %s\n",
                     warning.get_ref<const std::string&>().c_str());
    fmt::print("{}", arguments.json ? DumpJson(*judgement, 2) + "\n" : JudgementText(*judgement));
    return 0;
}

}  // namespace

void AddEvalJudgeCommand(CLI::App& eval, int& exit_code) {
    auto arguments = std::make_shared<JudgeArguments>();
    CLI::App* command = eval.add_subcommand(
        "judge",
        "Let a model say which of two runs wrote the better answers: each pair twice, "
        "with the places swapped");
    AddSubjectOptions(*command, arguments->judge);
    command->add_option("baseline", arguments->baseline, "A run's folder")->required();
    command->add_option("candidate", arguments->candidate, "Another's")->required();
    command->add_option("--criteria", arguments->options.criteria, "What the judge is to look at")
        ->capture_default_str();
    command->add_flag("--apply-chat-template", arguments->options.applies_chat_template,
                      "Ask the judge as a chat");
    command->add_option("-o,--output", arguments->output,
                        "The folder of the judging, which goes on where it stopped (default: a "
                        "new one in LATHE_HOME/runs)");
    command->add_option("--limit", arguments->limit, "Only so many documents of each task")
        ->check(CLI::PositiveNumber);
    command->add_flag("--json", arguments->json, "Print all as JSON");
    command->callback([arguments, &exit_code] { exit_code = JudgeCommand(*arguments); });
}

}  // namespace lathe::app
