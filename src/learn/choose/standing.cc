#include "learn/choose/standing.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "learn/metrics/comparison.h"

namespace lathe::choose {
namespace {

std::vector<double> WeightsOf(const Contestant& contestant) {
    std::vector<double> weights;
    for (const TaskScores& task : contestant.tasks) weights.push_back(task.weight);
    return weights;
}

// At least as good in a cost, up to `tolerance`; what is not known is as good as anything.
bool NoWorse(const Costs& a, const Costs& b, Limit limit, double tolerance) {
    auto x = ValueOf(a, limit), y = ValueOf(b, limit);
    if (!x || !y) return true;
    return IsLeast(limit) ? *x >= *y * (1 - tolerance) : *x <= *y * (1 + tolerance);
}

// Both better in one of (quality, cost) and no worse in the other.
bool Beats(const Standing& a, const Costs& a_costs, const Standing& b, const Costs& b_costs,
           Limit limit) {
    auto x = ValueOf(a_costs, limit), y = ValueOf(b_costs, limit);
    if (!x || !y) return false;
    bool cheaper = IsLeast(limit) ? *x > *y : *x < *y;
    bool equal = *x == *y;
    return (a.quality > b.quality && (cheaper || equal)) || (a.quality == b.quality && cheaper);
}

void MarkFronts(std::span<const Contestant> contestants, std::vector<Standing>& standings) {
    for (Standing& one : standings) {
        const Costs& costs = contestants[one.contestant].costs;
        auto on_front = [&](Limit limit) {
            return ValueOf(costs, limit).has_value() &&
                   std::ranges::none_of(standings, [&](const Standing& other) {
                       return Beats(other, contestants[other.contestant].costs, one, costs, limit);
                   });
        };
        one.on_speed_front = on_front(Limit::kSpeed);
        one.on_memory_front = on_front(Limit::kMemory);
        one.on_cost_front = on_front(Limit::kCost);
    }
}

void CompareWithWinner(std::span<const Contestant> contestants, size_t winner,
                       std::vector<Standing>& standings) {
    std::vector<double> p_values;
    for (Standing& one : standings) {
        if (one.contestant == winner) continue;
        one.to_winner =
            CompareQuality(contestants[one.contestant].tasks, contestants[winner].tasks);
        p_values.push_back(one.to_winner.p_value);
    }
    std::vector<double> corrected = metrics::HolmCorrection(p_values);
    size_t at = 0;
    for (Standing& one : standings) {
        if (one.contestant == winner) continue;
        one.to_winner.p_value = corrected[at++];
        one.rivals_winner = !one.to_winner.told_apart();
    }
}

double Ratio(double a, double b) {
    if (a <= 0 || b <= 0) return std::numeric_limits<double>::infinity();
    return std::max(a / b, b / a);
}

// Looks for changes of one brief.
class ChangeSearch {
public:
    ChangeSearch(std::span<const Contestant> contestants, const Limits& limits)
        : contestants_(contestants),
          limits_(limits),
          weights_(WeightsOf(contestants.front())),
          winner_(WinnerOf(contestants, limits)) {}

    std::vector<Change> Run() {
        for (Limit limit : kLimits) {
            if (winner_) TryTightening(limit);
            TryRelaxing(limit);
        }
        if (winner_)
            for (size_t task = 0; task < weights_.size() && weights_.size() > 1; ++task)
                TryWeights(task);
        std::ranges::sort(found_, {}, [](const Change& change) {
            double ratio = change.from ? Ratio(*change.from, change.to)
                                       : std::numeric_limits<double>::infinity();
            return std::tuple(ratio, change.kind, change.limit, change.task, change.to);
        });
        return std::move(found_);
    }

private:
    // Past the winner's own value it breaks the limit.
    void TryTightening(Limit limit) {
        auto value = ValueOf(contestants_[*winner_].costs, limit);
        if (!value) return;
        Limits changed = limits_;
        SetValue(changed, limit,
                 IsLeast(limit) ? std::nextafter(*value, 1e300) : std::nextafter(*value, 0.0));
        auto then = WinnerOf(contestants_, changed, weights_);
        if (!then) return;
        found_.push_back({.kind = Change::Kind::kTighten,
                          .limit = limit,
                          .from = ValueOf(limits_, limit),
                          .to = *value,
                          .winner = *then});
    }

    // The nearest value of those that break the limit with which somebody else wins.
    void TryRelaxing(Limit limit) {
        auto bound = ValueOf(limits_, limit);
        if (!bound) return;
        std::vector<double> values;
        for (const Contestant& contestant : contestants_)
            if (auto value = ValueOf(contestant.costs, limit); !Keeps(limit, value, bound))
                values.push_back(*value);
        std::ranges::sort(values);
        if (IsLeast(limit)) std::ranges::reverse(values);
        for (double value : values) {
            Limits changed = limits_;
            SetValue(changed, limit, value);
            auto then = WinnerOf(contestants_, changed, weights_);
            if (!then || then == winner_) continue;
            found_.push_back({.kind = Change::Kind::kRelax,
                              .limit = limit,
                              .from = bound,
                              .to = value,
                              .winner = *then});
            return;
        }
    }

    // Two qualities as functions of one weight cross where the weighted differences of the
    // other tasks and of this one cancel out.
    void TryWeights(size_t task) {
        double now = weights_[task];
        std::vector<double> crossings;
        for (size_t other = 0; other < contestants_.size(); ++other) {
            if (other == *winner_) continue;
            double rest = 0, here = 0;
            for (size_t t = 0; t < weights_.size(); ++t) {
                double difference = contestants_[*winner_].tasks[t].quality() -
                                    contestants_[other].tasks[t].quality();
                (t == task ? here : rest) += (t == task ? 1 : weights_[t]) * difference;
            }
            if (here == 0) continue;
            double crossing = -rest / here;
            if (crossing > 0 && crossing < 1e6) crossings.push_back(crossing);
        }
        for (bool up : {false, true}) TryCrossings(task, now, crossings, up);
    }

    void TryCrossings(size_t task, double now, std::vector<double> crossings, bool up) {
        std::erase_if(crossings, [&](double value) { return up ? value < now : value > now; });
        std::ranges::sort(crossings);
        if (!up) std::ranges::reverse(crossings);
        for (double crossing : crossings) {
            std::vector<double> changed = weights_;
            changed[task] = crossing * (up ? 1 + 1e-6 : 1 - 1e-6);
            auto then = WinnerOf(contestants_, limits_, changed);
            if (!then || then == winner_) continue;
            found_.push_back({.kind = Change::Kind::kWeight,
                              .task = task,
                              .from = now,
                              .to = crossing,
                              .winner = *then});
            return;
        }
    }

    std::span<const Contestant> contestants_;
    const Limits& limits_;
    std::vector<double> weights_;
    std::optional<size_t> winner_;
    std::vector<Change> found_;
};

}  // namespace

std::string_view LimitKey(Limit limit) {
    switch (limit) {
        case Limit::kFirstToken:
            return "first_token_ms";
        case Limit::kSpeed:
            return "tokens_per_second";
        case Limit::kMemory:
            return "memory_gib";
        case Limit::kCost:
            return "cost_per_million_tokens";
    }
    return "";
}

std::optional<double> ValueOf(const Costs& costs, Limit limit) {
    switch (limit) {
        case Limit::kFirstToken:
            return costs.first_token_ms;
        case Limit::kSpeed:
            return costs.tokens_per_second;
        case Limit::kMemory:
            return costs.memory_gib;
        case Limit::kCost:
            return costs.cost_per_million_tokens;
    }
    return std::nullopt;
}

std::optional<double> ValueOf(const Limits& limits, Limit limit) {
    Limits copy = limits;
    switch (limit) {
        case Limit::kFirstToken:
            return copy.first_token_ms;
        case Limit::kSpeed:
            return copy.tokens_per_second;
        case Limit::kMemory:
            return copy.memory_gib;
        case Limit::kCost:
            return copy.cost_per_million_tokens;
    }
    return std::nullopt;
}

void SetValue(Limits& limits, Limit limit, std::optional<double> value) {
    switch (limit) {
        case Limit::kFirstToken:
            limits.first_token_ms = value;
            break;
        case Limit::kSpeed:
            limits.tokens_per_second = value;
            break;
        case Limit::kMemory:
            limits.memory_gib = value;
            break;
        case Limit::kCost:
            limits.cost_per_million_tokens = value;
            break;
    }
}

bool IsLeast(Limit limit) {
    return limit == Limit::kSpeed;
}

bool Keeps(Limit limit, std::optional<double> value, std::optional<double> bound) {
    if (!value || !bound) return true;
    return IsLeast(limit) ? *value >= *bound : *value <= *bound;
}

bool KeepsAll(const Costs& costs, const Limits& limits) {
    return std::ranges::all_of(kLimits, [&](Limit limit) {
        return Keeps(limit, ValueOf(costs, limit), ValueOf(limits, limit));
    });
}

std::optional<size_t> WinnerOf(std::span<const Contestant> contestants, const Limits& limits,
                               std::span<const double> weights) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    auto merit = [&](const Contestant& one) {
        return std::tuple(QualityOf(one.tasks, weights), one.costs.tokens_per_second.value_or(0.0),
                          -one.costs.memory_gib.value_or(kNone));
    };
    std::optional<size_t> winner;
    for (size_t i = 0; i < contestants.size(); ++i)
        if (KeepsAll(contestants[i].costs, limits) &&
            (!winner || merit(contestants[i]) > merit(contestants[*winner])))
            winner = i;
    return winner;
}

std::optional<size_t> WinnerOf(std::span<const Contestant> contestants, const Limits& limits) {
    if (contestants.empty()) return std::nullopt;
    return WinnerOf(contestants, limits, WeightsOf(contestants.front()));
}

std::vector<Standing> Rank(std::span<const Contestant> contestants, const Limits& limits) {
    std::vector<Standing> standings;
    for (size_t i = 0; i < contestants.size(); ++i) {
        Standing one{.contestant = i,
                     .quality = QualityOf(contestants[i].tasks),
                     .interval = QualityInterval(contestants[i].tasks),
                     .broken = {},
                     .to_winner = {}};
        for (Limit limit : kLimits)
            if (!Keeps(limit, ValueOf(contestants[i].costs, limit), ValueOf(limits, limit)))
                one.broken.push_back(limit);
        standings.push_back(std::move(one));
    }
    auto winner = WinnerOf(contestants, limits);
    if (winner) CompareWithWinner(contestants, *winner, standings);
    MarkFronts(contestants, standings);
    std::ranges::sort(standings, {}, [&](const Standing& one) {
        return std::tuple(!one.broken.empty(), one.contestant != winner, -one.quality,
                          one.contestant);
    });
    return standings;
}

std::vector<Drop> FindDominated(std::span<const Contestant> contestants, const Limits& limits) {
    std::vector<Drop> pairs;
    for (size_t i = 0; i < contestants.size(); ++i)
        for (size_t j = 0; j < contestants.size(); ++j) {
            const Costs& mine = contestants[i].costs;
            const Costs& theirs = contestants[j].costs;
            bool dominated = i != j && std::ranges::all_of(kLimits, [&](Limit limit) {
                                 auto bound = ValueOf(limits, limit);
                                 bool keeps = !Keeps(limit, ValueOf(mine, limit), bound) ||
                                              Keeps(limit, ValueOf(theirs, limit), bound);
                                 return keeps && NoWorse(theirs, mine, limit, kSpeedTolerance);
                             });
            if (dominated)
                pairs.push_back(
                    {.contestant = i,
                     .by = j,
                     .difference = CompareQuality(contestants[i].tasks, contestants[j].tasks)});
        }
    std::vector<double> p_values;
    for (const Drop& pair : pairs) p_values.push_back(pair.difference.p_value);
    std::vector<double> corrected = metrics::HolmCorrection(p_values);
    std::vector<Drop> drops;
    for (size_t i = 0; i < pairs.size(); ++i) {
        pairs[i].difference.p_value = corrected[i];
        if (!pairs[i].difference.certainly_lower()) continue;
        auto same = std::ranges::find(drops, pairs[i].contestant, &Drop::contestant);
        if (same == drops.end())
            drops.push_back(pairs[i]);
        else if (pairs[i].difference.value < same->difference.value)
            *same = pairs[i];  // the best of those that dominate it
    }
    return drops;
}

std::vector<Change> WhatWouldChange(std::span<const Contestant> contestants, const Limits& limits) {
    if (contestants.empty()) return {};
    return ChangeSearch(contestants, limits).Run();
}

}  // namespace lathe::choose
