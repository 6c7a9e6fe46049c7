#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "core/platform/files.h"
#include "core/telemetry/progress.h"
#include "eval_report.h"
#include "learn/eval/engine_subject.h"
#include "learn/eval/evaluation.h"
#include "learn/eval/hash.h"
#include "model_options.h"
#include "service/registry/model_store.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct EvalArguments {
    ModelOptions model;
    std::vector<std::string> tasks;
    eval::PromptCheck prompts;
    std::string output;
    int64_t limit = 0;
    int64_t num_fewshot = -1;
    uint64_t seed = 1234;
    bool apply_chat_template = false;
    bool fewshot_in_one_turn = false;
    std::string system_instruction;
    bool json = false;
    bool no_prefix_cache = false;
};

// Size, and a hash of the beginning and the end: enough to tell models apart without
// reading gigabytes.
Result<std::string> Fingerprint(const std::filesystem::path& file) {
    constexpr size_t kPart = 1u << 20;
    std::ifstream stream(file, std::ios::binary);
    std::error_code failed;
    uint64_t size = std::filesystem::file_size(file, failed);
    std::string bytes = std::to_string(size) + ":";
    std::string part(std::min<uint64_t>(kPart, size), '\0');
    for (uint64_t begin : {uint64_t{0}, size - part.size()}) {
        stream.seekg(static_cast<std::streamoff>(begin));
        stream.read(part.data(), static_cast<std::streamsize>(part.size()));
        bytes += part;
    }
    if (failed || !stream) return MakeError(Code::kInternal, "cannot read {}", file.string());
    return eval::HashText(bytes).substr(0, 32);
}

Result<std::string> FingerprintOfModel(const std::filesystem::path& path) {
    if (!std::filesystem::is_directory(path)) return Fingerprint(path);
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(path))
        if (entry.path().extension() == ".safetensors" || entry.path().extension() == ".json")
            files.push_back(entry.path());
    std::ranges::sort(files);
    std::string all;
    for (const auto& file : files) {
        LATHE_TRY(std::string one, Fingerprint(file));
        all += file.filename().string() + " " + one + "\n";
    }
    return eval::HashText(all).substr(0, 32);
}

Result<Json> IdentityOf(const EvalArguments& arguments, const backends::LocalModel& model) {
    LATHE_TRY(auto path, registry::ResolveModel(arguments.model.model));
    LATHE_TRY(std::string fingerprint, FingerprintOfModel(path));
    Json identity{{"model", model.id()},
                  {"fingerprint", fingerprint},
                  {"activations", arguments.model.activations},
                  {"kv_type", arguments.model.kv_type},
                  {"context_length", model.engine().context_length()}};
    identity["chat_template_sha"] = model.chat_template()
                                        ? Json(eval::HashText(model.chat_template()->source()))
                                        : Json(nullptr);
    return identity;
}

Result<std::string> RenderConversation(const backends::LocalModel& model,
                                       const eval::Conversation& conversation) {
    chat::RenderInput input;
    input.messages = conversation.messages;
    input.add_generation_prompt = conversation.add_generation_prompt;
    return model.RenderChat(std::move(input));
}

Result<eval::TaskSet> ReadTasks(const EvalArguments& arguments) {
    if (!arguments.prompts.file.empty()) {
        if (!arguments.tasks.empty())
            return InvalidParam("prompts", "give either --tasks or --prompts");
        return eval::MakePromptCheck(arguments.prompts);
    }
    std::vector<std::filesystem::path> paths;
    for (const std::string& list : arguments.tasks) {
        std::stringstream names(list);
        for (std::string name; std::getline(names, name, ',');)
            if (!name.empty()) paths.emplace_back(name);
    }
    if (paths.empty())
        return InvalidParam(
            "tasks",
            "give --tasks FILE.yaml, several with commas between, or --prompts FILE.jsonl");
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
    options.about = Json{{"model", "lathe"},
                         {"model_args", Json{{"model", arguments.model.model},
                                             {"activations", arguments.model.activations},
                                             {"kv_type", arguments.model.kv_type}}},
                         {"lathe_version", LATHE_VERSION},
                         {"batch_size", nullptr},
                         {"device", "cpu"}};
    return options;
}

// A bar that counts documents.
class DocumentProgress {
public:
    void operator()(const eval::EvaluationProgress& state) {
        if (!bar_)
            bar_.emplace(*display_, telemetry::ProgressOptions{.label = "eval",
                                                               .unit = "documents",
                                                               .total = state.total,
                                                               .start = state.found});
        bar_->Set(state.done);
        if (state.done == state.total) bar_->Finish();
    }

private:
    std::unique_ptr<telemetry::ProgressDisplay> display_ =
        telemetry::ProgressDisplay::ForStandardError();
    std::optional<telemetry::Progress> bar_;
};

Result<eval::EvaluationReport> Run(const EvalArguments& arguments, std::stop_token stop) {
    if (arguments.output.empty())
        return InvalidParam("output", "give --output DIR, where results and samples go");
    LATHE_TRY(eval::TaskSet tasks, ReadTasks(arguments));
    engine::EngineOptions engine;
    engine.sequences_max = 128;
    engine.tokens_per_step_max = 512;
    engine.shares_prefixes = !arguments.no_prefix_cache;
    LATHE_TRY(auto model, LoadModel(arguments.model, engine));
    eval::EngineSubjectOptions subject_options;
    subject_options.engine = &model->engine();
    subject_options.tokenizer = &model->tokenizer();
    LATHE_TRY(subject_options.identity, IdentityOf(arguments, *model));
    if (model->chat_template()) {
        subject_options.chat_template = model->chat_template()->source();
        subject_options.render_chat = [&](const eval::Conversation& conversation) {
            return RenderConversation(*model, conversation);
        };
    }
    eval::EngineSubject subject(std::move(subject_options));
    DocumentProgress progress;
    return eval::Evaluate(subject, tasks, OptionsOf(arguments), std::ref(progress), stop);
}

int EvalCommand(const EvalArguments& arguments) {
    StopOnSignal stop;
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
                     "command goes on from there\n",
                     arguments.output.c_str());
    else
        std::fprintf(stderr, "lathe eval: %s\n", report.error().message.c_str());
    return 1;
}

}  // namespace

void AddEvalCommand(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<EvalArguments>();
    CLI::App* command = app.add_subcommand("eval", "Measure how well a model does tasks");
    AddModelOptions(*command, arguments->model);
    command->add_option("--tasks", arguments->tasks,
                        "Task files in lm-evaluation-harness's YAML, with commas between");
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
                        "interrupted goes on where it stopped");
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
    command->add_flag("--no-prefix-cache", arguments->no_prefix_cache,
                      "Questions that begin alike do not share what was computed");
    command->callback([arguments, &exit_code] { exit_code = EvalCommand(*arguments); });
}

}  // namespace lathe::app
