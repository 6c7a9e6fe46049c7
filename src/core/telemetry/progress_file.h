#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::telemetry {

// The state of a run in a small file of its folder, for whoever looks from outside:
//
//   {…about, "state": "running"|"done"|"failed"|"stopped", "done": 12, "total": 60,
//    "found": 3, "started_unix": …, "updated_unix": …, "seconds_left": 4.5|null}
//
// `found` was done before this process began. A thread of its own replaces the file
// atomically: after a change at most once per `interval`, without one every
// `heartbeat`, so that a reader knows a run that was killed by the age of `updated_unix`.
// That the file cannot be written stops nothing: the run itself will meet the full disk.
//
// Thread-safe. Without End() the destructor says "failed".
class ProgressFile {
public:
    struct Options {
        std::chrono::milliseconds interval{1000};
        std::chrono::milliseconds heartbeat{5000};
    };
    // A file that says "running" and is older than this belongs to a run that was killed.
    static constexpr std::chrono::seconds kStaleAfter{20};

    static constexpr std::string_view kFileName = "progress.json";

    // Writes at once. `about` is an object with keys other than the above.
    ProgressFile(std::filesystem::path file, Json about, Options options);
    ProgressFile(std::filesystem::path file, Json about)
        : ProgressFile(std::move(file), std::move(about), Options()) {}
    ~ProgressFile();
    ProgressFile(const ProgressFile&) = delete;
    ProgressFile& operator=(const ProgressFile&) = delete;

    void Set(uint64_t done, uint64_t total, uint64_t found);
    // Writes at once; nothing is written after it. An error is "failed", kCancelled "stopped".
    void End(const Status& result);

private:
    enum class State { kRunning, kDone, kFailed, kStopped };

    static std::string_view NameOf(State state);
    void Finish(State state);
    void Write();  // Requires: the lock
    void Run(const std::stop_token& stop);

    const std::filesystem::path file_;
    const Json about_;
    const Options options_;
    const double started_unix_;
    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();

    std::mutex mutex_;  // guards what follows
    std::condition_variable_any changed_;
    State state_ = State::kRunning;
    uint64_t done_ = 0, total_ = 0, found_ = 0;
    bool is_new_ = false;  // since the file was written

    std::jthread thread_;  // the last: it uses the rest
};

}  // namespace lathe::telemetry
