#include "eval/score_kept.h"

#include <cmath>
#include <set>

#include "core/platform/files.h"
#include "learn/eval/run_diff.h"

namespace lathe::app {
namespace {

using Score = quant::ReportRow::Score;

std::string MainMetric(const Json& results, const std::string& task) {
    const Json config = results.value("configs", Json::object()).value(task, Json::object());
    const Json metrics = config.value("metric_list", Json::array());
    std::string name = metrics.empty() || !metrics[0].is_object()
                           ? "acc"
                           : metrics[0].value("metric", std::string("acc"));
    return name == "pass_at_k" ? "pass@1" : name;
}

// All tasks' sum; the errors of tasks are independent.
Score SumOf(const std::vector<Json>& rows) {
    double baseline = 0, sum = 0, squares = 0;
    for (const Json& row : rows) {
        baseline += row["a"].get<double>();
        sum += row["b"].get<double>();
        double half = (row["interval"][1].get<double>() - row["interval"][0].get<double>()) / 2;
        squares += half * half;
    }
    Score score{.task = "all tasks", .metric = "sum", .value = sum};
    if (baseline > 0) {
        score.kept = sum / baseline;
        score.low = *score.kept - std::sqrt(squares) / baseline;
        score.high = *score.kept + std::sqrt(squares) / baseline;
    }
    return score;
}

}  // namespace

Result<std::vector<Score>> ScoresKept(const std::filesystem::path& baseline,
                                      const std::filesystem::path& run) {
    LATHE_TRY(Json diff, eval::DiffRuns(baseline, run));
    LATHE_TRY(std::string text, platform::ReadFile(run / "results.json"));
    LATHE_TRY(Json results, ParseJson(text));
    std::vector<Score> scores;
    std::vector<Json> summed;
    std::set<std::string> seen;
    for (const Json& row : diff["tasks"]) {
        std::string task = row["task"];
        if (row["metric"] != MainMetric(results, task) || !seen.insert(task).second) continue;
        Score score{.task = task, .metric = row["metric"], .value = row["b"].get<double>()};
        double source = row["a"].get<double>();
        if (source > 0) {
            score.kept = score.value / source;
            score.low = 1 + row["interval"][0].get<double>() / source;
            score.high = 1 + row["interval"][1].get<double>() / source;
        }
        if (row["higher_is_better"].get<bool>()) summed.push_back(row);
        scores.push_back(std::move(score));
    }
    scores.push_back(SumOf(summed));
    return scores;
}

}  // namespace lathe::app
