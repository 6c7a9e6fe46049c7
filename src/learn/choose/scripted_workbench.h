// For tests: models that know so many answers, with invented speeds.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "learn/choose/workbench.h"
#include "support/scratch.h"

namespace lathe::choose {

struct ScriptedModel {
    int knows = 0;  // of each 100 documents, spread over all
    double first_token_ms = 100;
    double tokens_per_second = 50;
    double memory_gib = 1;  // also predicted
    double parameters = 1e9;
    bool fails = false;
    double predicted_tokens_per_second = 0;  // 0: as measured
};

// Answers multiple-choice questions by their document's number.
class ScriptedSubject : public eval::Subject {
public:
    // `asked` and the stop's countdown outlive it.
    ScriptedSubject(std::string name, int knows, int& asked,
                    std::pair<int, std::stop_source*>& stop_after)
        : name_(std::move(name)), knows_(knows), asked_(asked), stop_after_(stop_after) {}

    Json identity() const override { return {{"model", name_}}; }
    std::string chat_template() const override { return ""; }
    Result<std::string> RenderChat(const eval::Conversation&) const override {
        return MakeError(Code::kFailedPrecondition, "{} has no chat template", name_);
    }
    Status Ask(std::span<const eval::Question> questions, const Sink& sink,
               std::stop_token stop) override {
        for (size_t i = 0; i < questions.size(); ++i) {
            if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
            ++asked_;
            if (stop_after_.second != nullptr && --stop_after_.first == 0)
                stop_after_.second->request_stop();
            // 37 is coprime to 100, so that the known ones are spread evenly.
            bool knows = questions[i].document * 37 % 100 < static_cast<size_t>(knows_);
            std::vector<eval::ModelAnswer> answers(questions[i].requests.size());
            for (size_t c = 0; c < answers.size(); ++c)
                answers[c].loglikelihood = c == (knows ? 0u : 1u) ? -1 : -2;
            LATHE_RETURN_IF_ERROR(sink(i, std::move(answers)));
        }
        return {};
    }

private:
    std::string name_;
    int knows_;
    int& asked_;
    std::pair<int, std::stop_source*>& stop_after_;
};

class ScriptedWorkbench : public Workbench {
public:
    std::map<std::string, ScriptedModel> models;
    std::map<std::string, int> opened, measured, asked;
    std::pair<int, std::stop_source*> stop_after{};

    std::string machine() const override { return "a scripted machine"; }
    Result<Json> Identity(const Candidate& candidate) override {
        return Json{{"model", candidate.name}};
    }
    std::string Remark(const Candidate& candidate) override {
        return candidate.precision == kAsIs ? "" : "quantized <twice>";
    }
    Result<std::optional<Predictions>> Predict(const Candidate& candidate) override {
        if (candidate.is_remote()) return std::optional<Predictions>();
        const ScriptedModel& model = models[candidate.model];
        double speed = model.predicted_tokens_per_second;
        Predictions out;
        out.here = {.memory_gib = model.memory_gib,
                    .first_token_ms = model.first_token_ms,
                    .tokens_per_second = speed > 0 ? speed : model.tokens_per_second,
                    .error = advise::kCalibratedError,
                    .parameters = model.parameters};
        for (const advise::Machine& machine : advise::NamedMachines().first(1))
            out.machines.push_back({.machine = machine, .prediction = out.here, .fits = true});
        return std::optional(std::move(out));
    }
    Result<std::unique_ptr<OpenCandidate>> Open(const Candidate& candidate,
                                                std::stop_token) override {
        ++opened[candidate.model];
        const ScriptedModel& model = models[candidate.model];
        if (model.fails) return MakeError(Code::kUnavailable, "{} is out of order", candidate.name);
        return std::make_unique<Opened>(candidate.name, model.knows, asked[candidate.model],
                                        stop_after);
    }
    Result<Costs> MeasureCosts(const Candidate& candidate, std::stop_token) override {
        ++measured[candidate.model];
        const ScriptedModel& model = models[candidate.model];
        return Costs{.first_token_ms = model.first_token_ms,
                     .tokens_per_second = model.tokens_per_second,
                     .tokens_per_second_alone = 2 * model.tokens_per_second,
                     .answers_per_second = model.tokens_per_second,
                     .memory_gib = model.memory_gib};
    }

private:
    class Opened : public OpenCandidate {
    public:
        template <typename... Args>
        explicit Opened(Args&&... args) : subject_(std::forward<Args>(args)...) {}
        eval::Subject& subject() override { return subject_; }

    private:
        ScriptedSubject subject_;
    };
};

// Writes scripted.yaml, 100 documents of four choices of which the first is right.
inline void WriteScriptedTask(const testing_support::ScratchDirectory& folder) {
    std::string lines;
    for (int i = 0; i < 100; ++i)
        lines += fmt::format("{{\"q\": \"question number {}\", \"gold\": 0}}\n", i);
    folder.Write("scripted.jsonl", lines);
    folder.Write("scripted.yaml",
                 "task: scripted\ndataset_path: json\n"
                 "dataset_kwargs: {data_files: {test: scripted.jsonl}}\ntest_split: test\n"
                 "output_type: multiple_choice\ndoc_to_text: '{{q}}'\n"
                 "doc_to_choice: ['a', 'b', 'c', 'd']\ndoc_to_target: gold\n"
                 "metric_list: [{metric: acc}]\n");
}

// A brief of that task for models of the workbench.
inline Brief ScriptedBrief(const testing_support::ScratchDirectory& folder,
                           const std::vector<std::string>& models) {
    Brief brief;
    brief.title = "scripted <brief>";
    BriefTask task;
    task.name = "scripted";
    task.file = folder.path() / "scripted.yaml";
    brief.tasks.push_back(task);
    for (const std::string& model : models) {
        BriefCandidate candidate;
        candidate.model = model;
        brief.candidates.push_back(candidate);
    }
    return brief;
}

}  // namespace lathe::choose
