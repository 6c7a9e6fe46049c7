#include "service/runs/run_summary.h"

#include <cmath>

#include "core/json/member.h"
#include "core/telemetry/progress_file.h"
#include "service/runs/run_results.h"

namespace lathe::runs {
namespace {

constexpr uint64_t kProgressBytesMax = 1u << 20;
constexpr uint64_t kJournalLineBytesMax = 1u << 24;
constexpr size_t kNamesMax = 64;
constexpr const char* kJournal = "journal.jsonl";

// Texts of an array, or the keys of an object.
Json NamesIn(const Json& value) {
    Json names = Json::array();
    if (value.is_array())
        for (const Json& name : value)
            if (name.is_string() && names.size() < kNamesMax) names.push_back(name);
    if (value.is_object())
        for (const auto& [key, ignored] : value.items())
            if (names.size() < kNamesMax) names.push_back(key);
    return names;
}

// The model that the journal's first line names.
std::string ModelOfJournal(const GuardedFolder& folder) {
    std::string model;
    (void)folder.ReadLines(kJournal, kJournalLineBytesMax, [&](std::string_view line) {
        auto json = ParseJson(line);
        if (json) model = TextOf(MemberOf(MemberOf(*json, "line"), "subject"), "model");
        return false;
    });
    return model;
}

std::string ModelOfResults(const Json& results) {
    for (const Json* place :
         {&MemberOf(results, "subject"), &MemberOf(MemberOf(results, "config"), "model_args")})
        if (std::string model = TextOf(*place, "model"); !model.empty()) return model;
    return TextOf(results, "model_name");  // lm-evaluation-harness
}

void SummarizeEvaluation(const Json& results, Json& summary) {
    summary["model"] = ModelOfResults(results);
    summary["tasks"] = NamesIn(MemberOf(results, "configs"));
    if (summary["tasks"].empty()) summary["tasks"] = NamesIn(MemberOf(results, "results"));
    if (const Json& date = MemberOf(results, "date"); date.is_number()) summary["date_unix"] = date;
    summary["headline"] = HeadlineOf(ScoresOf(results), results);
}

void SummarizeQuantization(const Json& report, Json& summary) {
    summary["model"] = TextOf(report, "model");
    const Json& rows = MemberOf(report, "candidates");
    summary["tasks"] = Json::array();
    if (!rows.is_array()) return;
    for (const Json& row : rows)
        if (std::string name = TextOf(row, "types");
            !name.empty() && summary["tasks"].size() < kNamesMax)
            summary["tasks"].push_back(name);
}

void SummarizeChoice(const Json& choice, Json& summary) {
    summary["model"] = TextOf(choice, "recommended");
    summary["title"] = TextOf(choice, "title");
    const Json& tasks = MemberOf(choice, "tasks");
    if (!tasks.is_array()) return;
    for (const Json& task : tasks)
        if (std::string name = TextOf(task, "name");
            !name.empty() && summary["tasks"].size() < kNamesMax)
            summary["tasks"].push_back(name);
}

}  // namespace

std::string_view NameOf(RunKind kind) {
    switch (kind) {
        case RunKind::kQuantization:
            return "quantization";
        case RunKind::kChoice:
            return "choice";
        case RunKind::kEvaluation:
            break;
    }
    return "evaluation";
}

std::string_view ResultFileOf(RunKind kind) {
    switch (kind) {
        case RunKind::kQuantization:
            return "report.json";
        case RunKind::kChoice:
            return "choice.json";
        case RunKind::kEvaluation:
            break;
    }
    return "results.json";
}

std::optional<RunKind> KindOf(const GuardedFolder& folder) {
    for (RunKind kind : {RunKind::kChoice, RunKind::kEvaluation, RunKind::kQuantization})
        if (folder.Has(ResultFileOf(kind))) return kind;
    if (folder.Has(kJournal)) return RunKind::kEvaluation;
    auto text = folder.Read(telemetry::ProgressFile::kFileName, kProgressBytesMax);
    if (!text) return std::nullopt;
    auto progress = ParseJson(*text);
    if (!progress) return RunKind::kEvaluation;
    std::string name = TextOf(*progress, "kind");
    for (RunKind kind : {RunKind::kChoice, RunKind::kQuantization})
        if (name == NameOf(kind)) return kind;
    return RunKind::kEvaluation;
}

Result<Json> ReadResult(const GuardedFolder& folder, RunKind kind) {
    LATHE_TRY(std::string text, folder.Read(ResultFileOf(kind), kResultBytesMax));
    auto json = ParseJson(text);
    if (json && json->is_object()) return json;
    return MakeError(Code::kDataLoss, "{} cannot be read: {}",
                     (folder.path() / ResultFileOf(kind)).string(),
                     json ? "it is no JSON object" : json.error().message);
}

Json SummaryOfResult(const GuardedFolder& folder, RunKind kind) {
    Json summary{{"model", ""}, {"tasks", Json::array()}, {"headline", Json::array()}};
    if (!folder.Has(ResultFileOf(kind))) return summary;
    auto result = ReadResult(folder, kind);
    if (!result) {
        summary["problem"] = result.error().message;
        return summary;
    }
    if (kind == RunKind::kEvaluation) {
        SummarizeEvaluation(*result, summary);
    } else if (kind == RunKind::kQuantization) {
        SummarizeQuantization(*result, summary);
    } else {
        SummarizeChoice(*result, summary);
    }
    return summary;
}

Json StateOf(const GuardedFolder& folder, RunKind kind, std::chrono::system_clock::time_point now) {
    bool has_result = folder.Has(ResultFileOf(kind));
    Json state{{"state", has_result ? "done" : "interrupted"}, {"progress", nullptr}};
    Json progress;
    if (auto text = folder.Read(telemetry::ProgressFile::kFileName, kProgressBytesMax))
        if (auto json = ParseJson(*text); json && json->is_object()) progress = std::move(*json);
    if (progress.is_null()) {
        if (kind == RunKind::kEvaluation && !has_result) state["model"] = ModelOfJournal(folder);
        return state;
    }
    using Seconds = std::chrono::duration<double>;
    const Json& updated = MemberOf(progress, "updated_unix");
    double age = updated.is_number()
                     ? Seconds(now.time_since_epoch()).count() - updated.get<double>()
                     : HUGE_VAL;
    std::string name = TextOf(progress, "state");
    if (name == "running") {
        bool is_stale = age > Seconds(telemetry::ProgressFile::kStaleAfter).count();
        state["state"] = is_stale ? "interrupted" : "running";
    } else if (name == "failed" || name == "stopped") {
        state["state"] = name;
    }
    if (std::string model = TextOf(progress, "model"); !model.empty()) state["model"] = model;
    if (const Json& tasks = MemberOf(progress, "tasks"); tasks.is_array())
        state["tasks"] = NamesIn(tasks);
    for (const char* key : {"started_unix", "updated_unix"})
        if (const Json& value = MemberOf(progress, key); value.is_number()) state[key] = value;
    Json counts;
    for (const char* key : {"done", "total", "found", "seconds_left"}) {
        const Json& value = MemberOf(progress, key);
        counts[key] = value.is_number() ? value : Json(nullptr);
    }
    if (state["state"] != "running") counts["seconds_left"] = nullptr;
    state["progress"] = std::move(counts);
    return state;
}

}  // namespace lathe::runs
