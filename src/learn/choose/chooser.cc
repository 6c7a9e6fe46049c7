#include "learn/choose/chooser.h"

#include <algorithm>

#include "core/platform/files.h"
#include "core/telemetry/progress_file.h"
#include "learn/choose/measured_task.h"

namespace lathe::choose {
namespace {

namespace fs = std::filesystem;

// A language is measured if some task's documents are to a fifth in its script. Of other
// languages than these two nothing is said.
bool IsMeasured(const std::string& language, const std::vector<MeasuredTask>& tasks) {
    constexpr double kShare = 0.2;
    if (language != "zh" && language != "en") return true;
    return std::ranges::any_of(tasks, [&](const MeasuredTask& task) {
        return (language == "zh" ? task.chinese_share() : task.latin_share()) >= kShare;
    });
}

std::string FolderOf(size_t index, const MeasuredTask& task) {
    std::string name = fmt::format("{}-{}", index + 1, task.name());
    for (char& c : name)
        if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = '_';
    return name;
}

Json CostsAsJson(const Costs& costs) {
    auto or_null = [](const std::optional<double>& value) {
        return value ? Json(*value) : Json(nullptr);
    };
    return {{"first_token_ms", or_null(costs.first_token_ms)},
            {"tokens_per_second", or_null(costs.tokens_per_second)},
            {"tokens_per_second_alone", or_null(costs.tokens_per_second_alone)},
            {"answers_per_second", or_null(costs.answers_per_second)},
            {"memory_gib", or_null(costs.memory_gib)},
            {"processor_share", costs.processor_share}};
}

std::optional<double> NumberOf(const Json& json, std::string_view key) {
    auto found = json.find(key);
    if (found == json.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
}

Costs CostsFromJson(const Json& json) {
    return {.first_token_ms = NumberOf(json, "first_token_ms"),
            .tokens_per_second = NumberOf(json, "tokens_per_second"),
            .tokens_per_second_alone = NumberOf(json, "tokens_per_second_alone"),
            .answers_per_second = NumberOf(json, "answers_per_second"),
            .memory_gib = NumberOf(json, "memory_gib"),
            .processor_share = NumberOf(json, "processor_share").value_or(1)};
}

// Of a million tokens of answers: what the machine costs meanwhile, or the server's prices
// with the prompts that belong to them.
std::optional<double> CostPerMillion(const Brief& brief, const Candidate& candidate,
                                     const Costs& costs) {
    if (candidate.is_remote()) {
        const BriefCandidate& prices = candidate.entry;
        if (!prices.output_price_per_million) return std::nullopt;
        double prompts = static_cast<double>(brief.traffic.prompt_tokens) /
                         static_cast<double>(brief.traffic.answer_tokens);
        return *prices.output_price_per_million +
               prompts * prices.input_price_per_million.value_or(0);
    }
    if (!brief.money.machine_hour || !costs.answers_per_second) return std::nullopt;
    return *brief.money.machine_hour / (*costs.answers_per_second * 3600) * 1e6;
}

// What a program has said on several lines, as one.
std::string OneLine(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    std::ranges::replace(text, '\n', ' ');
    return text;
}

// The first limit that a prediction breaks even at the good end of its error.
std::optional<SetAside> Judge(const Prediction& prediction, const Limits& limits) {
    struct Case {
        Limit limit;
        double predicted;
        double error;
    };
    const Case cases[] = {
        {Limit::kMemory, prediction.memory_gib, kMemoryError},
        {Limit::kSpeed, prediction.tokens_per_second, prediction.error.decode},
        {Limit::kFirstToken, prediction.first_token_ms, prediction.error.prefill}};
    for (const Case& one : cases) {
        auto bound = ValueOf(limits, one.limit);
        double best = IsLeast(one.limit) ? one.predicted * one.error : one.predicted / one.error;
        if (!Keeps(one.limit, best, bound))
            return SetAside{.limit = one.limit,
                            .predicted = one.predicted,
                            .error = one.error,
                            .bound = *bound};
    }
    return std::nullopt;
}

class Chooser {
public:
    Chooser(const Brief& brief, Workbench& workbench, const ChooserOptions& options,
            telemetry::ProgressDisplay& display, std::stop_token stop)
        : brief_(brief),
          workbench_(workbench),
          options_(options),
          display_(display),
          stop_(std::move(stop)) {
        choice_.brief = brief;
        choice_.machine = workbench.machine();
        choice_.quick = options.quick;
    }

    Result<Choice> Run() {
        LATHE_RETURN_IF_ERROR(LoadTasks());
        std::error_code failed;
        fs::create_directories(options_.output, failed);
        progress_file_.emplace(options_.output / telemetry::ProgressFile::kFileName,
                               Json{{"kind", "choice"}, {"title", brief_.title}});
        Status status = RunSteps();
        progress_file_->End(status);
        if (!status) return std::unexpected(std::move(status).error());
        return std::move(choice_);
    }

private:
    Status RunSteps() {
        LATHE_RETURN_IF_ERROR(PredictAll());
        LATHE_RETURN_IF_ERROR(MeasureAll("screen", brief_.screen_documents));
        if (!options_.quick) {
            Drop();
            LATHE_RETURN_IF_ERROR(MeasureAll("in full", brief_.documents));
        }
        Conclude();
        return {};
    }

    Status LoadTasks() {
        for (const BriefTask& task : brief_.tasks) {
            LATHE_TRY(MeasuredTask loaded, MeasuredTask::Load(task, brief_.documents));
            tasks_.push_back(std::move(loaded));
        }
        for (const std::string& language : brief_.languages)
            if (!IsMeasured(language, tasks_)) choice_.languages_not_measured.push_back(language);
        for (const MeasuredTask& task : tasks_)
            choice_.tasks.push_back(
                {.name = task.name(),
                 .weight = task.weight(),
                 .chance = task.chance(),
                 .metric = task.metric(),
                 .documents = task.document_count(options_.quick ? brief_.screen_documents
                                                                 : brief_.documents)});
        return {};
    }

    // Runs a step of one candidate; its errors leave it out, but a stop ends everything.
    template <typename Step>
    Status Try(Outcome& outcome, Step step) {
        if (stop_.stop_requested()) return MakeError(Code::kCancelled, "stopped");
        Status status = step();
        if (status) return {};
        if (stop_.stop_requested() || status.error().code == Code::kCancelled)
            return MakeError(Code::kCancelled, "stopped");
        outcome.stage = Outcome::Stage::kFailed;
        outcome.failure = OneLine(status.error().message);
        outcome.scores.clear();
        display_.Say(fmt::format("{} is left out: {}", outcome.candidate.name, outcome.failure));
        return {};
    }

    Status PredictAll() {
        std::vector<Candidate> candidates = CandidatesOf(brief_);
        telemetry::Progress bar(
            display_, {.label = "predict", .unit = "candidates", .total = candidates.size()});
        for (Candidate& candidate : candidates) {
            Outcome outcome{.candidate = std::move(candidate)};
            LATHE_RETURN_IF_ERROR(Try(outcome, [&] { return Predict(outcome); }));
            choice_.outcomes.push_back(std::move(outcome));
            bar.Advance(1);
        }
        bar.Finish();
        return {};
    }

    Status Predict(Outcome& outcome) {
        LATHE_TRY(outcome.predictions, workbench_.Predict(outcome.candidate));
        outcome.remark = workbench_.Remark(outcome.candidate);
        if (!outcome.predictions) return {};
        outcome.set_aside = Judge(outcome.predictions->here, brief_.limits);
        if (outcome.set_aside) outcome.stage = Outcome::Stage::kSetAside;
        return {};
    }

    Status MeasureAll(const std::string& label, int64_t limit) {
        size_t each = 0;
        for (const MeasuredTask& task : tasks_) each += task.document_count(limit);
        auto running = [](const Outcome& one) { return one.stage == Outcome::Stage::kMeasured; };
        auto total = [&] {
            return each * static_cast<size_t>(std::ranges::count_if(choice_.outcomes, running));
        };
        telemetry::Progress bar(display_, {.label = label, .unit = "documents", .total = total()});
        size_t before = 0;
        total_ = total();
        for (Outcome& outcome : choice_.outcomes) {
            if (!running(outcome)) continue;
            bar.SetNote(outcome.candidate.name);
            LATHE_RETURN_IF_ERROR(
                Try(outcome, [&] { return Measure(outcome, limit, before, bar); }));
            if (running(outcome)) before += each;
            total_ = total();
            bar.SetTotal(total_);
            Show(before, bar);
        }
        bar.Finish();
        return {};
    }

    void Show(size_t done, telemetry::Progress& bar) {
        bar.Set(done);
        progress_file_->Set(done, total_, 0);
    }

    Status Measure(Outcome& outcome, int64_t limit, size_t before, telemetry::Progress& bar) {
        fs::path folder = options_.output / "runs" / outcome.candidate.folder;
        outcome.scores.clear();
        {
            LATHE_TRY(auto open, workbench_.Open(outcome.candidate, stop_));
            for (size_t i = 0; i < tasks_.size(); ++i) {
                LATHE_TRY(TaskScores scores,
                          tasks_[i].Measure(
                              open->subject(), limit, folder / FolderOf(i, tasks_[i]),
                              [&](size_t done) { Show(before + done, bar); }, stop_));
                before += scores.scores.size();
                outcome.scores.push_back(std::move(scores));
            }
        }
        if (!outcome.costs) {
            LATHE_TRY(outcome.costs, CostsOf(outcome.candidate, folder / "costs.json"));
            outcome.costs->cost_per_million_tokens =
                CostPerMillion(brief_, outcome.candidate, *outcome.costs);
        }
        return {};
    }

    // As measured before, if by the same candidate with the same traffic and undisturbed.
    Result<Costs> CostsOf(const Candidate& candidate, const fs::path& file) {
        LATHE_TRY(Json identity, workbench_.Identity(candidate));
        identity["traffic"] = {brief_.traffic.users, brief_.traffic.prompt_tokens,
                               brief_.traffic.answer_tokens};
        if (auto text = platform::ReadFile(file))
            if (auto known = ParseJson(*text); known && known->is_object() &&
                                               known->value("of", Json()) == identity &&
                                               known->contains("measured")) {
                Costs costs = CostsFromJson((*known)["measured"]);
                if (costs.processor_share >= kUndisturbed) return costs;
            }
        LATHE_TRY(Costs costs, workbench_.MeasureCosts(candidate, stop_));
        Json record{{"of", identity}, {"measured", CostsAsJson(costs)}};
        LATHE_RETURN_IF_ERROR(platform::WriteFileAtomically(file, DumpJson(record, 2) + "\n"));
        return costs;
    }

    std::vector<Contestant> Contestants() const {
        std::vector<Contestant> out;
        for (const Outcome& outcome : choice_.outcomes)
            if (outcome.stage == Outcome::Stage::kMeasured)
                out.push_back({.name = outcome.candidate.name,
                               .tasks = outcome.scores,
                               .costs = *outcome.costs});
        return out;
    }

    void Drop() {
        std::vector<Contestant> contestants = Contestants();
        for (const choose::Drop& drop : FindDominated(contestants, brief_.limits)) {
            auto dropped = std::ranges::find_if(choice_.outcomes, [&](const Outcome& outcome) {
                return outcome.candidate.name == contestants[drop.contestant].name;
            });
            dropped->stage = Outcome::Stage::kDropped;
            dropped->dropped_for = contestants[drop.by].name;
            dropped->dropped_by = drop.difference;
        }
    }

    void Conclude() {
        choice_.contestants = Contestants();
        choice_.standings = Rank(choice_.contestants, brief_.limits);
        choice_.winner = WinnerOf(choice_.contestants, brief_.limits);
        choice_.changes = WhatWouldChange(choice_.contestants, brief_.limits);
        if (choice_.winner) choice_.advice = Advise(*choice_.winner);
    }

    double Parameters(size_t contestant) const {
        const Outcome& outcome = choice_.OutcomeOf(choice_.contestants[contestant]);
        return outcome.predictions ? outcome.predictions->here.parameters : 0;
    }

    TuningAdvice Advise(size_t winner) const {
        constexpr double kLarger = 1.2;  // below, they count as equally large
        const Contestant& best = choice_.contestants[winner];
        TuningAdvice advice;
        advice.quality = QualityOf(best.tasks);
        advice.examples = brief_.examples;
        double own = Parameters(winner);
        for (size_t i = 0; i < choice_.contestants.size(); ++i) {
            const Contestant& other = choice_.contestants[i];
            double size = Parameters(i);
            if (own == 0 || size < kLarger * own) continue;
            QualityDifference gain = CompareQuality(other.tasks, best.tasks);
            if (!advice.larger.empty() && gain.value <= advice.larger_gain.value) continue;
            advice.larger = other.name;
            advice.larger_ratio = size / own;
            advice.larger_breaks_limits = !KeepsAll(other.costs, brief_.limits);
            advice.larger_gain = gain;
        }
        advice.verdict = VerdictOf(advice);
        return advice;
    }

    const Brief& brief_;
    Workbench& workbench_;
    const ChooserOptions& options_;
    telemetry::ProgressDisplay& display_;
    std::stop_token stop_;
    std::vector<MeasuredTask> tasks_;
    Choice choice_;
    std::optional<telemetry::ProgressFile> progress_file_;
    size_t total_ = 0;  // documents of the stage
};

}  // namespace

Result<Choice> Choose(const Brief& brief, Workbench& workbench, const ChooserOptions& options,
                      telemetry::ProgressDisplay& display, std::stop_token stop) {
    return Chooser(brief, workbench, options, display, std::move(stop)).Run();
}

}  // namespace lathe::choose
