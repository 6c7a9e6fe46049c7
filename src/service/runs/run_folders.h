#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/json/json.h"
#include "service/runs/guarded_folder.h"
#include "service/runs/run_samples.h"
#include "service/runs/run_summary.h"

namespace lathe::runs {

// The runs of this machine: the folders directly below one folder, whoever made them, named
// by their folder's name. Looked at anew for each question, so that a run that appears,
// goes on or vanishes meanwhile is seen as it is; only what a result file says is kept,
// for as long as the file is the same.
//
// Nothing outside the folder is ever read: see GuardedFolder. Thread-safe.
class RunFolders {
public:
    static constexpr size_t kRunsMax = 2000;  // that are listed

    using Clock = std::function<std::chrono::system_clock::time_point()>;

    // The folder need not be there yet.
    explicit RunFolders(std::filesystem::path root, Clock now = std::chrono::system_clock::now);

    // [{"id", "kind", "state", "model", "tasks", "headline", "progress", "started_unix"?,
    //   "updated_unix", "date_unix"?, "title"?, "problem"?}], those changed last first.
    Result<Json> List() const;

    // The summary, and by its kind:
    //   evaluation    "scores", "sampled_tasks", "config", "warnings", "seconds", "results"
    //   quantization  "report": report.json
    //   choice        "choice": choice.json
    // and "has_page": whether there is a report.html. Errors: kNotFound.
    Result<Json> Get(std::string_view id) const;

    // The summary alone, as in the list.
    Result<Json> Summary(std::string_view id) const;

    Result<Json> Samples(std::string_view id, const SampleQuery& query) const;

    // report.html of a run.
    Result<std::string> Page(std::string_view id) const;

    // Where an evaluation with results lies. Errors: kNotFound, kFailedPrecondition if it is
    // no evaluation or has no results yet.
    Result<std::filesystem::path> FolderOfResults(std::string_view id) const;

    const std::filesystem::path& root() const { return root_; }

private:
    struct Known {
        RunKind kind;
        GuardedFolder::Stamp stamp;
        Json summary;
    };

    Result<GuardedFolder> Enter(std::string_view id) const;
    Json Summarize(const GuardedFolder& folder, const std::string& id, RunKind kind) const;
    Json KnownSummary(const GuardedFolder& folder, const std::string& id, RunKind kind) const;

    const std::filesystem::path root_;
    const Clock now_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, Known, std::less<>> known_;  // guarded; by id
};

}  // namespace lathe::runs
