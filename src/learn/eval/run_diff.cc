#include "learn/eval/run_diff.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/base/check.h"
#include "learn/eval/run_samples.h"
#include "learn/metrics/comparison.h"
#include "learn/samples/sample.h"

namespace lathe::eval {
namespace {

// One metric of one task, on the documents of both runs.
struct Row {
    std::string task, metric, filter;
    bool higher_is_better = true;
    std::vector<const RunSample*> a, b;
    metrics::Comparison comparison;

    double Score(const RunSample& sample) const { return sample.scores.at(metric); }
};

class RunDiff {
public:
    RunDiff(std::filesystem::path a, std::filesystem::path b)
        : folders_{std::move(a), std::move(b)} {}

    Result<Json> Run() {
        for (size_t i = 0; i < 2; ++i) {
            LATHE_TRY(results_[i], ReadRunResults(folders_[i]));
            out_["runs"].push_back(Json{{"folder", folders_[i].string()},
                                        {"model", RunModel(results_[i], folders_[i])},
                                        {"date", results_[i].value("date", Json())}});
        }
        out_["tasks"] = out_["changed"] = out_["warnings"] = Json::array();
        for (const auto& [task, scores] : results_[0]["results"].items())
            LATHE_RETURN_IF_ERROR(AddTask(task));
        for (const auto& [task, scores] : results_[1]["results"].items())
            if (!results_[0]["results"].contains(task))
                Warn(fmt::format("task {} is only in {}", task, folders_[1].string()));
        if (rows_.empty())
            return MakeError(
                Code::kFailedPrecondition, "the runs have nothing in common to compare{}",
                out_["warnings"].empty() ? ": no task is in both"
                                         : ": " + out_["warnings"][0].get<std::string>());
        Compare();
        for (const Row& row : rows_) {
            AddRow(row);
            AddChanged(row);
        }
        return std::move(out_);
    }

private:
    void Warn(std::string text) { out_["warnings"].push_back(std::move(text)); }

    Status AddTask(const std::string& task) {
        std::error_code failed;
        if (!std::filesystem::exists(RunSamplesFile(folders_[0], task), failed))
            return {};  // a group
        if (!std::filesystem::exists(RunSamplesFile(folders_[1], task), failed)) {
            Warn(fmt::format("task {} is only in {}", task, folders_[0].string()));
            return {};
        }
        for (size_t i = 0; i < 2; ++i) {
            LATHE_TRY(samples_[task][i], ReadRunSamples(RunSamplesFile(folders_[i], task)));
        }
        const auto& [a, b] = samples_[task];
        std::map<std::pair<std::string, std::string>, Row> rows;  // by filter and metric
        size_t shared = 0, other = 0;
        for (const auto& [key, sample] : a) {
            auto found = b.find(key);
            if (found == b.end()) continue;
            if (found->second.asked != sample.asked) {
                ++other;
                continue;
            }
            ++shared;
            for (const auto& [metric, score] : sample.scores) {
                if (!found->second.scores.contains(metric)) continue;
                Row& row = rows[{key.first, metric}];
                row.a.push_back(&sample);
                row.b.push_back(&found->second);
            }
        }
        if (other > 0)
            Warn(
                fmt::format("task {}: {} documents were asked differently (other text, examples "
                            "or data) and are left out",
                            task, other));
        if (shared + other < std::max(a.size(), b.size()))
            Warn(fmt::format("task {}: {} answers are only in one run and are left out", task,
                             a.size() + b.size() - 2 * (shared + other)));
        for (auto& [names, row] : rows) {
            row.task = task;
            std::tie(row.filter, row.metric) = names;
            row.higher_is_better = HigherIsBetter(row);
            rows_.push_back(std::move(row));
        }
        return {};
    }

    bool HigherIsBetter(const Row& row) const {
        const Json directions = results_[0].value("higher_is_better", Json::object());
        const Json of_task =
            directions.is_object() ? directions.value(row.task, Json::object()) : Json::object();
        Json direction = of_task.is_object() ? of_task.value(row.metric, Json(true)) : Json(true);
        return direction != Json(false);
    }

    void Compare() {
        std::vector<double> p_values;
        for (Row& row : rows_) {
            std::vector<double> baseline, candidate;
            for (const RunSample* sample : row.a) baseline.push_back(row.Score(*sample));
            for (const RunSample* sample : row.b) candidate.push_back(row.Score(*sample));
            row.comparison = metrics::Compare({.baseline = baseline, .candidate = candidate});
            p_values.push_back(row.comparison.p_value);
        }
        std::vector<double> corrected = metrics::HolmCorrection(p_values);
        for (size_t i = 0; i < rows_.size(); ++i) {
            rows_[i].comparison.p_value_corrected = corrected[i];
            rows_[i].comparison.comparisons = rows_.size();
        }
    }

    void AddRow(const Row& row) {
        const metrics::Comparison& found = row.comparison;
        std::string a = out_["runs"][0]["model"], b = out_["runs"][1]["model"];
        if (a == b) {
            a = folders_[0].string();
            b = folders_[1].string();
        }
        metrics::Finding finding = metrics::FindingOf(found, row.higher_is_better);
        auto or_null = [](const auto& value) { return value ? Json(*value) : Json(nullptr); };
        uint64_t wins = row.higher_is_better ? found.higher : found.lower;
        uint64_t losses = row.higher_is_better ? found.lower : found.higher;
        out_["tasks"].push_back(Json{
            {"task", row.task},
            {"metric", row.metric},
            {"filter", row.filter},
            {"documents", found.documents},
            {"a", found.baseline_mean},
            {"b", found.candidate_mean},
            {"difference", found.difference.mean},
            {"interval", {found.interval.low, found.interval.high}},
            {"wins", wins},
            {"losses", losses},
            {"ties", found.documents - wins - losses},
            {"p", found.p_value},
            {"p_corrected", *found.p_value_corrected},
            {"test", found.test == metrics::PairedTest::kMcNemar ? "mcnemar" : "permutation"},
            {"higher_is_better", row.higher_is_better},
            {"verdict", metrics::VerdictName(finding.verdict)},
            {"alpha", finding.alpha},
            {"documents_needed", or_null(finding.documents_needed)},
            {"share_differing_max", or_null(finding.share_differing_max)},
            {"conclusion",
             metrics::Conclusion(
                 found, {.baseline = a, .candidate = b, .higher_is_better = row.higher_is_better})},
        });
    }

    void AddChanged(const Row& row) {
        std::vector<size_t> changed;
        auto difference = [&](size_t i) {
            return std::abs(row.Score(*row.b[i]) - row.Score(*row.a[i]));
        };
        for (size_t i = 0; i < row.a.size(); ++i)
            if (difference(i) != 0) changed.push_back(i);
        if (changed.size() > kChangedMax) {
            std::ranges::sort(changed, std::greater<>(), [&](size_t i) {
                return std::pair(difference(i), -static_cast<double>(i));
            });
            changed.resize(kChangedMax);
            std::ranges::sort(changed);
        }
        for (size_t i : changed) {
            samples::Sample a = Read(*row.a[i]), b = Read(*row.b[i]);
            out_["changed"].push_back(Json{{"task", row.task},
                                           {"metric", row.metric},
                                           {"filter", row.filter},
                                           {"doc_id", a.document},
                                           {"a", row.Score(*row.a[i])},
                                           {"b", row.Score(*row.b[i])},
                                           {"question", a.question},
                                           {"target", a.target},
                                           {"a_answer", samples::AnswerOf(a, row.metric)},
                                           {"b_answer", samples::AnswerOf(b, row.metric)}});
        }
    }

    // ReadRunSamples has let through only lines that can be read.
    static samples::Sample Read(const RunSample& sample) {
        auto read = samples::ReadSample(sample.line);
        LATHE_CHECK(read.has_value());
        return *std::move(read);
    }

    std::array<std::filesystem::path, 2> folders_;
    std::array<Json, 2> results_;
    std::map<std::string, std::array<RunSamples, 2>> samples_;  // by task; rows borrow them
    std::vector<Row> rows_;
    Json out_ = Json{{"runs", Json::array()}};
};

}  // namespace

Result<Json> DiffRuns(const std::filesystem::path& a, const std::filesystem::path& b) {
    return RunDiff(a, b).Run();
}

}  // namespace lathe::eval
