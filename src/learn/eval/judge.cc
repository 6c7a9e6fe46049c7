#include "learn/eval/judge.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/platform/files.h"
#include "learn/eval/run_samples.h"
#include "learn/metrics/classification.h"
#include "learn/metrics/comparison.h"
#include "learn/metrics/estimate.h"
#include "learn/samples/sample.h"

namespace lathe::eval {
namespace {

constexpr const char* kTask = "judging";
constexpr const char* kNonsense = "nonsense";

// As classes for Cohen's kappa.
enum class Verdict : metrics::Label { kNonsense, kA, kB, kTie };

struct Pair {
    std::string task;
    int64_t document = 0;
    std::string question;
    std::array<std::string, 2> answers;
    std::array<Verdict, 2> verdicts{};  // as shown, and with the places swapped

    bool readable() const {
        return verdicts[0] != Verdict::kNonsense && verdicts[1] != Verdict::kNonsense;
    }
    std::string Outcome() const {
        if (!readable()) return kNonsense;
        if (verdicts[0] == verdicts[1])
            return verdicts[0] == Verdict::kA ? "a" : verdicts[0] == Verdict::kB ? "b" : "tie";
        bool opposite = verdicts[0] != Verdict::kTie && verdicts[1] != Verdict::kTie;
        return opposite ? "swayed" : "tie";
    }
};

std::string LastLines(const std::string& text, size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    size_t begin = text.find('\n', text.size() - bytes_max);
    return begin == std::string::npos ? text.substr(text.size() - bytes_max)
                                      : text.substr(begin + 1);
}

// The tasks of both runs that generate, document by document.
Result<std::vector<Pair>> ReadPairs(const std::filesystem::path& a, const std::filesystem::path& b,
                                    std::optional<size_t> limit) {
    LATHE_TRY(Json results, ReadRunResults(a));
    LATHE_TRY(Json other, ReadRunResults(b));
    std::vector<Pair> pairs;
    const Json configs = results.value("configs", Json::object());
    for (const auto& [task, config] : configs.items()) {
        if (config.value("output_type", "") != "generate_until") continue;
        std::error_code failed;
        if (!std::filesystem::exists(RunSamplesFile(b, task), failed)) continue;
        LATHE_TRY(RunSamples first, ReadRunSamples(RunSamplesFile(a, task)));
        LATHE_TRY(RunSamples second, ReadRunSamples(RunSamplesFile(b, task)));
        std::set<int64_t> seen;  // one filter is enough: whole answers are judged
        for (const auto& [key, sample] : first) {
            auto found = second.find(key);
            if (found == second.end() || found->second.asked != sample.asked) continue;
            if (!seen.insert(key.second).second) continue;
            if (limit && seen.size() > *limit) break;
            LATHE_TRY(samples::Sample of_a, samples::ReadSample(sample.line));
            LATHE_TRY(samples::Sample of_b, samples::ReadSample(found->second.line));
            auto said = [](samples::Sample& one) {
                return one.raw.empty() ? std::string() : std::move(one.raw[0]);
            };
            pairs.push_back({.task = task,
                             .document = key.second,
                             .question = std::move(of_a.question),
                             .answers = {said(of_a), said(of_b)},
                             .verdicts = {}});
        }
    }
    if (pairs.empty())
        return MakeError(Code::kFailedPrecondition,
                         "the runs have no documents in common whose answers are texts; judge "
                         "tasks with `output_type: generate_until`");
    return pairs;
}

// The questions to the judge as documents of a task: two of each pair.
std::string DocumentsOf(const std::vector<Pair>& pairs) {
    constexpr size_t kQuestionBytesMax = 6000;
    std::string lines;
    for (const Pair& pair : pairs)
        for (size_t order : {size_t{0}, size_t{1}})
            lines += DumpJson(Json{{"task", pair.task},
                                   {"document", pair.document},
                                   {"question", LastLines(pair.question, kQuestionBytesMax)},
                                   {"first", pair.answers[order]},
                                   {"second", pair.answers[1 - order]}}) +
                     "\n";
    return lines;
}

Result<TaskSet> JudgingTask(const std::filesystem::path& folder, const std::string& criteria) {
    Json config{
        {"task", kTask},
        {"dataset_path", "json"},
        {"dataset_kwargs", {{"data_files", {{"test", "pairs.jsonl"}}}}},
        {"test_split", "test"},
        {"output_type", "generate_until"},
        {"doc_to_text",
         "Compare two answers to the same question. Judge " + criteria +
             ". The order of the answers means nothing.\n\n[Question]\n{{question}}\n\n[Answer "
             "A]\n{{first}}\n\n[Answer B]\n{{second}}\n\nWhich answer is better? Write one word: "
             "A, B or tie.\nVerdict:"},
        {"doc_to_target", "A"},
        {"generation_kwargs", {{"until", {"\n\n"}}, {"max_gen_toks", 16}}},
        {"filter_list",
         Json::array(
             {Json{{"name", "verdict"},
                   {"filter", Json::array({Json{{"function", "regex"},
                                                {"regex_pattern", R"((?i:\b(tie)\b)|\b([AB])\b)"},
                                                {"fallback", kNonsense}},
                                           Json{{"function", "take_first"}}})}}})},
        {"metric_list", Json::array({Json{{"metric", "exact_match"}}})}};
    TaskSet set;
    LATHE_TRY(TaskConfig task, TaskConfig::FromJson(config, folder));
    set.tasks.push_back(std::move(task));
    return set;
}

Verdict ReadVerdict(const std::string& said, bool swapped) {
    if (said == "A") return swapped ? Verdict::kB : Verdict::kA;
    if (said == "B") return swapped ? Verdict::kA : Verdict::kB;
    return said == kNonsense ? Verdict::kNonsense : Verdict::kTie;
}

Status ReadVerdicts(const std::filesystem::path& folder, std::vector<Pair>& pairs) {
    LATHE_TRY(RunSamples samples, ReadRunSamples(RunSamplesFile(folder, kTask)));
    for (size_t i = 0; i < pairs.size(); ++i)
        for (size_t order : {size_t{0}, size_t{1}}) {
            auto found = samples.find({"verdict", static_cast<int64_t>(2 * i + order)});
            if (found == samples.end()) return MakeError(Code::kDataLoss, "a verdict is missing");
            LATHE_TRY(samples::Sample sample, samples::ReadSample(found->second.line));
            pairs[i].verdicts[order] =
                ReadVerdict(samples::AnswerOf(sample, "exact_match"), order == 1);
        }
    return {};
}

struct Counts {
    uint64_t wins_a = 0, wins_b = 0, ties = 0, swayed = 0, nonsense = 0;
    uint64_t first = 0, decided = 0, same = 0;  // verdicts for the first, for either; pairs
    std::vector<metrics::Label> as_shown, as_swapped;

    void Add(const Pair& pair) {
        std::string outcome = pair.Outcome();
        wins_a += outcome == "a";
        wins_b += outcome == "b";
        ties += outcome == "tie";
        swayed += outcome == "swayed";
        nonsense += outcome == kNonsense;
        if (!pair.readable()) return;
        same += pair.verdicts[0] == pair.verdicts[1];
        as_shown.push_back(static_cast<metrics::Label>(pair.verdicts[0]));
        as_swapped.push_back(static_cast<metrics::Label>(pair.verdicts[1]));
        first += (pair.verdicts[0] == Verdict::kA) + (pair.verdicts[1] == Verdict::kB);
        decided += (pair.verdicts[0] != Verdict::kTie) + (pair.verdicts[1] != Verdict::kTie);
    }
    uint64_t readable() const { return as_shown.size(); }
};

Json ShareOrNull(uint64_t part, uint64_t whole) {
    if (whole == 0) return nullptr;
    return static_cast<double>(part) / static_cast<double>(whole);
}

Json RowOf(const std::string& task, const Counts& counts, const std::string& a,
           const std::string& b) {
    uint64_t wins = counts.wins_a + counts.wins_b;
    metrics::Interval interval = metrics::WilsonInterval(counts.wins_b, wins);
    double p = metrics::McNemarPValue(counts.wins_b, counts.wins_a);
    auto kappa = metrics::CohensKappa({counts.as_shown, counts.as_swapped});
    std::string conclusion =
        p < 0.05
            ? fmt::format(
                  "the judge prefers {} to {}: {} wins against {} (p = {:.2g})",
                  counts.wins_b > counts.wins_a ? b : a, counts.wins_b > counts.wins_a ? a : b,
                  std::max(counts.wins_a, counts.wins_b), std::min(counts.wins_a, counts.wins_b), p)
            : fmt::format(
                  "the judge does not tell {} and {} apart: {} wins against {} "
                  "(p = {:.2g})",
                  a, b, counts.wins_a, counts.wins_b, p);
    return Json{{"task", task},
                {"documents", counts.readable() + counts.nonsense},
                {"wins_a", counts.wins_a},
                {"wins_b", counts.wins_b},
                {"ties", counts.ties},
                {"swayed", counts.swayed},
                {"nonsense", counts.nonsense},
                {"agreement", ShareOrNull(counts.same, counts.readable())},
                {"kappa", kappa ? Json(*kappa) : Json()},
                {"first_preferred", ShareOrNull(counts.first, counts.decided)},
                {"share_b", ShareOrNull(counts.wins_b, wins)},
                {"interval", {interval.low, interval.high}},
                {"p", p},
                {"conclusion", std::move(conclusion)}};
}

Json Warnings(const std::map<std::string, Counts>& tasks) {
    Json warnings = Json::array();
    for (const auto& [task, counts] : tasks) {
        uint64_t all = counts.readable() + counts.nonsense;
        if (counts.nonsense * 10 > all)
            warnings.push_back(
                fmt::format("task {}: on {} of {} documents the judge gave no "
                            "verdict; take a larger model",
                            task, counts.nonsense, all));
        if (counts.swayed * 3 > counts.readable())
            warnings.push_back(
                fmt::format("task {}: on {} of {} documents the judge prefers a "
                            "place, not an answer; take a larger model",
                            task, counts.swayed, counts.readable()));
    }
    return warnings;
}

}  // namespace

Result<Json> JudgeRuns(Subject& judge, const std::filesystem::path& a,
                       const std::filesystem::path& b, const JudgeOptions& options,
                       const std::function<void(const EvaluationProgress&)>& progress,
                       std::stop_token stop) {
    LATHE_TRY(std::vector<Pair> pairs, ReadPairs(a, b, options.limit));
    std::error_code failed;
    std::filesystem::create_directories(options.output, failed);
    LATHE_RETURN_IF_ERROR(
        platform::WriteFileAtomically(options.output / "pairs.jsonl", DocumentsOf(pairs)));
    LATHE_TRY(TaskSet task, JudgingTask(options.output, options.criteria));
    EvaluationOptions evaluation;
    evaluation.output = options.output;
    evaluation.applies_chat_template = options.applies_chat_template;
    LATHE_RETURN_IF_ERROR(Evaluate(judge, task, evaluation, progress, std::move(stop)));
    LATHE_RETURN_IF_ERROR(ReadVerdicts(options.output, pairs));
    if (std::ranges::none_of(pairs, &Pair::readable))
        return MakeError(Code::kFailedPrecondition,
                         "the judge gave no verdict on any of {} pairs (A, B or tie); what it said "
                         "is in {}. Take a larger model, or --apply-chat-template",
                         pairs.size(), RunSamplesFile(options.output, kTask).string());

    LATHE_TRY(Json results_a, ReadRunResults(a));
    LATHE_TRY(Json results_b, ReadRunResults(b));
    std::string name_a = RunModel(results_a, a), name_b = RunModel(results_b, b);
    if (name_a == name_b) {
        name_a = a.string();
        name_b = b.string();
    }
    std::map<std::string, Counts> tasks;
    Json judgement{{"runs",
                    {{{"folder", a.string()}, {"model", name_a}},
                     {{"folder", b.string()}, {"model", name_b}}}},
                   {"judge", judge.identity().value("model", Json())},
                   {"tasks", Json::array()},
                   {"pairs", Json::array()}};
    for (const Pair& pair : pairs) {
        tasks[pair.task].Add(pair);
        judgement["pairs"].push_back(Json{{"task", pair.task},
                                          {"doc_id", pair.document},
                                          {"verdict", pair.Outcome()},
                                          {"question", pair.question},
                                          {"a_answer", pair.answers[0]},
                                          {"b_answer", pair.answers[1]}});
    }
    for (const auto& [name, counts] : tasks)
        judgement["tasks"].push_back(RowOf(name, counts, name_a, name_b));
    judgement["warnings"] = Warnings(tasks);
    LATHE_RETURN_IF_ERROR(platform::WriteFileAtomically(options.output / "judgement.json",
                                                        DumpJson(judgement, 2) + "\n"));
    return judgement;
}

}  // namespace lathe::eval
