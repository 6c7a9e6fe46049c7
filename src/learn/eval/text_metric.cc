#include "learn/eval/text_metric.h"

#include <algorithm>
#include <functional>
#include <map>

#include "compute/chat/text.h"
#include "learn/eval/filter_options.h"
#include "learn/eval/tool_call_match.h"
#include "learn/metrics/bleu.h"
#include "learn/metrics/exact_match.h"
#include "learn/metrics/refusal.h"
#include "learn/metrics/rouge.h"
#include "learn/metrics/token_f1.h"

namespace lathe::eval {
namespace {

using Texts = std::vector<std::string>;

// The best over the right texts.
class BestOf : public TextMetric {
public:
    using Compare =
        std::function<Result<double>(const std::string& said, const std::string& right)>;
    explicit BestOf(Compare compare) : compare_(std::move(compare)) {}

    Result<Json> Score(const std::string& said, const Texts& right, const Json&) const override {
        double best = 0;
        for (const std::string& one : right) {
            LATHE_TRY(double score, compare_(said, one));
            best = std::max(best, score);
        }
        return Json(best);
    }

private:
    Compare compare_;
};

// Kept as it is for an aggregation over all documents.
class Kept : public TextMetric {
public:
    Result<Json> Score(const std::string& said, const Texts& right, const Json&) const override {
        return Json::array({right.size() == 1 ? Json(right[0]) : Json(right), said});
    }
};

class Refusal : public TextMetric {
public:
    Result<Json> Score(const std::string& said, const Texts& right, const Json&) const override {
        LATHE_TRY(bool refuses, detector_.Refuses(said));
        if (right.size() != 1 || (right[0] != "refuse" && right[0] != "comply"))
            return InvalidParam("doc_to_target",
                                "the metric refusal expects the target `refuse` or `comply`");
        return Json(refuses == (right[0] == "refuse") ? 1.0 : 0.0);
    }

private:
    metrics::RefusalDetector detector_;
};

class ToolCall : public TextMetric {
public:
    Result<Json> Score(const std::string& said, const Texts&, const Json& target) const override {
        Json expected = target;
        if (target.is_string()) {
            auto parsed = ParseJson(target.get_ref<const std::string&>());
            if (parsed) expected = *std::move(parsed);
        }
        LATHE_TRY(bool calls, CallsTools(said, expected));
        return Json(calls ? 1.0 : 0.0);
    }
};

// Compared without the white space around.
std::unique_ptr<TextMetric> MakeComparison(bool (*compare)(std::string_view, std::string_view)) {
    return std::make_unique<BestOf>(
        [compare](const std::string& said, const std::string& right) -> Result<double> {
            return compare(chat::Strip(said, std::nullopt), chat::Strip(right, std::nullopt)) ? 1.0
                                                                                              : 0.0;
        });
}

Result<std::unique_ptr<TextMetric>> MakeExactMatch(const Json& given) {
    metrics::ExactMatchOptions options;
    options.ignore_case = given.value("ignore_case", false);
    options.ignore_punctuation = given.value("ignore_punctuation", false);
    options.ignore_numbers = given.value("ignore_numbers", false);
    for (const std::string& text : given.value("regexes_to_ignore", Texts())) {
        LATHE_TRY(metrics::Pattern pattern, metrics::Pattern::Compile(text));
        options.ignored_patterns.push_back(std::move(pattern));
    }
    auto match = std::make_shared<metrics::ExactMatch>(std::move(options));
    return std::make_unique<BestOf>(
        [match](const std::string& said, const std::string& right) -> Result<double> {
            LATHE_TRY(bool same, match->Matches(said, right));
            return same ? 1.0 : 0.0;
        });
}

std::unique_ptr<TextMetric> MakeTokenF1(const Json& given) {
    auto language = given.value("language", "en") == "zh" ? metrics::AnswerLanguage::kChinese
                                                          : metrics::AnswerLanguage::kEnglish;
    return std::make_unique<BestOf>(
        [language](const std::string& said, const std::string& right) -> Result<double> {
            return metrics::TokenF1(said, right, language);
        });
}

std::unique_ptr<TextMetric> MakeRouge(uint32_t order, const Json& given) {
    static const std::map<std::string, metrics::RougeWords> kWords = {
        {"plain", metrics::RougeWords::kPlain},
        {"stemmed", metrics::RougeWords::kStemmed},
        {"characters", metrics::RougeWords::kCharacters}};
    metrics::RougeOptions options{.order = order,
                                  .words = kWords.at(given.value("words", "plain"))};
    return std::make_unique<BestOf>(
        [options](const std::string& said, const std::string& right) -> Result<double> {
            return metrics::ScoreRouge(said, right, options).f1;
        });
}

Status TakeOneOf(FilterOptions& options, const std::string& key, const std::string& fallback,
                 const Texts& known, Json& kept) {
    LATHE_TRY(std::string value, options.TakeText(key, fallback));
    if (std::ranges::find(known, value) == known.end())
        return InvalidParam(key, "`{}` of a metric is one of {}, not `{}`", key,
                            fmt::join(known, ", "), value);
    kept[key] = value;
    return {};
}

}  // namespace

Result<std::unique_ptr<TextMetric>> MakeTextMetric(const MetricConfig& config) {
    const std::string& name = config.name;
    if (name == "exact_match") return MakeExactMatch(config.options);
    if (name == "starts_with")
        return MakeComparison([](auto said, auto right) { return said.starts_with(right); });
    if (name == "contains")
        return MakeComparison(
            [](auto said, auto right) { return said.find(right) != std::string_view::npos; });
    if (name == "equals")
        return MakeComparison([](auto said, auto right) { return said == right; });
    if (name == "token_f1") return MakeTokenF1(config.options);
    if (name == "rouge1") return MakeRouge(1, config.options);
    if (name == "rouge2") return MakeRouge(2, config.options);
    if (name == "rougeL") return MakeRouge(metrics::kLongestSubsequence, config.options);
    if (name == "bleu" || name == "chrf") return std::make_unique<Kept>();
    if (name == "refusal") return std::make_unique<Refusal>();
    if (name == "tool_call") return std::make_unique<ToolCall>();
    return std::unique_ptr<TextMetric>();
}

Status TakeTextMetricOptions(const std::string& metric, FilterOptions& options, Json& kept) {
    if (metric == "exact_match") {
        for (const char* key : {"ignore_case", "ignore_punctuation", "ignore_numbers"}) {
            LATHE_TRY(kept[key], options.TakeBool(key, false));
        }
        LATHE_TRY(kept["regexes_to_ignore"], options.TakeTexts("regexes_to_ignore"));
    }
    if (metric == "token_f1") return TakeOneOf(options, "language", "en", {"en", "zh"}, kept);
    if (metric.starts_with("rouge"))
        return TakeOneOf(options, "words", "plain", {"plain", "stemmed", "characters"}, kept);
    return {};
}

}  // namespace lathe::eval
