#include "learn/choose/measured_task.h"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "compute/chat/unicode.h"
#include "core/platform/files.h"
#include "learn/eval/task_library.h"

namespace lathe::choose {
namespace {

// What counts for a language: letters of its script in a task's documents.
struct Letters {
    double chinese = 0;
    double latin = 0;

    void Count(std::string_view text) {
        for (size_t at = 0; at < text.size();) {
            uint32_t c = static_cast<uint32_t>(chat::NextCodePoint(text, at));
            chinese += c >= 0x4e00 && c <= 0x9fff;
            latin += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        }
    }
    void Count(const Json& value) {
        if (value.is_string()) Count(std::string_view(value.get_ref<const std::string&>()));
        if (value.is_structured())
            for (const Json& below : value) Count(below);
    }
};

bool IsAccuracy(const std::string& metric) {
    return metric == "acc" || metric == "acc_norm" || metric == "acc_bytes" ||
           metric == "acc_mutual_info";
}

std::string MetricNames(const eval::TaskConfig& config) {
    std::string names;
    for (const eval::MetricConfig& metric : config.metrics)
        names += (names.empty() ? "" : ", ") + metric.name;
    return names;
}

}  // namespace

Result<MeasuredTask> MeasuredTask::Load(const BriefTask& brief, int64_t documents_max) {
    MeasuredTask out(brief);
    auto read = [&]() -> Status {
        LATHE_RETURN_IF_ERROR(out.ReadSet());
        LATHE_RETURN_IF_ERROR(out.ChooseMetric());
        double chance_sum = 0;
        Letters letters;
        for (const eval::TaskConfig& config : out.set_.tasks) {
            LATHE_TRY(eval::Task task, eval::Task::Load(config, out.OptionsFor(documents_max)));
            out.counts_.push_back(task.document_count());
            bool guessable =
                config.output_type == eval::OutputType::kMultipleChoice && IsAccuracy(out.metric_);
            for (size_t i = 0; i < task.document_count(); ++i) {
                letters.Count(task.document(i));
                if (!guessable) continue;
                LATHE_TRY(std::vector<std::string> choices, task.Choices(task.document(i)));
                if (choices.size() > 1) chance_sum += 1 / static_cast<double>(choices.size());
            }
        }
        size_t count = std::accumulate(out.counts_.begin(), out.counts_.end(), size_t{0});
        if (count == 0) return InvalidArgument("has no documents");
        out.chance_ = brief.chance.value_or(chance_sum / static_cast<double>(count));
        double all = std::max(1.0, letters.chinese + letters.latin);
        out.chinese_share_ = letters.chinese / all;
        out.latin_share_ = letters.latin / all;
        return {};
    };
    if (Status status = read(); !status)
        return std::unexpected(
            WithContext(std::move(status).error(), fmt::format("task {}", brief.name)));
    return out;
}

Status MeasuredTask::ReadSet() {
    if (!brief_.prompts.empty()) {
        LATHE_TRY(set_, eval::MakePromptCheck({.file = brief_.prompts,
                                               .match = brief_.match,
                                               .tokens_max = brief_.answer_tokens_max}));
    } else if (!brief_.file.empty()) {
        LATHE_TRY(set_, eval::ReadTaskSet({brief_.file}));
    } else {
        LATHE_TRY(eval::TaskLibrary library, eval::TaskLibrary::Open());
        LATHE_TRY(auto files, library.Find(brief_.builtin));
        LATHE_TRY(set_, eval::ReadTaskSet(files));
    }
    if (set_.tasks.empty()) return InvalidArgument("holds no task");
    return {};
}

// All tasks of a group have to have it.
Status MeasuredTask::ChooseMetric() {
    metric_ = brief_.metric.empty() ? set_.tasks[0].metrics.at(0).name : brief_.metric;
    for (const eval::TaskConfig& config : set_.tasks) {
        auto found = std::ranges::find(config.metrics, metric_, &eval::MetricConfig::name);
        if (found == config.metrics.end())
            return InvalidParam("metric", "{} has no metric {}; it has {}", config.name, metric_,
                                MetricNames(config));
        if (found->aggregation != "mean" || !found->higher_is_better)
            return InvalidParam("metric",
                                "{} of {} is no mean over documents of which more is better, and "
                                "cannot be weighed against other tasks; choose another with "
                                "metric = \"...\" (it has {})",
                                metric_, config.name, MetricNames(config));
    }
    return {};
}

int64_t MeasuredTask::LimitEach(int64_t limit) const {
    return std::max<int64_t>(1, limit / static_cast<int64_t>(set_.tasks.size()));
}

eval::TaskOptions MeasuredTask::OptionsFor(int64_t limit) const {
    eval::TaskOptions options;
    options.num_fewshot = brief_.shots;
    options.limit = static_cast<size_t>(LimitEach(limit));
    return options;
}

size_t MeasuredTask::document_count(int64_t limit) const {
    size_t sum = 0;
    for (size_t count : counts_) sum += std::min(count, static_cast<size_t>(LimitEach(limit)));
    return sum;
}

Result<TaskScores> MeasuredTask::Measure(eval::Subject& subject, int64_t limit,
                                         const std::filesystem::path& run,
                                         const std::function<void(size_t done)>& progress,
                                         std::stop_token stop) const {
    eval::EvaluationOptions options;
    options.task = OptionsFor(limit);
    options.applies_chat_template = brief_.chat;
    options.output = run;
    options.about = Json{{"model", "lathe"}, {"chosen_for", brief_.name}};
    LATHE_TRY(eval::EvaluationReport report,
              eval::Evaluate(
                  subject, set_, options,
                  [&](const eval::EvaluationProgress& state) { progress(state.done); }, stop));
    LATHE_TRY(std::vector<double> scores, ReadScores(run));
    if (scores.size() != document_count(limit))
        return MakeError(Code::kInternal, "task {}: {} documents were scored instead of {}", name(),
                         scores.size(), document_count(limit));
    return TaskScores{
        .task = name(), .weight = weight(), .chance = chance_, .scores = std::move(scores)};
}

// From the samples of the run, one filter of each task.
Result<std::vector<double>> MeasuredTask::ReadScores(const std::filesystem::path& run) const {
    std::vector<double> scores;
    for (const eval::TaskConfig& config : set_.tasks) {
        LATHE_TRY(std::string text,
                  platform::ReadFile(run / ("samples_" + config.name + ".jsonl")));
        std::string filter = brief_.filter, seen;
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            LATHE_TRY(Json sample, ParseJson(line));
            auto name = sample.value("filter", std::string());
            if (seen.find(name) == std::string::npos) seen += (seen.empty() ? "" : ", ") + name;
            if (filter.empty()) filter = name;
            if (name != filter) continue;
            const Json value = sample.value(metric_, Json());
            if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1)
                return InvalidParam("metric",
                                    "task {}: {} of a document is {}, not a number from 0 to 1; "
                                    "choose another with metric = \"...\"",
                                    brief_.name, metric_, DumpJson(value));
            scores.push_back(value.get<double>());
        }
        if (scores.empty())
            return InvalidParam("filter", "task {}: {} has no filter {}; it has {}", brief_.name,
                                config.name, filter, seen);
    }
    return scores;
}

}  // namespace lathe::choose
