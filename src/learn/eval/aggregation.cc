#include "learn/eval/aggregation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "learn/eval/corpus_score.h"
#include "learn/eval/python_random.h"

namespace lathe::eval {
namespace {

// An item in the form that resampling can afford.
struct Item {
    double value = 0;   // a number; of a pair the first
    double second = 0;  // of a pair
};

using Statistic = double (*)(std::span<const Item* const>);

double Mean(std::span<const Item* const> items) {
    double sum = 0;
    for (const Item* item : items) sum += item->value;
    return sum / static_cast<double>(items.size());
}

double Median(std::span<const Item* const> items) {
    std::vector<double> values;
    for (const Item* item : items) values.push_back(item->value);
    auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

double Perplexity(std::span<const Item* const> items) {
    return std::exp(-Mean(items));
}

double WeightedMean(std::span<const Item* const> items) {
    double sum = 0;
    double weight = 0;
    for (const Item* item : items) {
        sum += item->value;
        weight += item->second;
    }
    return sum / weight;
}

double WeightedPerplexity(std::span<const Item* const> items) {
    return std::exp(-WeightedMean(items));
}

double BitsPerByte(std::span<const Item* const> items) {
    return -WeightedMean(items) / std::log(2.0);
}

// Of label 1 against 0; without any positive it is 0, as in scikit-learn.
double F1(std::span<const Item* const> items) {
    double hits = 0;
    double positives = 0;
    for (const Item* item : items) {
        hits += item->value == 1 && item->second == 1;
        positives += (item->value == 1) + (item->second == 1);
    }
    return positives == 0 ? 0 : 2 * hits / positives;
}

// For any number of labels (Gorodkin, 2004).
double MatthewsCorrelation(std::span<const Item* const> items) {
    std::map<double, std::pair<double, double>> counts;  // label -> (gold, predicted)
    double hits = 0;
    for (const Item* item : items) {
        ++counts[item->value].first;
        ++counts[item->second].second;
        hits += item->value == item->second;
    }
    auto total = static_cast<double>(items.size());
    double both = 0;
    double gold = 0;
    double predicted = 0;
    for (const auto& [label, count] : counts) {
        both += count.first * count.second;
        gold += count.first * count.first;
        predicted += count.second * count.second;
    }
    double scale = (total * total - gold) * (total * total - predicted);
    return scale == 0 ? 0 : (hits * total - both) / std::sqrt(scale);
}

struct Kind {
    std::string_view name;
    Statistic statistic;
    bool takes_pairs;
    bool bootstraps;
};

constexpr auto kKinds = std::to_array<Kind>({
    {"mean", Mean, false, false},
    {"median", Median, false, true},
    {"perplexity", Perplexity, false, true},
    {"weighted_perplexity", WeightedPerplexity, true, false},
    {"bits_per_byte", BitsPerByte, true, false},
    {"f1", F1, true, true},
    {"matthews_corrcoef", MatthewsCorrelation, true, true},
});

const Kind* FindKind(std::string_view name) {
    auto found = std::ranges::find(kKinds, name, &Kind::name);
    return found == kKinds.end() ? nullptr : &*found;
}

Result<std::vector<Item>> ItemsOf(const Kind& kind, std::span<const Json> given) {
    std::vector<Item> items;
    for (const Json& json : given) {
        bool pair =
            json.is_array() && json.size() == 2 && json[0].is_number() && json[1].is_number();
        if (kind.takes_pairs ? !pair : !json.is_number())
            return InvalidParam("aggregation",
                                "the aggregation `{}` does not fit the metric: it takes {}",
                                kind.name, kind.takes_pairs ? "pairs of numbers" : "numbers");
        items.push_back(pair ? Item{json[0].get<double>(), json[1].get<double>()}
                             : Item{json.get<double>(), 0});
    }
    if (kind.name == "f1" && std::ranges::any_of(items, [](const Item& item) {
            return item.value < 0 || item.value > 1 || item.second < 0 || item.second > 1;
        }))
        return InvalidParam("metric_list",
                            "f1 is for two choices; the task has more: use acc or mcc");
    return items;
}

std::vector<const Item*> Pointers(const std::vector<Item>& items) {
    std::vector<const Item*> pointers;
    for (const Item& item : items) pointers.push_back(&item);
    return pointers;
}

double SampleDeviation(std::span<const double> values) {
    double count = static_cast<double>(values.size());
    double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    double squares = 0;
    for (double value : values) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / (count - 1));
}

// A thousand draws from each of the seeds 0, 1, ...
double Bootstrap(Statistic statistic, const std::vector<Item>& items) {
    constexpr int kDrawsPerSeed = 1000;
    std::vector<double> values;
    std::vector<const Item*> drawn(items.size());
    auto count = static_cast<double>(items.size());
    for (uint64_t seed = 0; seed < kBootstrapDraws / kDrawsPerSeed; ++seed) {
        PythonRandom random(seed);
        for (int draw = 0; draw < kDrawsPerSeed; ++draw) {
            for (const Item*& item : drawn)
                item = &items[static_cast<size_t>(std::floor(random.Random() * count))];
            values.push_back(statistic(drawn));
        }
    }
    return SampleDeviation(values);
}

Result<double> BrierScore(std::span<const Json> items) {
    double total = 0;
    for (const Json& item : items) {
        if (!item.is_array() || item.size() != 2 || !item[0].is_number_integer() ||
            !item[1].is_array())
            return InvalidParam("aggregation", "brier_score takes pairs [gold, probabilities]");
        auto gold = item[0].get<int64_t>();
        for (size_t i = 0; i < item[1].size(); ++i) {
            double difference =
                item[1][i].get<double>() - (static_cast<int64_t>(i) == gold ? 1.0 : 0.0);
            total += difference * difference;
        }
    }
    return total / static_cast<double>(items.size());
}

}  // namespace

bool IsAggregation(std::string_view name) {
    return name == "brier_score" || IsCorpusScore(name) || FindKind(name) != nullptr;
}

std::string AggregationNames() {
    std::string names = "brier_score, bleu, bleu_zh, chrf";
    for (const Kind& kind : kKinds) names += fmt::format(", {}", kind.name);
    return names;
}

Result<double> Aggregate(std::string_view name, std::span<const Json> given) {
    if (name == "brier_score") return BrierScore(given);
    if (IsCorpusScore(name)) return CorpusScore(name, given);
    const Kind* kind = FindKind(name);
    if (!kind) return InvalidParam("aggregation", "the aggregation `{}` is not known", name);
    LATHE_TRY(std::vector<Item> items, ItemsOf(*kind, given));
    return kind->statistic(Pointers(items));
}

Result<std::optional<double>> StandardError(std::string_view name, std::span<const Json> given) {
    if (IsCorpusScore(name)) return CorpusError(name, given);
    const Kind* kind = FindKind(name);
    if (!kind || given.size() < 2) return std::nullopt;
    LATHE_TRY(std::vector<Item> items, ItemsOf(*kind, given));
    if (kind->bootstraps) return Bootstrap(kind->statistic, items);
    if (kind->name != "mean") return std::nullopt;
    std::vector<double> values;
    for (const Item& item : items) values.push_back(item.value);
    return SampleDeviation(values) / std::sqrt(static_cast<double>(values.size()));
}

double PooledError(std::span<const double> errors, std::span<const double> sizes) {
    double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
    double variance = 0;
    for (size_t i = 0; i < errors.size(); ++i)
        variance += (sizes[i] - 1) * errors[i] * errors[i] * sizes[i];
    return std::sqrt(variance / (total - static_cast<double>(sizes.size())) / total);
}

double UnweightedError(std::span<const double> errors) {
    double squares = 0;
    for (double error : errors) squares += error * error;
    return std::sqrt(squares) / static_cast<double>(errors.size());
}

}  // namespace lathe::eval
