#include "learn/choose/choice.h"

#include <algorithm>

#include "core/base/check.h"

namespace lathe::choose {
namespace {

Json OrNull(const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json AsJson(const metrics::Interval& interval) {
    return Json::array({interval.low, interval.high});
}

Json AsJson(const QualityDifference& difference) {
    return {{"value", difference.value},
            {"interval", AsJson(difference.interval)},
            {"p_value", difference.p_value}};
}

Json AsJson(const Costs& costs) {
    return {{"first_token_ms", OrNull(costs.first_token_ms)},
            {"tokens_per_second", OrNull(costs.tokens_per_second)},
            {"tokens_per_second_alone", OrNull(costs.tokens_per_second_alone)},
            {"answers_per_second", OrNull(costs.answers_per_second)},
            {"memory_gib", OrNull(costs.memory_gib)},
            {"cost_per_million_tokens", OrNull(costs.cost_per_million_tokens)},
            {"processor_share", costs.processor_share}};
}

Json AsJson(const Prediction& prediction) {
    return {{"memory_gib", prediction.memory_gib},
            {"first_token_ms", prediction.first_token_ms},
            {"tokens_per_second", prediction.tokens_per_second},
            {"error_factor",
             {{"memory", kMemoryError},
              {"first_token", prediction.error.prefill},
              {"tokens_per_second", prediction.error.decode}}}};
}

Json AsJson(const Limits& limits) {
    Json out = Json::object();
    for (Limit limit : kLimits) out[LimitKey(limit)] = OrNull(ValueOf(limits, limit));
    return out;
}

std::string_view StageName(Outcome::Stage stage) {
    switch (stage) {
        case Outcome::Stage::kSetAside:
            return "set_aside";
        case Outcome::Stage::kFailed:
            return "failed";
        case Outcome::Stage::kDropped:
            return "dropped";
        case Outcome::Stage::kMeasured:
            return "measured";
    }
    return "";
}

Json AsJson(const Outcome& outcome) {
    Json out{{"name", outcome.candidate.name},
             {"model", outcome.candidate.model},
             {"precision", outcome.candidate.precision},
             {"server", outcome.candidate.entry.server},
             {"stage", StageName(outcome.stage)}};
    if (outcome.set_aside)
        out["set_aside"] = {{"limit", LimitKey(outcome.set_aside->limit)},
                            {"predicted", outcome.set_aside->predicted},
                            {"error_factor", outcome.set_aside->error},
                            {"bound", outcome.set_aside->bound}};
    if (!outcome.failure.empty()) out["failure"] = outcome.failure;
    if (!outcome.remark.empty()) out["remark"] = outcome.remark;
    if (!outcome.dropped_for.empty())
        out["dropped"] = {{"for", outcome.dropped_for},
                          {"quality_difference", AsJson(outcome.dropped_by)}};
    if (outcome.predictions) {
        out["predicted"] = AsJson(outcome.predictions->here);
        Json& machines = out["predicted_for"] = Json::array();
        for (const MachinePrediction& other : outcome.predictions->machines) {
            Json one{{"machine", other.machine.name},
                     {"title", other.machine.title},
                     {"fits", other.fits}};
            one.update(AsJson(other.prediction));
            machines.push_back(std::move(one));
        }
    }
    if (outcome.costs) out["measured"] = AsJson(*outcome.costs);
    if (!outcome.scores.empty()) {
        out["quality"] = QualityOf(outcome.scores);
        out["quality_interval"] = AsJson(QualityInterval(outcome.scores));
        for (const TaskScores& task : outcome.scores)
            out["tasks"][task.task] = {{"score", task.mean()},
                                       {"quality", task.quality()},
                                       {"documents", task.scores.size()}};
    }
    return out;
}

std::string_view VerdictName(TuningAdvice::Verdict verdict) {
    switch (verdict) {
        case TuningAdvice::Verdict::kEnough:
            return "enough";
        case TuningAdvice::Verdict::kTune:
            return "tune";
        case TuningAdvice::Verdict::kTryTuning:
            return "try_tuning";
        case TuningAdvice::Verdict::kGrow:
            return "grow";
        case TuningAdvice::Verdict::kCollect:
            return "collect";
    }
    return "";
}

Json AsJson(const TuningAdvice& advice) {
    Json out{{"verdict", VerdictName(advice.verdict)},
             {"rule_of_thumb", true},
             {"quality", advice.quality},
             {"examples", advice.examples ? Json(*advice.examples) : Json(nullptr)}};
    if (!advice.larger.empty())
        out["larger"] = {{"name", advice.larger},
                         {"parameters_ratio", advice.larger_ratio},
                         {"breaks_limits", advice.larger_breaks_limits},
                         {"quality_difference", AsJson(advice.larger_gain)}};
    return out;
}

Json StandingAsJson(const Choice& choice, const Standing& standing) {
    Json broken = Json::array();
    for (Limit limit : standing.broken) broken.push_back(LimitKey(limit));
    Json fronts = Json::array();
    if (standing.on_speed_front) fronts.push_back("speed");
    if (standing.on_memory_front) fronts.push_back("memory");
    if (standing.on_cost_front) fronts.push_back("cost");
    Json out{{"name", choice.contestants[standing.contestant].name},
             {"quality", standing.quality},
             {"quality_interval", AsJson(standing.interval)},
             {"breaks", broken},
             {"pareto", fronts}};
    if (choice.winner && *choice.winner != standing.contestant) {
        out["to_recommended"] = AsJson(standing.to_winner);
        out["told_apart"] = !standing.rivals_winner;
    }
    return out;
}

Json ChangeAsJson(const Choice& choice, const Change& change) {
    static constexpr std::string_view kKinds[] = {"tighten", "relax", "weight"};
    return {{"kind", kKinds[static_cast<size_t>(change.kind)]},
            {"what", change.kind == Change::Kind::kWeight ? choice.tasks[change.task].name
                                                          : std::string(LimitKey(change.limit))},
            {"from", OrNull(change.from)},
            {"to", change.to},
            {"recommended_then", choice.contestants[change.winner].name}};
}

}  // namespace

const Outcome& Choice::OutcomeOf(const Contestant& contestant) const {
    auto found = std::ranges::find_if(outcomes, [&](const Outcome& outcome) {
        return outcome.candidate.name == contestant.name;
    });
    LATHE_CHECK(found != outcomes.end());
    return *found;
}

Json Choice::AsJson() const {
    Json out{{"lathe_choice", 1}, {"title", brief.title}, {"machine", machine}, {"quick", quick}};
    out["traffic"] = {{"users", brief.traffic.users},
                      {"prompt_tokens", brief.traffic.prompt_tokens},
                      {"answer_tokens", brief.traffic.answer_tokens}};
    out["limits"] = choose::AsJson(brief.limits);
    out["currency"] = brief.money.currency;
    out["languages"] = brief.languages;
    out["languages_not_measured"] = languages_not_measured;
    for (const ChoiceTask& task : tasks)
        out["tasks"].push_back({{"name", task.name},
                                {"weight", task.weight},
                                {"chance", task.chance},
                                {"metric", task.metric},
                                {"documents", task.documents}});
    out["recommended"] = winner ? Json(contestants[*winner].name) : Json(nullptr);
    out["ranking"] = Json::array();
    for (const Standing& standing : standings)
        out["ranking"].push_back(StandingAsJson(*this, standing));
    out["what_would_change_it"] = Json::array();
    for (const Change& change : changes)
        out["what_would_change_it"].push_back(ChangeAsJson(*this, change));
    out["advice"] = advice ? choose::AsJson(*advice) : Json(nullptr);
    for (const Outcome& outcome : outcomes) out["candidates"].push_back(choose::AsJson(outcome));
    return out;
}

}  // namespace lathe::choose
