#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "core/platform/files.h"
#include "eval/document_progress.h"
#include "eval/eval_diff.h"
#include "eval/eval_judge.h"
#include "eval/eval_report.h"
#include "eval/eval_show.h"
#include "eval/eval_subject.h"
#include "learn/eval/evaluation.h"
#include "learn/eval/task_library.h"
#include "runs_folder.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct EvalArguments {
    SubjectOptions subject;
    std::vector<std::string> tasks;
    eval::PromptCheck prompts;
    std::string output;
    bool list = false;
    int64_t show = 0;
    int64_t limit = 0;
    int64_t num_fewshot = -1;
    uint64_t seed = 1234;
    bool apply_chat_template = false;
    bool fewshot_in_one_turn = false;
    std::string system_instruction;
    bool json = false;
};

Result<eval::TaskSet> ReadTasks(const EvalArguments& arguments) {
    if (!arguments.prompts.file.empty()) {
        if (!arguments.tasks.empty())
            return InvalidParam("prompts", "give either --tasks or --prompts");
        return eval::MakePromptCheck(arguments.prompts);
    }
    LATHE_TRY(eval::TaskLibrary library, eval::TaskLibrary::Open());
    std::vector<std::filesystem::path> paths;
    for (const std::string& list : arguments.tasks) {
        std::stringstream names(list);
        for (std::string name; std::getline(names, name, ',');) {
            if (name.empty()) continue;
            LATHE_TRY(auto files, library.Find(name));
            paths.insert(paths.end(), files.begin(), files.end());
        }
    }
    if (paths.empty())
        return InvalidParam("tasks",
                            "give --tasks with names (`lathe eval --list` shows them) or YAML "
                            "files, commas between, or --prompts FILE.jsonl");
    return eval::ReadTaskSet(paths);
}

eval::EvaluationOptions OptionsOf(const EvalArguments& arguments) {
    eval::EvaluationOptions options;
    options.output = arguments.output;
    options.applies_chat_template = arguments.apply_chat_template;
    options.task.fewshot_seed = arguments.seed;
    options.task.fewshot_as_multiturn = !arguments.fewshot_in_one_turn;
    options.task.system_instruction = arguments.system_instruction;
    if (arguments.limit > 0) options.task.limit = static_cast<size_t>(arguments.limit);
    if (arguments.num_fewshot >= 0) options.task.num_fewshot = arguments.num_fewshot;
    Json model_args{{"model", arguments.subject.model.model},
                    {"activations", arguments.subject.model.activations},
                    {"kv_type", arguments.subject.model.kv_type}};
    if (!arguments.subject.server.empty())
        model_args = Json{{"base_url", arguments.subject.server},
                          {"concurrency", arguments.subject.concurrency}};
    options.about = Json{{"model", arguments.subject.server.empty() ? "lathe" : "server"},
                         {"model_args", std::move(model_args)},
                         {"lathe_version", LATHE_VERSION},
                         {"batch_size", nullptr},
                         {"device", "cpu"}};
    return options;
}

// Fills in the folder where it was not given.
Result<eval::EvaluationReport> Run(EvalArguments& arguments, std::stop_token stop) {
    LATHE_TRY(eval::TaskSet tasks, ReadTasks(arguments));
    LATHE_TRY(OpenedSubject opened, OpenSubject(arguments.subject, arguments.apply_chat_template));
    if (arguments.output.empty()) {
        Json identity = opened.subject->identity();
        LATHE_TRY(auto folder, MakeRunFolder(identity.value("model", "run")));
        arguments.output = folder.string();
        std::fprintf(stderr, "lathe eval: the run is kept in %s\n", arguments.output.c_str());
    }
    DocumentProgress progress;
    return eval::Evaluate(*opened.subject, tasks, OptionsOf(arguments), std::ref(progress), stop);
}

Result<std::string> Look(const EvalArguments& arguments) {
    if (arguments.list) {
        LATHE_TRY(eval::TaskLibrary library, eval::TaskLibrary::Open());
        return TaskTable(library);
    }
    LATHE_TRY(eval::TaskSet tasks, ReadTasks(arguments));
    return WorkedSamples(tasks, OptionsOf(arguments).task, static_cast<size_t>(arguments.show));
}

int EvalCommand(EvalArguments& arguments) {
    if (arguments.list || arguments.show > 0) {
        auto text = Look(arguments);
        if (text)
            fmt::print("{}", *text);
        else
            std::fprintf(stderr, "lathe eval: %s\n", text.error().message.c_str());
        return text ? 0 : 1;
    }
    StopOnSignal stop;
    bool names_folder = !arguments.output.empty();
    auto report = Run(arguments, stop.token());
    if (report) {
        for (const std::string& warning : report->warnings)
            std::fprintf(stderr, "lathe eval: warning: %s\n", warning.c_str());
        fmt::print("{}", arguments.json ? DumpJson(report->results, 2) + "\n"
                                        : EvalTable(report->results));
        return 0;
    }
    if (report.error().code == Code::kCancelled)
        std::fprintf(stderr,
                     "lathe eval: stopped; what was answered is kept in %s, and the same "
                     "command%s goes on from there\n",
                     arguments.output.c_str(),
                     names_folder ? "" : " with --output and this folder");
    else
        std::fprintf(stderr, "lathe eval: %s\n", report.error().message.c_str());
    return 1;
}

}  // namespace

void AddEvalCommand(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<EvalArguments>();
    CLI::App* command = app.add_subcommand("eval", "Measure how well a model does tasks");
    AddSubjectOptions(*command, arguments->subject);
    command->add_option("--tasks", arguments->tasks,
                        "Tasks that come with Lathe, categories of them, or files in "
                        "lm-evaluation-harness's YAML, with commas between");
    command->add_flag("--list", arguments->list, "Say which tasks come with Lathe");
    command
        ->add_option("--show", arguments->show,
                     "Print so many documents of each task as the model gets them, and what is "
                     "right; nothing is run")
        ->check(CLI::PositiveNumber);
    command->add_option("--prompts", arguments->prompts.file,
                        "Instead of tasks: a file of lines {\"prompt\": ..., \"expected\": ...}");
    command
        ->add_option("--match", arguments->prompts.match,
                     "With --prompts, when an answer is right: it starts-with, contains or "
                     "equals the expected one")
        ->check(CLI::IsMember({"starts-with", "contains", "equals"}))
        ->capture_default_str();
    command
        ->add_option("--max-length", arguments->prompts.tokens_max,
                     "With --prompts, tokens of an answer")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    command->add_option("-o,--output", arguments->output,
                        "The run's folder: results.json, samples_TASK.jsonl; a run that was "
                        "interrupted goes on where it stopped (default: a new one in "
                        "LATHE_HOME/runs, which the console shows)");
    command->add_option("--limit", arguments->limit, "Only so many documents of each task")
        ->check(CLI::PositiveNumber);
    command
        ->add_option("--num-fewshot", arguments->num_fewshot,
                     "Examples before each question, instead of the task's own number")
        ->check(CLI::NonNegativeNumber);
    command->add_option("--seed", arguments->seed, "Of the choice of examples and of sampling")
        ->capture_default_str();
    command->add_flag("--apply-chat-template", arguments->apply_chat_template,
                      "Ask as a chat, by the model's own template");
    command->add_flag("--fewshot-in-one-turn", arguments->fewshot_in_one_turn,
                      "With a chat template: examples and question in one message");
    command->add_option("--system", arguments->system_instruction, "A system prompt");
    command->add_flag("--json", arguments->json, "Print results.json instead of a table");
    AddEvalDiffCommand(*command, exit_code);
    AddEvalJudgeCommand(*command, exit_code);
    command->callback([arguments, command, &exit_code] {
        if (!command->get_subcommands().empty()) return;
        exit_code = EvalCommand(*arguments);
    });
}

}  // namespace lathe::app
