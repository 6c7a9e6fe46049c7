#include "learn/eval/run_samples.h"

#include <algorithm>
#include <numbers>
#include <optional>
#include <vector>

#include "core/platform/files.h"

namespace lathe::eval {
namespace {

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

Result<RunSample> SampleOf(Json line) {
    RunSample sample;
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

}  // namespace

std::filesystem::path RunSamplesFile(const std::filesystem::path& folder, const std::string& task) {
    return folder / ("samples_" + task + ".jsonl");
}

Result<RunSamples> ReadRunSamples(const std::filesystem::path& file) {
    LATHE_TRY(std::string text, platform::ReadFile(file));
    RunSamples samples;
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
                          : Result<RunSample>(MakeError(Code::kDataLoss, "it is not an object"));
        if (!sample)
            return std::unexpected(WithContext(std::move(sample).error(),
                                               fmt::format("{}, line {}", file.string(), number)));
        std::pair<std::string, int64_t> key(sample->line["filter"].get<std::string>(),
                                            sample->line["doc_id"].get<int64_t>());
        samples.insert_or_assign(std::move(key), *std::move(sample));
    }
    return samples;
}

Result<Json> ReadRunResults(const std::filesystem::path& folder) {
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

std::string RunModel(const Json& results, const std::filesystem::path& folder) {
    const Json subject = results.value("subject", Json::object());
    if (subject.is_object() && subject.contains("model") && subject["model"].is_string())
        return subject["model"].get<std::string>();
    return folder.filename().string();
}

}  // namespace lathe::eval
