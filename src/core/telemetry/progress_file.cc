#include "core/telemetry/progress_file.h"

#include <utility>

#include "core/platform/files.h"

namespace lathe::telemetry {
namespace {

using Seconds = std::chrono::duration<double>;

double UnixNow() {
    return Seconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

ProgressFile::ProgressFile(std::filesystem::path file, Json about, Options options)
    : file_(std::move(file)),
      about_(std::move(about)),
      options_(options),
      started_unix_(UnixNow()) {
    Write();
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

ProgressFile::~ProgressFile() {
    Finish(State::kFailed);
}

void ProgressFile::Set(uint64_t done, uint64_t total, uint64_t found) {
    std::lock_guard lock(mutex_);
    done_ = done;
    total_ = total;
    found_ = found;
    is_new_ = true;
    changed_.notify_one();
}

void ProgressFile::End(const Status& result) {
    if (result) return Finish(State::kDone);
    Finish(result.error().code == Code::kCancelled ? State::kStopped : State::kFailed);
}

void ProgressFile::Finish(State state) {
    std::lock_guard lock(mutex_);
    if (state_ != State::kRunning) return;
    state_ = state;
    Write();
    thread_.request_stop();
}

std::string_view ProgressFile::NameOf(State state) {
    switch (state) {
        case State::kRunning:
            return "running";
        case State::kDone:
            return "done";
        case State::kStopped:
            return "stopped";
        case State::kFailed:
            break;
    }
    return "failed";
}

void ProgressFile::Write() {
    Json json = about_;
    json["state"] = NameOf(state_);
    json["done"] = done_;
    json["total"] = total_;
    json["found"] = found_;
    json["started_unix"] = started_unix_;
    json["updated_unix"] = UnixNow();
    json["seconds_left"] = nullptr;
    if (state_ == State::kRunning && done_ > found_ && total_ >= done_) {
        double each = Seconds(std::chrono::steady_clock::now() - begin_).count() /
                      static_cast<double>(done_ - found_);
        json["seconds_left"] = each * static_cast<double>(total_ - done_);
    }
    is_new_ = false;
    (void)platform::WriteFileAtomically(file_, DumpJson(json) + "\n");
}

void ProgressFile::Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        changed_.wait_for(lock, stop, options_.heartbeat, [this] { return is_new_; });
        if (state_ != State::kRunning) return;
        Write();
        // Only the end interrupts this pause.
        changed_.wait_for(lock, stop, options_.interval, [] { return false; });
    }
}

}  // namespace lathe::telemetry
