#include "learn/eval/scoring.h"

#include <algorithm>
#include <cmath>

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"
#include "learn/eval/code_judge.h"
#include "learn/eval/python_literal.h"

namespace lathe::eval {
namespace {

constexpr int64_t kNoChoice = -100;  // the harness's mark of a label out of range

// re.split(r"\s+", text): the runs of white space, and one.
size_t CountWords(std::string_view text) {
    size_t count = 1;
    bool in_space = false;
    for (size_t at = 0; at < text.size();) {
        bool space = chat::IsSpace(chat::NextCodePoint(text, at));
        count += space && !in_space;
        in_space = space;
    }
    return count;
}

// The first of the largest, as numpy's argmax.
int64_t Best(const std::vector<double>& values) {
    return std::ranges::max_element(values) - values.begin();
}

std::vector<double> Softmax(const std::vector<double>& values) {
    double highest = *std::ranges::max_element(values);
    std::vector<double> out;
    double sum = 0;
    for (double value : values) {
        out.push_back(std::exp(value - highest));
        sum += out.back();
    }
    for (double& value : out) value /= sum;
    return out;
}

}  // namespace

struct Scorer::Choice {
    const std::vector<std::string>& texts;
    std::vector<double> loglikelihoods;
    std::vector<double> unconditional;  // empty: not asked for
    std::vector<bool> greedy;
    std::vector<int64_t> right;  // one, unless the targets are lists

    bool Right(int64_t predicted) const { return std::ranges::count(right, predicted) > 0; }

    // Log-likelihoods each divided by the length of its choice.
    template <typename Length>
    std::vector<double> PerLength(Length length) const {
        std::vector<double> out;
        for (size_t i = 0; i < texts.size(); ++i)
            out.push_back(loglikelihoods[i] / static_cast<double>(length(texts[i])));
        return out;
    }
};

Result<Scorer> Scorer::Create(const Task& task) {
    Scorer scorer(task);
    if (task.config().output_type != OutputType::kGenerateUntil) return scorer;
    for (const MetricConfig& metric : task.config().metrics) {
        LATHE_TRY(scorer.text_metrics_[metric.name], MakeTextMetric(metric));
    }
    return scorer;
}

Result<Json> Scorer::ScoreLikelihoods(const Json& document,
                                      const std::vector<ModelAnswer>& answers) const {
    switch (task_.config().output_type) {
        case OutputType::kMultipleChoice:
            return ScoreChoices(document, answers);
        case OutputType::kLoglikelihoodRolling:
            return ScoreRolling(document, answers.at(0).loglikelihood);
        default:
            break;
    }
    Json values = Json::object();
    for (const MetricConfig& metric : task_.config().metrics) {
        if (metric.name == "perplexity") values[metric.name] = answers.at(0).loglikelihood;
        if (metric.name == "acc") values[metric.name] = answers.at(0).is_greedy ? 1 : 0;
    }
    return values;
}

// Numbers of choices; a text stands for the choice that equals it.
Result<std::vector<int64_t>> Scorer::RightChoices(const Json& document,
                                                  const std::vector<std::string>& choices) const {
    LATHE_TRY(Json gold,
              task_.multiple_inputs() ? task_.ChosenInput(document) : task_.Target(document));
    std::vector<int64_t> right;
    for (const Json& one : gold.is_array() ? gold : Json::array({gold})) {
        int64_t index = kNoChoice;
        if (one.is_boolean()) {
            index = one.get<bool>() ? 1 : 0;
        } else if (one.is_number_integer()) {
            index = one.get<int64_t>();
        } else if (one.is_string()) {
            auto found = std::ranges::find(choices, one.get_ref<const std::string&>());
            if (found != choices.end()) index = found - choices.begin();
        }
        bool known = index >= 0 && index < static_cast<int64_t>(choices.size());
        right.push_back(known ? index : kNoChoice);
    }
    if (!task_.multiple_targets() && right.size() != 1)
        return InvalidParam("doc_to_target",
                            "doc_to_target gives a list here and a single value "
                            "for the first document");
    return right;
}

Result<Json> Scorer::ScoreChoices(const Json& document,
                                  const std::vector<ModelAnswer>& answers) const {
    LATHE_TRY(std::vector<std::string> texts, task_.Choices(document));
    Choice choice{
        .texts = texts, .loglikelihoods = {}, .unconditional = {}, .greedy = {}, .right = {}};
    for (size_t i = 0; i < answers.size(); ++i) {
        if (i < texts.size()) {
            choice.loglikelihoods.push_back(answers[i].loglikelihood);
            choice.greedy.push_back(answers[i].is_greedy);
        } else {
            choice.unconditional.push_back(answers[i].loglikelihood);
        }
    }
    LATHE_TRY(choice.right, RightChoices(document, texts));
    Json values = Json::object();
    for (const MetricConfig& metric : task_.config().metrics)
        values[metric.name] = ChoiceMetric(metric.name, choice);
    return values;
}

Json Scorer::ChoiceMetric(const std::string& metric, const Choice& choice) const {
    auto score = [](bool right) { return Json(right ? 1.0 : 0.0); };
    int64_t predicted = Best(choice.loglikelihoods);
    if (metric == "acc") return score(choice.Right(predicted));
    if (metric == "acc_norm")
        return score(choice.Right(Best(choice.PerLength(
            [](const std::string& text) { return chat::CountCodePoints(text); }))));
    if (metric == "acc_bytes")
        return score(choice.Right(
            Best(choice.PerLength([](const std::string& text) { return text.size(); }))));
    if (metric == "acc_mutual_info") {
        std::vector<double> information;
        for (size_t i = 0; i < choice.texts.size(); ++i)
            information.push_back(choice.loglikelihoods[i] - choice.unconditional[i]);
        return score(choice.Right(Best(information)));
    }
    if (metric == "exact_match") {
        auto is_greedy = [&](int64_t index) {
            return index >= 0 && choice.greedy[static_cast<size_t>(index)];
        };
        return Json(std::ranges::any_of(choice.right, is_greedy) ? 1 : 0);
    }
    if (metric == "brier_score")
        return Json::array({choice.right[0], Softmax(choice.loglikelihoods)});
    return Json::array({choice.right[0], predicted});  // f1, mcc
}

Result<Json> Scorer::ScoreRolling(const Json& document, double loglikelihood) const {
    LATHE_TRY(Json target, task_.Target(document));
    std::string text = PythonStr(target);
    Json values = Json::object();
    for (const MetricConfig& metric : task_.config().metrics) {
        size_t weight = metric.name == "word_perplexity" ? CountWords(text) : text.size();
        values[metric.name] = Json::array({loglikelihood, weight});
    }
    return values;
}

Result<std::vector<std::string>> Scorer::RightTexts(const Json& document, const Json& gold) const {
    if (task_.has_choices()) {
        LATHE_TRY(std::vector<std::string> choices, task_.Choices(document));
        if (!gold.is_number_integer() || gold.get<int64_t>() < 0 ||
            static_cast<size_t>(gold.get<int64_t>()) >= choices.size())
            return InvalidParam("doc_to_target",
                                "doc_to_target must give the number of a choice, and gave {}",
                                DumpJson(gold));
        return std::vector<std::string>{choices[static_cast<size_t>(gold.get<int64_t>())]};
    }
    std::vector<std::string> texts;
    if (task_.multiple_targets() && gold.is_array()) {
        for (const Json& one : gold) texts.push_back(PythonStr(one));
    } else {
        texts.push_back(PythonStr(gold));
    }
    return texts;
}

Result<Json> Scorer::ScoreText(const Json& document, const std::string& text) const {
    LATHE_TRY(Json target, task_.Target(document));
    LATHE_TRY(std::vector<std::string> right, RightTexts(document, target));
    Json values = Json::object();
    for (const auto& [name, metric] : text_metrics_) {
        LATHE_TRY(values[name], metric->Score(text, right, target));
    }
    return values;
}

bool Scorer::judges_code() const {
    return std::ranges::any_of(task_.config().metrics, [](const MetricConfig& metric) {
        return metric.name.starts_with("pass@");
    });
}

Result<Json> Scorer::ScoreCode(const std::vector<sandbox::Verdict>& verdicts) const {
    Json values = Json::object();
    for (const MetricConfig& metric : task_.config().metrics) {
        LATHE_TRY(values[metric.name], PassAtK(verdicts, metric.options["k"].get<int64_t>()));
    }
    return values;
}

}  // namespace lathe::eval
