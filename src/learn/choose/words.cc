#include "learn/choose/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lathe::choose {
namespace {

// Three digits, rounded so that the sentence stays true.
double Rounded(double value, bool up) {
    if (value == 0) return 0;
    double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 2);
    double steps = value / unit;
    // What is a whole number of steps already stays.
    double nearest = std::round(steps);
    if (std::abs(steps - nearest) < 1e-9) return nearest * unit;
    return (up ? std::ceil(steps) : std::floor(steps)) * unit;
}

std::string IntervalText(const metrics::Interval& interval, Language language) {
    return Say(language,
               fmt::format("95 % interval {} to {}", Points(interval.low), Points(interval.high)),
               fmt::format("95% 区间 {} 至 {}", Points(interval.low), Points(interval.high)));
}

std::string Joined(const std::vector<std::string>& parts, Language language) {
    std::string out;
    for (const std::string& part : parts)
        out += (out.empty() ? "" : Say(language, ", ", "、")) + part;
    return out;
}

bool HasLimits(const Limits& limits) {
    return std::ranges::any_of(kLimits,
                               [&](Limit limit) { return ValueOf(limits, limit).has_value(); });
}

std::string CostsText(const Costs& costs, const Brief& brief, Language language) {
    std::vector<std::string> parts;
    for (Limit limit : kLimits)
        if (auto value = ValueOf(costs, limit))
            parts.push_back(Say(
                language,
                fmt::format("{} {}", LimitName(limit, language), LimitValue(limit, *value, brief)),
                fmt::format("{} {}", LimitName(limit, language),
                            LimitValue(limit, *value, brief))));
    return Joined(parts, language);
}

std::string BrokenText(const Choice& choice, const Standing& standing, Language language) {
    const Costs& costs = choice.contestants[standing.contestant].costs;
    std::vector<std::string> parts;
    for (Limit limit : standing.broken)
        parts.push_back(Say(
            language,
            fmt::format("{} {} instead of {}", LimitName(limit, language),
                        LimitValue(limit, *ValueOf(costs, limit), choice.brief),
                        LimitValue(limit, *ValueOf(choice.brief.limits, limit), choice.brief)),
            fmt::format("{} 为 {}，限制为 {}", LimitName(limit, language),
                        LimitValue(limit, *ValueOf(costs, limit), choice.brief),
                        LimitValue(limit, *ValueOf(choice.brief.limits, limit), choice.brief))));
    return Joined(parts, language);
}

size_t DocumentCount(const Choice& choice) {
    size_t count = 0;
    for (const ChoiceTask& task : choice.tasks) count += task.documents;
    return count;
}

// In what a rival is at least a fifth cheaper than the winner.
std::string Advantages(const Choice& choice, const Costs& rival, Language language) {
    constexpr double kNoticeable = 1.2;
    const Costs& best = choice.contestants[*choice.winner].costs;
    std::vector<std::string> parts;
    for (Limit limit : kLimits) {
        auto a = ValueOf(rival, limit), b = ValueOf(best, limit);
        if (!a || !b) continue;
        double better = IsLeast(limit) ? *a / *b : *b / *a;
        if (!(better >= kNoticeable)) continue;
        parts.push_back(
            fmt::format("{} {}", LimitName(limit, language), LimitValue(limit, *a, choice.brief)));
    }
    return Joined(parts, language);
}

void AddRivals(const Choice& choice, Language language, std::vector<std::string>& out) {
    std::vector<std::string> rivals;
    for (const Standing& standing : choice.standings) {
        if (!standing.rivals_winner || !standing.broken.empty()) continue;
        const Contestant& rival = choice.contestants[standing.contestant];
        std::string text =
            fmt::format("{} ({}, {})", rival.name, SignedPoints(standing.to_winner.value),
                        IntervalText(standing.to_winner.interval, language));
        std::string advantages = Advantages(choice, rival.costs, language);
        if (!advantages.empty())
            text += Say(language, fmt::format(", which costs less: {}", advantages),
                        fmt::format("，且开销更小：{}", advantages));
        rivals.push_back(std::move(text));
    }
    size_t documents = DocumentCount(choice);
    if (rivals.empty()) {
        bool alone = std::ranges::count_if(choice.standings, [](const Standing& standing) {
                         return standing.broken.empty();
                     }) == 1;
        out.push_back(
            alone ? Say(language, "No other measured candidate keeps all limits.",
                        "没有其他已测候选满足所有限制。")
                  : Say(language,
                        fmt::format("On these {} documents all others that keep the limits are "
                                    "certainly worse (95 %, Holm's correction).",
                                    documents),
                        fmt::format("在这 {} 篇文档上，其他满足限制的候选均显著更差（95%，经 Holm "
                                    "校正）。",
                                    documents)));
        return;
    }
    for (const std::string& rival : rivals)
        out.push_back(
            Say(language,
                fmt::format("The {} documents do not tell it apart from {}.", documents, rival),
                fmt::format("这 {} 篇文档不足以区分它与 {}。", documents, rival)));
}

// Candidates of higher quality that a limit keeps out, and those nobody measured.
void AddBinding(const Choice& choice, Language language, std::vector<std::string>& out) {
    double best = choice.winner ? QualityOf(choice.contestants[*choice.winner].tasks) : -1e9;
    size_t before = out.size();
    for (const Standing& standing : choice.standings)
        if (!standing.broken.empty() && standing.quality > best)
            out.push_back(
                Say(language,
                    fmt::format("{} has quality {} but breaks a limit: {}.",
                                choice.contestants[standing.contestant].name,
                                Points(standing.quality), BrokenText(choice, standing, language)),
                    fmt::format("{} 的质量为 {}，但超出限制：{}。",
                                choice.contestants[standing.contestant].name,
                                Points(standing.quality), BrokenText(choice, standing, language))));
    bool unmeasured = std::ranges::any_of(choice.outcomes, [](const Outcome& outcome) {
        return outcome.stage == Outcome::Stage::kSetAside;
    });
    if (unmeasured)
        out.push_back(Say(language,
                          "Candidates that were set aside by prediction were not measured; "
                          "whether they are better is not known.",
                          "按预测排除的候选没有实测，其质量未知。"));
    if (out.size() == before && choice.winner && HasLimits(choice.brief.limits))
        out.push_back(Say(language, "No limit keeps out a candidate of higher quality.",
                          "没有限制排除质量更高的候选。"));
}

std::string ChangeText(const Choice& choice, const Change& change, Language language) {
    const std::string& then = choice.contestants[change.winner].name;
    bool up = IsLeast(change.limit);
    std::string name = LimitName(change.limit, language);
    auto value = [&](double number) { return LimitValue(change.limit, number, choice.brief); };
    switch (change.kind) {
        case Change::Kind::kTighten: {
            double to = Rounded(change.to, up);
            if (!change.from)
                return Say(language,
                           fmt::format("With a limit of {} {} {} (there is none now): {}.", name,
                                       up ? "above" : "below", value(to), then),
                           fmt::format("若{}的限制{} {}（目前无限制）：{}。", name,
                                       up ? "高于" : "低于", value(to), then));
            return Say(language,
                       fmt::format("With {} limited to {} {} (now {}): {}.", name,
                                   up ? "above" : "below", value(to), value(*change.from), then),
                       fmt::format("若{}限制{} {}（现为 {}）：{}。", name, up ? "高于" : "低于",
                                   value(to), value(*change.from), then));
        }
        case Change::Kind::kRelax: {
            double to = Rounded(change.to, !up);
            return Say(language,
                       fmt::format("With {} allowed to be {} (now {}): {}.", name, value(to),
                                   value(*change.from), then),
                       fmt::format("若{}放宽到 {}（现为 {}）：{}。", name, value(to),
                                   value(*change.from), then));
        }
        case Change::Kind::kWeight:
            break;
    }
    bool more = change.to > *change.from;
    double to = Rounded(change.to, more);
    return Say(language,
               fmt::format("With the weight of {} {} {:.3g} (now {:.3g}): {}.",
                           choice.tasks[change.task].name, more ? "above" : "below", to,
                           *change.from, then),
               fmt::format("若任务 {} 的权重{} {:.3g}（现为 {:.3g}）：{}。",
                           choice.tasks[change.task].name, more ? "高于" : "低于", to, *change.from,
                           then));
}

std::string ExamplesText(const TuningAdvice& advice, Language language) {
    if (!advice.examples)
        return Say(language, "The brief names no examples to tune with.",
                   "任务书没有说明可用于微调的样例数。");
    return Say(language, fmt::format("{} examples are at hand to tune with.", *advice.examples),
               fmt::format("现有 {} 条可用于微调的样例。", *advice.examples));
}

std::string GrowingText(const TuningAdvice& advice, Language language) {
    if (advice.larger.empty())
        return Say(language,
                   "No larger candidate was measured, so that nothing is known of growing.",
                   "没有测量更大的候选，因此无法判断换大模型的效果。");
    std::string limits =
        advice.larger_breaks_limits ? Say(language, ", and it breaks a limit", "，且超出限制") : "";
    std::string verdict = advice.larger_is_better() ? Say(language, "certainly better", "显著更好")
                          : advice.larger_gain.certainly_lower()
                              ? Say(language, "certainly worse", "显著更差")
                              : Say(language, "not told apart", "无法区分");
    return Say(
        language,
        fmt::format("Growing: {}, with {:.1f} times the parameters, scores {} ({}): {}{}.",
                    advice.larger, advice.larger_ratio, SignedPoints(advice.larger_gain.value),
                    IntervalText(advice.larger_gain.interval, language), verdict, limits),
        fmt::format("换大模型：{} 的参数为 {:.1f} 倍，质量 {}（{}）：{}{}。", advice.larger,
                    advice.larger_ratio, SignedPoints(advice.larger_gain.value),
                    IntervalText(advice.larger_gain.interval, language), verdict, limits));
}

std::string VerdictText(const TuningAdvice& advice, Language language) {
    using Verdict = TuningAdvice::Verdict;
    switch (advice.verdict) {
        case Verdict::kEnough:
            return Say(language,
                       "Little quality is left to win on these tasks: neither tune nor grow.",
                       "这些任务上可提升的空间很小：既不必微调，也不必换大模型。");
        case Verdict::kTune:
            return Say(language,
                       fmt::format("Tune instead of growing: with {} examples and more, tuning a "
                                   "small model on a narrow task mostly pays more than a model "
                                   "some times its size (a rule of thumb, not measured here).",
                                   kExamplesToTune),
                       fmt::format("建议微调而不是换大模型：样例达到 {} "
                                   "条以上时，在窄任务上微调小模型通常比"
                                   "换数倍大的模型更划算（经验法则，未在此测量）。",
                                   kExamplesToTune));
        case Verdict::kTryTuning:
            return Say(language,
                       fmt::format("Try tuning before growing, and keep some examples apart to "
                                   "see whether it helped: from {} to {} examples it may pay (a "
                                   "rule of thumb, not measured here).",
                                   kExamplesToTry, kExamplesToTune),
                       fmt::format("换大模型之前先试微调，并留出部分样例检验效果：{} 到 {} "
                                   "条样例时可能"
                                   "有效（经验法则，未在此测量）。",
                                   kExamplesToTry, kExamplesToTune));
        case Verdict::kGrow:
            return Say(language,
                       fmt::format("Grow rather than tune: below {} examples tuning mostly does "
                                   "not pay (a rule of thumb), and the larger candidate was "
                                   "measured to be better.",
                                   kExamplesToTry),
                       fmt::format("建议换大模型而不是微调：样例少于 {} "
                                   "条时微调通常不划算（经验法则），"
                                   "而更大的候选实测更好。",
                                   kExamplesToTry));
        case Verdict::kCollect:
            break;
    }
    return Say(language,
               fmt::format("Collect examples first: below {} tuning mostly does not pay (a rule "
                           "of thumb), and no larger candidate was measured to be better. A few "
                           "examples in the prompt are the cheapest thing to try.",
                           kExamplesToTry),
               fmt::format("先收集样例：少于 {} "
                           "条时微调通常不划算（经验法则），也没有更大的候选实测更好。"
                           "最便宜的尝试是在提示中加入几个样例。",
                           kExamplesToTry));
}

}  // namespace

std::string Say(Language language, std::string_view english, std::string_view chinese) {
    return std::string(language == Language::kChinese ? chinese : english);
}

std::string LimitName(Limit limit, Language language) {
    switch (limit) {
        case Limit::kFirstToken:
            return Say(language, "time to first token", "首个词元时间");
        case Limit::kSpeed:
            return Say(language, "speed for each reader", "每位读者的速度");
        case Limit::kMemory:
            return Say(language, "memory", "内存");
        case Limit::kCost:
            return Say(language, "cost of a million tokens", "每百万词元成本");
    }
    return "";
}

std::string LimitValue(Limit limit, double value, const Brief& brief) {
    // Three digits, but no exponents.
    int digits =
        value <= 0 ? 2 : std::clamp(2 - static_cast<int>(std::floor(std::log10(value))), 0, 6);
    std::string number = fmt::format("{:.{}f}", value, digits);
    if (number.find('.') != std::string::npos) {
        number.erase(number.find_last_not_of('0') + 1);
        if (number.ends_with('.')) number.pop_back();
    }
    switch (limit) {
        case Limit::kFirstToken:
            return number + " ms";
        case Limit::kSpeed:
            return number + " tok/s";
        case Limit::kMemory:
            return number + " GiB";
        case Limit::kCost:
            return number + " " + brief.money.currency;
    }
    return number;
}

std::string Points(double quality) {
    std::string text = fmt::format("{:.1f}", 100 * quality);
    return text == "-0.0" ? "0.0" : text;
}

std::string SignedPoints(double difference) {
    return fmt::format("{:+.1f}", 100 * difference);
}

std::vector<std::string> RecommendationSentences(const Choice& choice, Language language) {
    std::vector<std::string> out;
    if (choice.contestants.empty()) {
        out.push_back(Say(language, "No candidate could be measured; the reasons stand below.",
                          "没有候选可以测量，原因见下。"));
        return out;
    }
    if (!choice.winner) {
        out.push_back(Say(language, "None of the measured candidates keeps all limits.",
                          "已测候选均不能满足所有限制。"));
        AddBinding(choice, language, out);
    } else {
        const Contestant& best = choice.contestants[*choice.winner];
        auto standing = std::ranges::find(choice.standings, *choice.winner, &Standing::contestant);
        std::string quality = fmt::format("{} ({})", Points(standing->quality),
                                          IntervalText(standing->interval, language));
        out.push_back(
            HasLimits(choice.brief.limits)
                ? Say(language,
                      fmt::format("Take {}: of the candidates that keep all limits it has the "
                                  "best quality, {}.",
                                  best.name, quality),
                      fmt::format("推荐 {}：在满足所有限制的候选中质量最高，为 {}。", best.name,
                                  quality))
                : Say(language,
                      fmt::format("Take {}: it has the best quality, {}.", best.name, quality),
                      fmt::format("推荐 {}：质量最高，为 {}。", best.name, quality)));
        out.push_back(
            Say(language,
                fmt::format("It runs with: {}.", CostsText(best.costs, choice.brief, language)),
                fmt::format("运行开销：{}。", CostsText(best.costs, choice.brief, language))));
        AddRivals(choice, language, out);
        AddBinding(choice, language, out);
    }
    if (choice.quick)
        out.push_back(Say(language,
                          "This was the quick screen only; without --quick more documents are "
                          "measured.",
                          "这只是快速筛选的结果；去掉 --quick 会测量更多文档。"));
    for (const std::string& code : choice.languages_not_measured)
        out.push_back(Say(
            language,
            fmt::format("The brief names the language {}, but no task's documents "
                        "are written in it: the ranking says nothing about it.",
                        code),
            fmt::format("任务书提到语言 {}，但没有任务的文档使用它：排名不反映该语言。", code)));
    return out;
}

std::vector<std::string> ChangeSentences(const Choice& choice, Language language) {
    std::vector<std::string> out;
    for (const Change& change : choice.changes) out.push_back(ChangeText(choice, change, language));
    if (out.empty() && !choice.contestants.empty())
        out.push_back(Say(language,
                          "No change of a single limit or weight makes another measured candidate "
                          "the one to take.",
                          "改变任何单个限制或权重都不会使推荐变为其他已测候选。"));
    return out;
}

std::vector<std::string> AdviceSentences(const Choice& choice, Language language) {
    if (!choice.advice) return {};
    const TuningAdvice& advice = *choice.advice;
    return {Say(language,
                fmt::format("The recommended candidate reaches {} of 100 points.",
                            Points(advice.quality)),
                fmt::format("推荐的候选达到 100 分中的 {} 分。", Points(advice.quality))),
            ExamplesText(advice, language), GrowingText(advice, language),
            VerdictText(advice, language)};
}

std::string FateSentence(const Choice& choice, const Outcome& outcome, Language language) {
    switch (outcome.stage) {
        case Outcome::Stage::kMeasured:
            return "";
        case Outcome::Stage::kFailed:
            return Say(language, fmt::format("could not be measured: {}", outcome.failure),
                       fmt::format("无法测量：{}", outcome.failure));
        case Outcome::Stage::kDropped:
            return Say(language,
                       fmt::format("dropped after the screen: {} is certainly better ({} for this "
                                   "one, {}) and costs no more",
                                   outcome.dropped_for, SignedPoints(outcome.dropped_by.value),
                                   IntervalText(outcome.dropped_by.interval, language)),
                       fmt::format("筛选后淘汰：{} 显著更好（本候选相差 {}，{}），且开销不更高",
                                   outcome.dropped_for, SignedPoints(outcome.dropped_by.value),
                                   IntervalText(outcome.dropped_by.interval, language)));
        case Outcome::Stage::kSetAside:
            break;
    }
    const SetAside& reason = *outcome.set_aside;
    std::string name = LimitName(reason.limit, language);
    std::string predicted = LimitValue(reason.limit, reason.predicted, choice.brief);
    std::string bound = LimitValue(reason.limit, reason.bound, choice.brief);
    return Say(language,
               fmt::format("set aside by prediction, not measured: {} {} (within a factor of "
                           "{:.2g}), the limit is {}",
                           name, predicted, reason.error, bound),
               fmt::format("按预测排除，未实测：{} {}（误差因子 {:.2g}），限制为 {}", name,
                           predicted, reason.error, bound));
}

std::string DisturbanceSentence(const Outcome& outcome, Language language) {
    if (!outcome.costs || outcome.costs->processor_share >= kUndisturbed) return "";
    double lost = 100 * (1 - outcome.costs->processor_share);
    return Say(language,
               fmt::format("other programs took {:.0f} % of the processor time while its speed was "
                           "measured: it is faster than stated. The same command measures it again",
                           lost),
               fmt::format("测速时其他程序占用了 {:.0f}% 的处理器时间：实际速度高于所示。"
                           "再次运行同一命令会重新测量",
                           lost));
}

std::string StandingWords(const Choice& choice, const Standing& standing, Language language) {
    if (!standing.broken.empty())
        return Say(language, "breaks: ", "超限：") + BrokenText(choice, standing, language);
    if (choice.winner == standing.contestant) return Say(language, "recommended", "推荐");
    if (standing.rivals_winner)
        return Say(language, "not told apart from the recommended one", "与推荐者无法区分");
    return Say(language, "certainly worse", "显著更差");
}

std::string PredictionSentence(Language language) {
    return Say(language,
               "Predictions from published figures, not measurements: the truth should lie between "
               "a number divided by and multiplied with the factor beside it. Quality does not "
               "depend on the machine.",
               "以下是根据公开参数的预测，并非实测：真实值应在所示数值除以和乘以旁边因子之间。"
               "质量与机器无关。");
}

std::string QualitySentence(Language language) {
    return Say(language,
               "Quality is the weighted mean over the tasks, each on a scale from 0 (as good as "
               "guessing) to 100 (all right); intervals are of 95 % over other documents of the "
               "same tasks.",
               "质量是各任务的加权平均，每个任务的刻度从 0（相当于猜测）到 "
               "100（全对）；区间为 95%，针对相同任务的其他文档。");
}

std::string TrafficSentence(const Choice& choice, Language language) {
    const Traffic& traffic = choice.brief.traffic;
    return Say(
        language,
        fmt::format("Speeds are measured with {} at the same time, prompts of {} and "
                    "answers of {} tokens: the time until nine of ten have their first "
                    "token, and tokens a second of one of them. Memory is the loaded "
                    "program at its peak with the keys and values of all.",
                    traffic.users == 1 ? "1 reader" : fmt::format("{} readers", traffic.users),
                    traffic.prompt_tokens, traffic.answer_tokens),
        fmt::format("速度在 {} 位读者同时使用、提示 {} 词元、回答 {} "
                    "词元时测得：九成请求得到首个词元的时间，以及"
                    "其中一位每秒得到的词元数。内存为程序载入后的峰值加上所有读者的键值缓存。",
                    traffic.users, traffic.prompt_tokens, traffic.answer_tokens));
}

}  // namespace lathe::choose
