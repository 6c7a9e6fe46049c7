#include "learn/choose/report_table.h"

#include <fmt/format.h>

#include "learn/choose/words.h"

namespace lathe::choose {
namespace {

std::string CostCell(const Choice& choice, const Costs& costs, Limit limit) {
    auto value = ValueOf(costs, limit);
    return value ? LimitValue(limit, *value, choice.brief) : "-";
}

// Columns that say something of any candidate.
std::vector<Limit> KnownCosts(const Choice& choice) {
    std::vector<Limit> out;
    for (Limit limit : kLimits)
        for (const Contestant& one : choice.contestants)
            if (ValueOf(one.costs, limit)) {
                out.push_back(limit);
                break;
            }
    return out;
}

}  // namespace

ReportTable RankingTable(const Choice& choice, Language language) {
    ReportTable table;
    std::vector<Limit> costs = KnownCosts(choice);
    table.heads = {"#", Say(language, "candidate", "候选"), Say(language, "quality", "质量")};
    for (const ChoiceTask& task : choice.tasks) table.heads.push_back(task.name);
    for (Limit limit : costs) table.heads.push_back(LimitName(limit, language));
    table.heads.push_back(Say(language, "verdict", "结论"));
    for (const Standing& standing : choice.standings) {
        const Contestant& one = choice.contestants[standing.contestant];
        std::vector<std::string> row = {
            fmt::format("{}", table.rows.size() + 1), one.name,
            fmt::format("{} [{}, {}]", Points(standing.quality), Points(standing.interval.low),
                        Points(standing.interval.high))};
        for (const TaskScores& task : one.tasks)
            row.push_back(fmt::format("{:.1f} %", 100 * task.mean()));
        for (Limit limit : costs) row.push_back(CostCell(choice, one.costs, limit));
        row.push_back(StandingWords(choice, standing, language));
        table.rows.push_back(std::move(row));
    }
    return table;
}

ReportTable FateTable(const Choice& choice, Language language) {
    ReportTable table;
    table.heads = {Say(language, "candidate", "候选"), Say(language, "what of it", "说明")};
    for (const Outcome& outcome : choice.outcomes) {
        std::string fate = FateSentence(choice, outcome, language);
        if (!fate.empty()) table.rows.push_back({outcome.candidate.name, fate});
        for (const std::string& remark : {outcome.remark, DisturbanceSentence(outcome, language)})
            if (!remark.empty()) table.rows.push_back({outcome.candidate.name, remark});
    }
    return table;
}

ReportTable MachineTable(const Choice& choice, Language language) {
    ReportTable table;
    table.heads = {Say(language, "machine", "机器"),
                   Say(language, "candidate", "候选"),
                   Say(language, "fits its memory", "内存足够"),
                   LimitName(Limit::kMemory, language),
                   LimitName(Limit::kSpeed, language),
                   LimitName(Limit::kFirstToken, language)};
    auto with_error = [&](Limit limit, double value, double error) {
        return fmt::format("{} (×/÷ {:.2g})", LimitValue(limit, value, choice.brief), error);
    };
    for (size_t m = 0; m < choice.brief.machines.size(); ++m)
        for (const Outcome& outcome : choice.outcomes) {
            if (!outcome.predictions) continue;
            const MachinePrediction& one = outcome.predictions->machines.at(m);
            const Prediction& predicted = one.prediction;
            table.rows.push_back(
                {std::string(one.machine.title), outcome.candidate.name,
                 one.fits ? Say(language, "yes", "是") : Say(language, "no", "否"),
                 with_error(Limit::kMemory, predicted.memory_gib, kMemoryError),
                 with_error(Limit::kSpeed, predicted.tokens_per_second, predicted.error.decode),
                 with_error(Limit::kFirstToken, predicted.first_token_ms,
                            predicted.error.prefill)});
        }
    return table;
}

ReportTable TaskTable(const Choice& choice, Language language) {
    ReportTable table;
    table.heads = {Say(language, "task", "任务"), Say(language, "weight", "权重"),
                   Say(language, "metric", "指标"), Say(language, "guessing scores", "猜测得分"),
                   Say(language, "documents", "文档数")};
    for (const ChoiceTask& task : choice.tasks)
        table.rows.push_back({task.name, fmt::format("{:g}", task.weight), task.metric,
                              fmt::format("{:.1f} %", 100 * task.chance),
                              fmt::format("{}", task.documents)});
    return table;
}

}  // namespace lathe::choose
