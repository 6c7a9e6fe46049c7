#include "learn/eval/task_scores.h"

#include <numeric>
#include <set>

#include "learn/eval/aggregation.h"
#include "learn/eval/code_judge.h"
#include "learn/eval/filters.h"
#include "learn/eval/hash.h"
#include "learn/eval/python_literal.h"
#include "learn/eval/scoring.h"

namespace lathe::eval {
namespace {

bool Generates(const Task& task) {
    return task.config().output_type == OutputType::kGenerateUntil;
}

// An answer as lm-evaluation-harness writes it: all texts.
Json AsTexts(OutputType type, const ModelAnswer& answer) {
    if (type == OutputType::kGenerateUntil) return answer.text;
    std::string loglikelihood = PythonStr(answer.loglikelihood);
    if (type == OutputType::kLoglikelihoodRolling) return loglikelihood;
    return Json::array({loglikelihood, answer.is_greedy ? "True" : "False"});
}

Json ArgumentsOf(const Question& question) {
    Json arguments = Json::object();
    for (size_t i = 0; i < question.requests.size(); ++i) {
        const ModelRequest& request = question.requests[i];
        Json one{{"arg_0", request.context}};
        if (request.kind == ModelRequest::Kind::kLoglikelihood) one["arg_1"] = request.continuation;
        if (request.kind == ModelRequest::Kind::kGenerate)
            one["arg_1"] = question.generation->as_written;
        arguments[fmt::format("gen_args_{}", i)] = std::move(one);
    }
    return arguments;
}

Json AllAnswers(OutputType type, const Question& question,
                const std::vector<ModelAnswer>& answers) {
    Json all = Json::array();
    auto repeats = static_cast<size_t>(question.repeats);
    for (size_t i = 0; i < question.requests.size(); ++i) {
        Json one = Json::array();
        for (size_t r = 0; r < repeats; ++r) one.push_back(AsTexts(type, answers[i * repeats + r]));
        all.push_back(std::move(one));
    }
    return all;
}

class TaskScorer {
    // What was written for a document, behind the filter, and how it ran.
    struct Programs {
        std::vector<std::string> texts;
        std::vector<sandbox::Verdict> verdicts;
    };

public:
    TaskScorer(const Task& task, Scorer scorer) : task_(task), scorer_(std::move(scorer)) {}

    // All documents through one filter.
    Status Run(FilterPipeline& filter, const std::vector<Question>& questions,
               const std::vector<std::vector<ModelAnswer>>& answers) {
        programs_.clear();
        if (scorer_.judges_code()) LATHE_RETURN_IF_ERROR(JudgeAll(filter, questions, answers));
        std::map<std::string, std::vector<Json>> items;
        for (size_t i = 0; i < questions.size(); ++i) {
            auto sample = Sample(filter, questions[i], answers[i]);
            if (!sample)
                return std::unexpected(
                    WithContext(std::move(sample).error(),
                                fmt::format("task {}, document {}", task_.config().name,
                                            questions[i].document)));
            for (const Json& name : (*sample)["metrics"])
                items[name.get<std::string>()].push_back(
                    sample->at(name.get_ref<const std::string&>()));
            hashes_ += (*sample)["doc_hash"].get<std::string>() +
                       (*sample)["prompt_hash"].get<std::string>() +
                       (*sample)["target_hash"].get<std::string>();
            scores_.samples.push_back(*std::move(sample));
        }
        Warn(filter, questions.size());
        return AddMetrics(filter.name(), items);
    }

    TaskScores Release() {
        scores_.hash = HashText(hashes_);
        return std::move(scores_);
    }

private:
    Result<Json> Sample(FilterPipeline& filter, const Question& question,
                        const std::vector<ModelAnswer>& answers) {
        OutputType type = task_.config().output_type;
        const Json& document = task_.document(question.document);
        LATHE_TRY(Json target, task_.Target(document));
        Json filtered = Json::array();
        Json values;
        if (scorer_.judges_code()) {
            const Programs& programs = programs_.at(question.document);
            filtered.push_back(programs.texts);
            LATHE_TRY(values, scorer_.ScoreCode(programs.verdicts));
        } else if (Generates(task_)) {
            LATHE_TRY(std::string text, Filtered(filter, document, answers));
            LATHE_TRY(values, scorer_.ScoreText(document, text));
            filtered.push_back(std::move(text));
        } else {
            std::vector<ModelAnswer> first;
            for (size_t i = 0; i < question.requests.size(); ++i) {
                first.push_back(answers[i * static_cast<size_t>(question.repeats)]);
                filtered.push_back(AsTexts(type, first.back()));
            }
            LATHE_TRY(values, scorer_.ScoreLikelihoods(document, first));
        }
        Json sample{{"doc_id", question.document},
                    {"doc", document},
                    {"target", PythonStr(target)},
                    {"arguments", ArgumentsOf(question)},
                    {"resps", AllAnswers(type, question, answers)},
                    {"filtered_resps", std::move(filtered)},
                    {"filter", filter.name()},
                    {"metrics", Json::array()},
                    {"doc_hash", HashText(DumpJson(document, 2))},
                    {"prompt_hash", HashText(question.requests[0].context)},
                    {"target_hash", HashText(PythonStr(target))}};
        for (const auto& [name, value] : values.items()) {
            sample["metrics"].push_back(name);
            sample[name] = value;
        }
        if (scorer_.judges_code())
            for (const sandbox::Verdict& verdict : programs_.at(question.document).verdicts)
                sample["verdicts"].push_back(verdict.passed ? "passed" : verdict.reason);
        return sample;
    }

    // The programs of all documents, run together.
    Status JudgeAll(FilterPipeline& filter, const std::vector<Question>& questions,
                    const std::vector<std::vector<ModelAnswer>>& answers) {
        Candidates candidates;
        for (size_t i = 0; i < questions.size(); ++i) {
            size_t document = questions[i].document;
            LATHE_TRY(auto texts, AllFiltered(filter, task_.document(document), answers[i]));
            candidates.emplace_back(document, std::move(texts));
        }
        LATHE_TRY(auto verdicts, JudgeCode(task_, candidates));
        for (size_t i = 0; i < candidates.size(); ++i)
            programs_[candidates[i].first] = {std::move(candidates[i].second),
                                              std::move(verdicts[i])};
        return {};
    }

    static Result<std::vector<std::string>> AllFiltered(FilterPipeline& filter,
                                                        const Json& document,
                                                        const std::vector<ModelAnswer>& answers) {
        std::vector<std::string> texts;
        for (const ModelAnswer& answer : answers) texts.push_back(answer.text);
        return filter.Apply(std::move(texts), document);
    }

    static Result<std::string> Filtered(FilterPipeline& filter, const Json& document,
                                        const std::vector<ModelAnswer>& answers) {
        LATHE_TRY(auto texts, AllFiltered(filter, document, answers));
        if (texts.size() != 1)
            return InvalidParam("filter_list",
                                "the filter `{}` leaves {} answers to score; let it end with "
                                "take_first or majority_vote",
                                filter.name(), texts.size());
        return std::move(texts[0]);
    }

    void Warn(const FilterPipeline& filter, size_t documents) {
        for (const FilterPipeline::Tally& tally : filter.tallies())
            if (tally.seen > 0 && tally.missed == tally.seen)
                scores_.warnings.push_back(
                    fmt::format("task {}: the filter `{}` matched none of the answers to {} "
                                "documents (pattern {}): what is scored is its fallback",
                                task_.config().name, filter.name(), documents, tally.pattern));
    }

    Status AddMetrics(const std::string& filter, std::map<std::string, std::vector<Json>>& items) {
        for (const MetricConfig& metric : task_.config().metrics) {
            auto found = items.find(metric.name);
            if (found == items.end()) continue;
            LATHE_TRY(double value, Aggregate(metric.aggregation, found->second));
            LATHE_TRY(auto error, StandardError(metric.aggregation, found->second));
            scores_.metrics[metric.name + "," + filter] = value;
            scores_.metrics[metric.name + "_stderr," + filter] = error ? Json(*error) : Json("N/A");
        }
        return {};
    }

    const Task& task_;
    Scorer scorer_;
    std::map<size_t, Programs> programs_;  // by document, of code
    TaskScores scores_{.metrics = Json::object(), .samples = {}, .hash = {}, .warnings = {}};
    std::string hashes_;
};

// Filters of likelihoods can only choose the first answer.
Status CheckLikelihoodFilter(const Task& task, const Json& entry) {
    if (Generates(task) || !entry.contains("filter")) return {};
    for (const Json& step : entry["filter"])
        if (step.is_object() && step.value("function", "") != "take_first")
            return InvalidParam("filter_list",
                                "task {}: the filter function `{}` is for texts, and the answers "
                                "are likelihoods",
                                task.config().name, step.value("function", ""));
    return {};
}

// The filters that a group's metric is for.
std::set<std::string> FiltersOf(const TaskGroup& group, const GroupMetric& metric,
                                const std::map<std::string, Json>& tasks) {
    std::set<std::string> filters(metric.filters.begin(), metric.filters.end());
    if (!filters.empty()) return filters;
    std::string prefix = metric.metric + ",";
    for (const std::string& task : group.tasks)
        for (const auto& [key, value] : tasks.at(task).items())
            if (key.starts_with(prefix)) filters.insert(key.substr(prefix.size()));
    return filters;
}

}  // namespace

Result<TaskScores> ScoreTask(const Task& task, const std::vector<Question>& questions,
                             const std::vector<std::vector<ModelAnswer>>& answers) {
    LATHE_TRY(Scorer scorer, Scorer::Create(task));
    std::vector<FilterPipeline> filters;
    for (const Json& entry : task.config().filters) {
        LATHE_RETURN_IF_ERROR(CheckLikelihoodFilter(task, entry));
        auto filter = FilterPipeline::FromJson(entry);
        if (!filter)
            return std::unexpected(
                WithContext(std::move(filter).error(), "task " + task.config().name));
        filters.push_back(*std::move(filter));
    }
    if (filters.empty())
        filters.push_back(scorer.judges_code() ? FilterPipeline::Everything()
                                               : FilterPipeline::Default());
    TaskScorer run(task, std::move(scorer));
    for (FilterPipeline& filter : filters)
        LATHE_RETURN_IF_ERROR(run.Run(filter, questions, answers));
    return run.Release();
}

Json ScoreGroup(const TaskGroup& group, const std::map<std::string, Json>& tasks) {
    Json scores{{"alias", group.alias}, {"name", group.name}};
    if (group.metrics.empty()) return scores;
    double all = 0;
    for (const std::string& task : group.tasks) all += tasks.at(task).value("sample_len", 0.0);
    scores["sample_len"] = static_cast<int64_t>(all);
    for (const GroupMetric& metric : group.metrics) {
        for (const std::string& filter : FiltersOf(group, metric, tasks)) {
            std::string key = metric.metric + "," + filter;
            std::string error_key = metric.metric + "_stderr," + filter;
            std::vector<double> sizes;
            std::vector<double> errors;
            double sum = 0;
            double weights = 0;
            for (const std::string& name : group.tasks) {
                const Json& task = tasks.at(name);
                if (!task.contains(key) || !task[key].is_number()) continue;
                double size = task.value("sample_len", 0.0);
                double weight = metric.weight_by_size ? size : 1;
                sum += task[key].get<double>() * weight;
                weights += weight;
                sizes.push_back(size);
                if (task.value(error_key, Json()).is_number())
                    errors.push_back(task[error_key].get<double>());
            }
            if (sizes.empty()) continue;
            scores[key] = sum / weights;
            bool known = errors.size() == sizes.size();
            scores[error_key] = !known                  ? Json("N/A")
                                : metric.weight_by_size ? Json(PooledError(errors, sizes))
                                                        : Json(UnweightedError(errors));
            scores["sample_count"][key] =
                static_cast<int64_t>(std::accumulate(sizes.begin(), sizes.end(), 0.0));
        }
    }
    return scores;
}

}  // namespace lathe::eval
