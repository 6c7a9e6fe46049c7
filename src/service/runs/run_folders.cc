#include "service/runs/run_folders.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/json/member.h"
#include "service/runs/run_results.h"

namespace lathe::runs {
namespace {

constexpr size_t kEntriesMax = 20'000;  // of the folder, that are looked at
constexpr uint64_t kPageBytesMax = 32u << 20;
constexpr const char* kPageFile = "report.html";

Error NoSuchRun(std::string_view id) {
    return {Code::kNotFound,
            fmt::format("there is no run \"{}\"; GET /v1/runs lists them", id.substr(0, 200)),
            "id"};
}

double UpdatedOf(const Json& summary) {
    return summary["updated_unix"].is_number() ? summary["updated_unix"].get<double>() : 0;
}

void AddEvaluation(const GuardedFolder& folder, Json& run) {
    run["scores"] = Json::array();
    run["sampled_tasks"] = SampledTasks(folder);
    auto results = ReadResult(folder, RunKind::kEvaluation);
    if (!results) return;  // none yet; if it is broken the summary has said so
    run["scores"] = ScoresOf(*results);
    run["config"] = MemberOf(*results, "config");
    run["warnings"] = Json::array();
    if (const Json& warnings = MemberOf(*results, "warnings"); warnings.is_array())
        for (const Json& warning : warnings)
            if (warning.is_string()) run["warnings"].push_back(warning);
    run["results"] = std::move(*results);
}

}  // namespace

RunFolders::RunFolders(std::filesystem::path root, Clock now)
    : root_(std::move(root)), now_(std::move(now)) {}

Result<GuardedFolder> RunFolders::Enter(std::string_view id) const {
    auto root = GuardedFolder::Open(root_);
    if (!root) return std::unexpected(NoSuchRun(id));
    auto folder = root->Enter(id);
    if (!folder && folder.error().code == Code::kNotFound) return std::unexpected(NoSuchRun(id));
    return folder;
}

Json RunFolders::KnownSummary(const GuardedFolder& folder, const std::string& id,
                              RunKind kind) const {
    // Stamped before it is read: if it is replaced in between, the next look reads again.
    auto stamp = folder.StampOf(ResultFileOf(kind));
    if (!stamp) return SummaryOfResult(folder, kind);
    {
        std::lock_guard lock(mutex_);
        auto known = known_.find(id);
        if (known != known_.end() && known->second.kind == kind && known->second.stamp == *stamp)
            return known->second.summary;
    }
    Json summary = SummaryOfResult(folder, kind);
    summary["written_unix"] = static_cast<double>(stamp->modified_ns) / 1e9;
    std::lock_guard lock(mutex_);
    if (known_.size() >= kRunsMax) known_.clear();
    known_.insert_or_assign(id, Known{kind, *stamp, summary});
    return summary;
}

Json RunFolders::Summarize(const GuardedFolder& folder, const std::string& id, RunKind kind) const {
    Json run{{"id", id}, {"kind", NameOf(kind)}};
    run.update(KnownSummary(folder, id, kind));
    Json state = StateOf(folder, kind, now_());
    // What the result says of itself goes before what was planned.
    for (const char* key : {"model", "tasks"})
        if (!run[key].empty() && run[key] != "") state.erase(key);
    run.update(state);
    if (!run.contains("updated_unix")) {
        run["updated_unix"] = MemberOf(run, "written_unix");
        if (auto journal = folder.StampOf("journal.jsonl");
            journal && run["updated_unix"].is_null())
            run["updated_unix"] = static_cast<double>(journal->modified_ns) / 1e9;
    }
    run.erase("written_unix");
    return run;
}

Result<Json> RunFolders::List() const {
    Json list = Json::array();
    auto root = GuardedFolder::Open(root_);
    if (!root && root.error().code == Code::kNotFound) return list;
    if (!root) return std::unexpected(root.error());
    std::vector<Json> runs;
    for (const std::string& name : root->Names(kEntriesMax)) {
        auto folder = root->Enter(name);
        if (!folder) continue;  // a file, a link, or gone meanwhile
        if (auto kind = KindOf(*folder)) runs.push_back(Summarize(*folder, name, *kind));
    }
    std::ranges::sort(runs, [](const Json& a, const Json& b) {
        return std::pair(UpdatedOf(b), a["id"].get_ref<const std::string&>()) <
               std::pair(UpdatedOf(a), b["id"].get_ref<const std::string&>());
    });
    if (runs.size() > kRunsMax) runs.resize(kRunsMax);
    for (Json& run : runs) list.push_back(std::move(run));
    return list;
}

Result<Json> RunFolders::Summary(std::string_view id) const {
    LATHE_TRY(GuardedFolder folder, Enter(id));
    auto kind = KindOf(folder);
    if (!kind) return std::unexpected(NoSuchRun(id));
    return Summarize(folder, std::string(id), *kind);
}

Result<Json> RunFolders::Get(std::string_view id) const {
    LATHE_TRY(GuardedFolder folder, Enter(id));
    auto kind = KindOf(folder);
    if (!kind) return std::unexpected(NoSuchRun(id));
    Json run = Summarize(folder, std::string(id), *kind);
    run["has_page"] = folder.Has(kPageFile);
    run["folder"] = folder.path().string();
    if (*kind == RunKind::kEvaluation) {
        AddEvaluation(folder, run);
    } else {
        auto result = ReadResult(folder, *kind);
        run[*kind == RunKind::kChoice ? "choice" : "report"] =
            result ? std::move(*result) : Json(nullptr);
    }
    return run;
}

Result<Json> RunFolders::Samples(std::string_view id, const SampleQuery& query) const {
    LATHE_TRY(GuardedFolder folder, Enter(id));
    return FindSamples(folder, query);
}

Result<std::string> RunFolders::Page(std::string_view id) const {
    LATHE_TRY(GuardedFolder folder, Enter(id));
    if (!KindOf(folder)) return std::unexpected(NoSuchRun(id));
    return folder.Read(kPageFile, kPageBytesMax);
}

Result<std::filesystem::path> RunFolders::FolderOfResults(std::string_view id) const {
    LATHE_TRY(GuardedFolder folder, Enter(id));
    auto kind = KindOf(folder);
    if (!kind) return std::unexpected(NoSuchRun(id));
    if (*kind != RunKind::kEvaluation || !folder.Has(ResultFileOf(*kind)))
        return MakeError(Code::kFailedPrecondition,
                         "the run \"{}\" has no results of an evaluation to compare", id);
    return folder.path();
}

}  // namespace lathe::runs
