#include "learn/eval/run_diff.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numbers>
#include <optional>
#include <set>

#include "compute/chat/unicode.h"
#include "core/platform/files.h"
#include "learn/metrics/comparison.h"

namespace lathe::eval {
namespace {

using Key = std::pair<std::string, int64_t>;  // filter, document

// What is kept of a line of a samples file.
struct Sample {
    std::string asked;  // hashes of document, prompt and target
    std::map<std::string, double> scores;
    Json line;  // the line, to show
};
using Samples = std::map<Key, Sample>;

// A document's score of a metric as one number, if it has one that means something for
// this document alone. Of the three perplexities bits per byte stands for all.
std::optional<double> ScoreOf(const std::string& metric, const Json& value) {
    if (metric == "word_perplexity" || metric == "byte_perplexity") return std::nullopt;
    if (value.is_number()) return value.get<double>();
    bool weighted =
        value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
    if (metric != "bits_per_byte" || !weighted || value[1].get<double>() <= 0) return std::nullopt;
    return -value[0].get<double>() / value[1].get<double>() / std::numbers::ln2;
}

Result<Sample> SampleOf(Json line) {
    Sample sample;
    for (const char* hash : {"doc_hash", "prompt_hash", "target_hash"}) {
        if (!line.contains(hash) || !line[hash].is_string())
            return MakeError(Code::kDataLoss, "it has no `{}`: not a samples file", hash);
        sample.asked += line[hash].get<std::string>();
    }
    if (!line.contains("metrics") || !line["metrics"].is_array() || !line.contains("doc_id") ||
        !line["doc_id"].is_number_integer() || !line.contains("filter") ||
        !line["filter"].is_string())
        return MakeError(Code::kDataLoss, "it needs `doc_id`, `filter` and `metrics`");
    for (const Json& metric : line["metrics"]) {
        if (!metric.is_string() || !line.contains(metric.get_ref<const std::string&>())) continue;
        const auto& name = metric.get_ref<const std::string&>();
        if (auto score = ScoreOf(name, line[name])) sample.scores[name] = *score;
    }
    sample.line = std::move(line);
    return sample;
}

Result<Samples> ReadSamples(const std::filesystem::path& file) {
    LATHE_TRY(std::string text, platform::ReadFile(file));
    Samples samples;
    size_t number = 0;
    for (size_t begin = 0; begin < text.size();) {
        size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view bytes(text.data() + begin, end - begin);
        begin = end + 1;
        ++number;
        if (bytes.empty()) continue;
        auto line = ParseJson(bytes);
        auto sample = line && line->is_object()
                          ? SampleOf(*std::move(line))
                          : Result<Sample>(MakeError(Code::kDataLoss, "it is not an object"));
        if (!sample)
            return std::unexpected(WithContext(std::move(sample).error(),
                                               fmt::format("{}, line {}", file.string(), number)));
        Key key(sample->line["filter"].get<std::string>(), sample->line["doc_id"].get<int64_t>());
        samples.insert_or_assign(std::move(key), *std::move(sample));
    }
    return samples;
}

Result<Json> ReadResults(const std::filesystem::path& folder) {
    std::filesystem::path file = folder / "results.json";
    std::error_code failed;
    if (!std::filesystem::exists(file, failed))
        return MakeError(
            Code::kNotFound,
            "{} is no finished run: it has no results.json. `lathe eval --output {}` makes one, "
            "and goes on with one that was interrupted",
            folder.string(), folder.string());
    LATHE_TRY(std::string text, platform::ReadFile(file));
    auto results = ParseJson(text);
    if (!results || !results->is_object() || !results->contains("results") ||
        !(*results)["results"].is_object())
        return MakeError(Code::kDataLoss,
                         "{} is not what `lathe eval` writes: it needs an object `results`",
                         file.string());
    return *std::move(results);
}

std::string ModelOf(const Json& results, const std::filesystem::path& folder) {
    const Json subject = results.value("subject", Json::object());
    if (subject.is_object() && subject.contains("model") && subject["model"].is_string())
        return subject["model"].get<std::string>();
    return folder.filename().string();
}

Json RunOf(const Json& results, const std::filesystem::path& folder) {
    return Json{{"folder", folder.string()},
                {"model", ModelOf(results, folder)},
                {"date", results.value("date", Json())}};
}

std::string TextOf(const Json& value) {
    return value.is_string() ? value.get<std::string>() : DumpJson(value);
}

// The continuations that were offered, without the white space around.
std::vector<std::string> OfferedOf(const Json& line) {
    std::vector<std::string> offered;
    const Json arguments = line.value("arguments", Json::object());
    for (size_t i = 0;; ++i) {
        std::string name = fmt::format("gen_args_{}", i);
        if (!arguments.contains(name) || !arguments[name].contains("arg_1")) return offered;
        const Json& text = arguments[name]["arg_1"];
        if (!text.is_string()) return {};
        std::string choice = text.get<std::string>();
        size_t first = choice.find_first_not_of(" \n\t");
        offered.push_back(first == std::string::npos ? choice : choice.substr(first));
    }
}

std::string QuestionOf(const Json& line) {
    const Json arguments = line.value("arguments", Json::object());
    if (!arguments.contains("gen_args_0")) return "";
    return TextOf(arguments["gen_args_0"].value("arg_0", Json("")));
}

// What the model said: its text, or the choice that it found likeliest, as the metric has it.
std::string AnswerOf(const Json& line, const std::string& metric) {
    const Json said = line.value("filtered_resps", Json::array());
    if (!said.is_array() || said.empty()) return "";
    std::vector<std::string> offered = OfferedOf(line);
    if (said[0].is_string()) return said[0].get<std::string>();
    std::optional<size_t> best;
    double highest = 0;
    for (size_t i = 0; i < said.size() && i < offered.size(); ++i) {
        if (!said[i].is_array() || said[i].empty() || !said[i][0].is_string()) return "";
        double value = std::strtod(said[i][0].get_ref<const std::string&>().c_str(), nullptr);
        if (metric == "acc_norm") value /= static_cast<double>(chat::CountCodePoints(offered[i]));
        if (metric == "acc_bytes") value /= static_cast<double>(offered[i].size());
        if (best && value <= highest) continue;
        best = i;
        highest = value;
    }
    if (!best) return "";
    return said.size() == 1 ? TextOf(said[0]) : offered[*best];
}

// The right answer: a number stands for the choice.
std::string TargetOf(const Json& line) {
    std::string target = TextOf(line.value("target", Json("")));
    std::vector<std::string> offered = OfferedOf(line);
    char* end = nullptr;
    auto index = static_cast<size_t>(std::strtoul(target.c_str(), &end, 10));
    bool is_number = !target.empty() && *end == '\0' && target[0] != '-';
    return is_number && offered.size() > 1 && index < offered.size() ? offered[index] : target;
}

// One metric of one task, on the documents of both runs.
struct Row {
    std::string task, metric, filter;
    bool higher_is_better = true;
    std::vector<const Sample*> a, b;
    metrics::Comparison comparison;

    double Score(const Sample& sample) const { return sample.scores.at(metric); }
};

class RunDiff {
public:
    RunDiff(std::filesystem::path a, std::filesystem::path b)
        : folders_{std::move(a), std::move(b)} {}

    Result<Json> Run() {
        for (size_t i = 0; i < 2; ++i) {
            LATHE_TRY(results_[i], ReadResults(folders_[i]));
            out_["runs"].push_back(RunOf(results_[i], folders_[i]));
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

    std::filesystem::path SamplesFile(size_t run, const std::string& task) const {
        return folders_[run] / ("samples_" + task + ".jsonl");
    }

    Status AddTask(const std::string& task) {
        std::error_code failed;
        if (!std::filesystem::exists(SamplesFile(0, task), failed)) return {};  // a group
        if (!std::filesystem::exists(SamplesFile(1, task), failed)) {
            Warn(fmt::format("task {} is only in {}", task, folders_[0].string()));
            return {};
        }
        for (size_t i = 0; i < 2; ++i) {
            LATHE_TRY(samples_[task][i], ReadSamples(SamplesFile(i, task)));
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
            for (const Sample* sample : row.a) baseline.push_back(row.Score(*sample));
            for (const Sample* sample : row.b) candidate.push_back(row.Score(*sample));
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
            const Json& a = row.a[i]->line;
            out_["changed"].push_back(Json{{"task", row.task},
                                           {"metric", row.metric},
                                           {"filter", row.filter},
                                           {"doc_id", a["doc_id"]},
                                           {"a", row.Score(*row.a[i])},
                                           {"b", row.Score(*row.b[i])},
                                           {"question", QuestionOf(a)},
                                           {"target", TargetOf(a)},
                                           {"a_answer", AnswerOf(a, row.metric)},
                                           {"b_answer", AnswerOf(row.b[i]->line, row.metric)}});
        }
    }

    std::array<std::filesystem::path, 2> folders_;
    std::array<Json, 2> results_;
    std::map<std::string, std::array<Samples, 2>> samples_;  // by task; rows borrow them
    std::vector<Row> rows_;
    Json out_ = Json{{"runs", Json::array()}};
};

}  // namespace

Result<Json> DiffRuns(const std::filesystem::path& a, const std::filesystem::path& b) {
    return RunDiff(a, b).Run();
}

}  // namespace lathe::eval
