#include "learn/eval/evaluation.h"

#include <chrono>
#include <map>
#include <optional>
#include <utility>

#include "core/base/check.h"
#include "core/platform/files.h"
#include "core/telemetry/progress_file.h"
#include "learn/eval/aggregation.h"
#include "learn/eval/hash.h"
#include "learn/eval/run_journal.h"
#include "learn/eval/task_scores.h"

namespace lathe::eval {
namespace {

using Answers = std::vector<std::vector<ModelAnswer>>;

// A task with its questions, and the answers as far as they are there.
struct Work {
    Task task;
    std::vector<Question> questions;
    Answers answers;
};

class Run {
public:
    Run(Subject& subject, const TaskSet& set, const EvaluationOptions& options)
        : subject_(subject), set_(set), options_(options) {}

    Status Prepare() {
        TaskOptions task_options = options_.task;
        if (options_.applies_chat_template)
            task_options.render_chat = [this](const Conversation& conversation) {
                return subject_.RenderChat(conversation);
            };
        for (const TaskConfig& config : set_.tasks) {
            LATHE_TRY(Task task, Task::Load(config, task_options));
            work_.push_back(std::make_unique<Work>(Work{std::move(task), {}, {}}));
            LATHE_TRY(work_.back()->questions, work_.back()->task.MakeQuestions());
            work_.back()->answers.resize(work_.back()->questions.size());
        }
        LATHE_TRY(journal_, RunJournal::Open(options_.output, subject_.identity()));
        // Only now is the folder ours.
        Json about{{"kind", "evaluation"},
                   {"model", subject_.identity().value("model", Json(nullptr))},
                   {"tasks", Json::array()}};
        for (const TaskConfig& config : set_.tasks) about["tasks"].push_back(config.name);
        progress_file_.emplace(options_.output / telemetry::ProgressFile::kFileName,
                               std::move(about));
        return {};
    }

    // What the folder says from now on.
    void End(const Status& result) { progress_file_->End(result); }

    Status AskAll(const std::function<void(const EvaluationProgress&)>& progress,
                  std::stop_token stop) {
        EvaluationProgress state;
        auto show = [&] {
            progress_file_->Set(state.done, state.total, state.found);
            if (progress) progress(state);
        };
        std::vector<Question> open;
        std::vector<std::pair<Work*, size_t>> places;
        for (const auto& work : work_) {
            for (size_t i = 0; i < work->questions.size(); ++i) {
                ++state.total;
                const Question& question = work->questions[i];
                if (const auto* known = journal_->Find(work->task.config().name, question)) {
                    work->answers[i] = *known;
                    ++state.found;
                } else {
                    open.push_back(question);
                    places.emplace_back(work.get(), i);
                }
            }
        }
        state.done = state.found;
        show();
        auto sink = [&](size_t index, std::vector<ModelAnswer> answers) -> Status {
            auto [work, i] = places[index];
            work->answers[i] = answers;
            LATHE_RETURN_IF_ERROR(
                journal_->Append(work->task.config().name, work->questions[i], std::move(answers)));
            ++state.done;
            show();
            return {};
        };
        Status asked = subject_.Ask(open, sink, std::move(stop));
        LATHE_RETURN_IF_ERROR(journal_->Sync());
        return asked;
    }

    Result<EvaluationReport> Report(double seconds, double started) {
        Json& results = report_.results;
        results = Json{{"results", Json::object()}};
        std::map<std::string, Json> scores;
        for (const auto& work : work_) LATHE_RETURN_IF_ERROR(AddTask(*work, scores));
        AddGroups(scores);
        AddRun(seconds, started);
        LATHE_RETURN_IF_ERROR(platform::WriteFileAtomically(options_.output / "results.json",
                                                            DumpJson(results, 2) + "\n"));
        return std::move(report_);
    }

private:
    Status AddTask(const Work& work, std::map<std::string, Json>& scores) {
        const TaskConfig& config = work.task.config();
        LATHE_TRY(TaskScores scored, ScoreTask(work.task, work.questions, work.answers));
        Json entry{
            {"name", config.name}, {"alias", config.alias}, {"sample_len", work.questions.size()}};
        entry.update(scored.metrics);
        Json& results = report_.results;
        results["results"][config.name] = entry;
        scores[config.name] = std::move(entry);
        results["configs"][config.name] = ConfigOf(work.task);
        results["versions"][config.name] = config.version;
        results["n-shot"][config.name] = work.task.num_fewshot();
        for (const MetricConfig& metric : config.metrics)
            results["higher_is_better"][config.name][metric.name] = metric.higher_is_better;
        results["n-samples"][config.name] = Json{{"original", work.task.original_count()},
                                                 {"effective", work.task.document_count()}};
        results["task_hashes"][config.name] = scored.hash;
        report_.warnings.insert(report_.warnings.end(), scored.warnings.begin(),
                                scored.warnings.end());
        std::string lines;
        for (const Json& sample : scored.samples) lines += DumpJson(sample) + "\n";
        return platform::WriteFileAtomically(
            options_.output / ("samples_" + config.name + ".jsonl"), lines);
    }

    // What the file says, and what it leaves to defaults.
    static Json ConfigOf(const Task& task) {
        const TaskConfig& config = task.config();
        Json shown = config.as_written;
        shown["output_type"] = OutputTypeName(config.output_type);
        shown["num_fewshot"] = task.num_fewshot();
        shown["target_delimiter"] = config.target_delimiter;
        shown["fewshot_delimiter"] = config.fewshot_delimiter;
        shown["repeats"] = config.repeats;
        if (config.output_type == OutputType::kGenerateUntil)
            shown["generation_kwargs"] = config.generation.as_written;
        return shown;
    }

    void AddGroups(const std::map<std::string, Json>& scores) {
        Json& results = report_.results;
        results["group_subtasks"] = Json::object();
        for (const TaskGroup& group : set_.groups) {
            Json entry = ScoreGroup(group, scores);
            results["results"][group.name] = entry;
            if (!group.metrics.empty()) results["groups"][group.name] = entry;
            results["group_subtasks"][group.name] = group.members;
            results["versions"][group.name] = group.version;
        }
    }

    void AddRun(double seconds, double started) {
        Json& results = report_.results;
        auto hash_or_null = [](const std::string& text) {
            return text.empty() ? Json(nullptr) : Json(HashText(text));
        };
        auto text_or_null = [](const std::string& text) {
            return text.empty() ? Json(nullptr) : Json(text);
        };
        std::string chat = options_.applies_chat_template ? subject_.chat_template() : "";
        const TaskOptions& task = options_.task;
        Json config = options_.about;
        config["limit"] = task.limit ? Json(*task.limit) : Json(nullptr);
        config["bootstrap_iters"] = kBootstrapDraws;
        config["gen_kwargs"] = nullptr;
        for (const char* seed : {"random_seed", "numpy_seed", "torch_seed"}) config[seed] = nullptr;
        config["fewshot_seed"] = task.fewshot_seed;
        results["config"] = std::move(config);
        results["subject"] = subject_.identity();
        results["date"] = started;
        results["system_instruction"] = text_or_null(task.system_instruction);
        results["system_instruction_sha"] = hash_or_null(task.system_instruction);
        results["fewshot_as_multiturn"] = task.fewshot_as_multiturn;
        results["chat_template"] = text_or_null(chat);
        results["chat_template_sha"] = hash_or_null(chat);
        results["warnings"] = report_.warnings;
        results["total_evaluation_time_seconds"] = fmt::format("{:.3f}", seconds);
    }

    Subject& subject_;
    const TaskSet& set_;
    const EvaluationOptions& options_;
    std::vector<std::unique_ptr<Work>> work_;  // questions borrow their task
    std::unique_ptr<RunJournal> journal_;
    std::optional<telemetry::ProgressFile> progress_file_;
    EvaluationReport report_;
};

}  // namespace

Result<EvaluationReport> Evaluate(Subject& subject, const TaskSet& tasks,
                                  const EvaluationOptions& options,
                                  const std::function<void(const EvaluationProgress&)>& progress,
                                  std::stop_token stop) {
    using Seconds = std::chrono::duration<double>;
    double started = Seconds(std::chrono::system_clock::now().time_since_epoch()).count();
    auto begin = std::chrono::steady_clock::now();
    Run run(subject, tasks, options);
    LATHE_RETURN_IF_ERROR(run.Prepare());
    Status asked = run.AskAll(progress, std::move(stop));
    if (!asked) {
        run.End(asked);
        return std::unexpected(std::move(asked).error());
    }
    auto report = run.Report(Seconds(std::chrono::steady_clock::now() - begin).count(), started);
    run.End(report ? Status() : Status(std::unexpected(report.error())));
    return report;
}

}  // namespace lathe::eval
