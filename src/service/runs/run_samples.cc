#include "service/runs/run_samples.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "service/runs/run_results.h"

namespace lathe::runs {
namespace {

constexpr uint64_t kLineBytesMax = 16u << 20;
constexpr size_t kTextBytesMax = 16u << 10;  // of a text that is shown
constexpr size_t kChoicesMax = 32;
constexpr size_t kFiltersMax = 32;
constexpr size_t kFilesMax = 10'000;
constexpr std::string_view kPrefix = "samples_";
constexpr std::string_view kSuffix = ".jsonl";

// Metrics that are 0 or 1 for a document, in the order of what a reader would ask first.
constexpr const char* kVerdicts[] = {
    "acc",      "exact_match", "acc_norm", "acc_bytes", "acc_mutual_info", "starts_with",
    "contains", "equals",      "pass@1",   "pass_at_k", "tool_call",       "refusal"};

std::string FileOf(const std::string& task) {
    return std::string(kPrefix) + task + std::string(kSuffix);
}

// At most so many bytes, ending between characters.
std::string Cut(std::string text) {
    if (text.size() <= kTextBytesMax) return text;
    size_t end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text + "…";
}

// Text as it is, anything else as JSON.
std::string Shown(const Json& value) {
    if (value.is_null()) return "";
    return value.is_string() ? value.get<std::string>() : DumpJson(value);
}

std::optional<bool> VerdictOf(const Json& line, const Json& metrics) {
    auto verdict = [](const Json& value) -> std::optional<bool> {
        if (value.is_boolean()) return value.get<bool>();
        if (!value.is_number()) return std::nullopt;
        double number = value.get<double>();
        if (number == 0 || number == 1) return number == 1;
        return std::nullopt;
    };
    for (const char* name : kVerdicts)
        if (auto found = verdict(MemberOf(line, name))) return found;
    // A metric that we do not know, if it is the only one.
    if (metrics.size() == 1) return verdict(metrics.begin().value());
    return std::nullopt;
}

// Log-likelihoods come as text, since that is what the harness writes.
double LogLikelihood(const Json& response) {
    const Json& first = response.is_array() && !response.empty() ? response[0] : response;
    if (first.is_number()) return first.get<double>();
    if (!first.is_string()) return -HUGE_VAL;
    double value = std::strtod(first.get<std::string>().c_str(), nullptr);
    return std::isfinite(value) ? value : -HUGE_VAL;
}

// The arguments of each request: gen_args_0, gen_args_1, …; or a list of lists.
std::vector<const Json*> RequestsOf(const Json& line) {
    std::vector<const Json*> requests;
    const Json& arguments = MemberOf(line, "arguments");
    if (arguments.is_object() || arguments.is_array())
        for (const Json& request : arguments)
            if (requests.size() < kChoicesMax) requests.push_back(&request);
    return requests;
}

std::string ArgumentOf(const Json& request, size_t index) {
    if (request.is_array())
        return index < request.size() && request[index].is_string()
                   ? request[index].get<std::string>()
                   : std::string();
    return TextOf(request, "arg_" + std::to_string(index));
}

// Choices that continue the question, with their likelihoods; empty if it was none.
Json ChoicesOf(const std::vector<const Json*>& requests, const Json& responses,
               const std::string& target) {
    Json choices = Json::array();
    if (requests.size() < 2 || !responses.is_array()) return choices;
    for (size_t i = 0; i < requests.size() && i < responses.size(); ++i) {
        std::string text = ArgumentOf(*requests[i], 1);
        double value = LogLikelihood(responses[i]);
        bool is_target = target == std::to_string(i) || (!target.empty() && target == text);
        choices.push_back({{"text", Cut(std::move(text))},
                           {"loglikelihood", std::isfinite(value) ? Json(value) : Json(nullptr)},
                           {"is_target", is_target}});
    }
    return choices;
}

void AddChoices(Json choices, Json& sample) {
    const Json* best = nullptr;
    for (const Json& choice : choices) {
        if (choice["is_target"].get<bool>()) sample["target"] = choice["text"];
        bool is_better = choice["loglikelihood"].is_number() &&
                         (best == nullptr || choice["loglikelihood"].get<double>() >
                                                 (*best)["loglikelihood"].get<double>());
        if (is_better) best = &choice;
    }
    if (best != nullptr) sample["answer"] = (*best)["text"];
    sample["choices"] = std::move(choices);
}

// The first text of an answer; "" where it is a likelihood: ["-13.5", "False"].
std::string Written(const Json& responses) {
    const Json* inner = &responses;
    while (inner->is_array() && !inner->empty()) {
        bool is_likelihood =
            inner->size() == 2 && ((*inner)[1] == "True" || (*inner)[1] == "False");
        if (is_likelihood) return "";
        inner = &(*inner)[0];
    }
    return inner->is_string() ? inner->get<std::string>() : std::string();
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
    const Json& id = MemberOf(line, "doc_id");
    if (!id.is_number_integer()) return std::nullopt;
    auto requests = RequestsOf(line);
    std::string target = Shown(MemberOf(line, "target"));
    const Json& filtered = MemberOf(line, "filtered_resps");
    Json metrics = Json::object();
    if (const Json& names = MemberOf(line, "metrics"); names.is_array())
        for (const Json& name : names)
            if (name.is_string() && metrics.size() < kChoicesMax)
                metrics[name.get<std::string>()] = MemberOf(line, name.get<std::string>());
    auto right = VerdictOf(line, metrics);
    for (auto& [name, value] : metrics.items())
        if (!value.is_number() && !value.is_boolean()) value = Cut(Shown(value));
    Json sample{{"doc_id", id},
                {"filter", TextOf(line, "filter")},
                {"question", requests.empty() ? Cut(Shown(MemberOf(line, "doc")))
                                              : Cut(ArgumentOf(*requests[0], 0))},
                {"target", Cut(target)},
                {"answer", ""},
                {"right", right ? Json(*right) : Json(nullptr)},
                {"metrics", std::move(metrics)}};
    if (Json choices = ChoicesOf(requests, filtered, target); !choices.empty()) {
        AddChoices(std::move(choices), sample);
        return sample;
    }
    std::string answer = Written(filtered), raw = Written(MemberOf(line, "resps"));
    if (raw != answer && !raw.empty()) sample["raw"] = Cut(raw);
    sample["answer"] = Cut(std::move(answer));
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
