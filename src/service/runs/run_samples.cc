#include "service/runs/run_samples.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "core/json/member.h"
#include "learn/samples/sample.h"

namespace lathe::runs {
namespace {

constexpr uint64_t kLineBytesMax = 16u << 20;
constexpr size_t kTextBytesMax = 16u << 10;  // of a text that is shown
constexpr size_t kChoiceBytesMax = 4u << 10;
constexpr size_t kChoicesMax = 100;  // that are shown
constexpr size_t kMetricsMax = 32;
constexpr size_t kFiltersMax = 32;
constexpr size_t kFilesMax = 10'000;
constexpr std::string_view kPrefix = "samples_";
constexpr std::string_view kSuffix = ".jsonl";

std::string FileOf(const std::string& task) {
    return std::string(kPrefix) + task + std::string(kSuffix);
}

// At most so many bytes, ending between characters.
std::string Cut(std::string text, size_t bytes_max = kTextBytesMax) {
    if (text.size() <= bytes_max) return text;
    size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text + "…";
}

// Up to kChoicesMax of them, and beyond these the right ones and the one that was chosen.
Json ChoicesOf(const samples::Sample& sample) {
    auto chosen = samples::ChosenOf(sample, sample.deciding);
    Json shown = Json::array();
    for (size_t i = 0; i < sample.choices.size(); ++i) {
        const samples::Choice& choice = sample.choices[i];
        bool is_chosen = chosen == i;
        if (i >= kChoicesMax && !choice.is_target && !is_chosen) continue;
        shown.push_back(
            {{"text", Cut(choice.text, kChoiceBytesMax)},
             {"loglikelihood", choice.loglikelihood ? Json(*choice.loglikelihood) : Json(nullptr)},
             {"is_target", choice.is_target},
             {"is_chosen", is_chosen}});
    }
    return shown;
}

char Lowered(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool Contains(const std::string& text, const std::string& wanted) {
    return !std::ranges::search(text, wanted, {}, Lowered, Lowered).empty();
}

bool Matches(const Json& sample, const std::string& search) {
    if (search.empty()) return true;
    return std::ranges::any_of(
        std::initializer_list<const char*>{"question", "target", "answer"}, [&](const char* key) {
            return Contains(sample[key].get_ref<const std::string&>(), search);
        });
}

bool HasOutcome(const Json& sample, Outcome outcome) {
    return outcome == Outcome::kAny || sample["right"] == Json(outcome == Outcome::kRight);
}

}  // namespace

std::vector<std::string> SampledTasks(const GuardedFolder& folder) {
    std::vector<std::string> tasks;
    for (const std::string& name : folder.Names(kFilesMax))
        if (name.size() > kPrefix.size() + kSuffix.size() && name.starts_with(kPrefix) &&
            name.ends_with(kSuffix) && folder.Has(name))
            tasks.push_back(
                name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    return tasks;
}

std::optional<Json> SampleOf(const Json& line) {
    auto read = samples::ReadSample(line);
    if (!read) return std::nullopt;
    Json metrics = read->metrics;
    while (metrics.size() > kMetricsMax) metrics.erase(std::prev(metrics.end()));
    for (auto& [name, value] : metrics.items())
        if (!value.is_number() && !value.is_boolean()) value = Cut(ShownOf(value));
    std::string answer = samples::AnswerOf(*read, read->deciding);
    std::string raw = samples::RawAnswerOf(*read);
    Json sample{{"doc_id", read->document},
                {"filter", read->filter},
                {"question", Cut(read->question)},
                {"target", Cut(read->target)},
                {"answer", Cut(answer)},
                {"right", read->right ? Json(*read->right) : Json(nullptr)},
                {"metrics", std::move(metrics)}};
    if (!read->choices.empty()) sample["choices"] = ChoicesOf(*read);
    if (raw != answer && !raw.empty()) sample["raw"] = Cut(std::move(raw));
    return sample;
}

Result<Json> FindSamples(const GuardedFolder& folder, const SampleQuery& query) {
    Json filters = Json::array(), samples = Json::array();
    size_t total = 0, right = 0, wrong = 0, broken = 0, matching = 0;
    auto take = [&](std::string_view text) {
        auto json = ParseJson(text);
        auto sample = json ? SampleOf(*json) : std::nullopt;
        if (!sample) {
            ++broken;
            return true;
        }
        const Json& filter = (*sample)["filter"];
        if (std::ranges::find(filters, filter) == filters.end() && filters.size() < kFiltersMax)
            filters.push_back(filter);
        if ((!query.filter.empty() && filter != query.filter) || !Matches(*sample, query.search))
            return true;
        ++total;
        right += (*sample)["right"] == Json(true) ? 1 : 0;
        wrong += (*sample)["right"] == Json(false) ? 1 : 0;
        if (!HasOutcome(*sample, query.outcome)) return true;
        size_t place = matching++;
        if (place >= query.offset && samples.size() < std::min(query.count, SampleQuery::kCountMax))
            samples.push_back(std::move(*sample));
        return true;
    };
    auto status = folder.ReadLines(FileOf(query.task), kLineBytesMax, take);
    if (!status && status.error().code == Code::kNotFound)
        return std::unexpected(Error{
            Code::kNotFound,
            fmt::format("this run has no samples of a task \"{}\"", query.task.substr(0, 200)),
            "task"});
    LATHE_RETURN_IF_ERROR(status);
    return Json{{"task", query.task},
                {"filters", std::move(filters)},
                {"total", total},
                {"right", right},
                {"wrong", wrong},
                {"matching", matching},
                {"broken_lines", broken},
                {"offset", query.offset},
                {"samples", std::move(samples)}};
}

}  // namespace lathe::runs
