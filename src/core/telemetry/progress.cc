#include "core/telemetry/progress.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace lathe::telemetry {
namespace {

// The rate follows changes within some seconds yet does not flicker: a window ends
// after this long, and the estimate moves half way to what it measured.
constexpr double kWindowSeconds = 1.0;

}  // namespace

std::string FormatCount(double count, std::string_view unit) {
    static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};
    size_t prefix = 0;
    while (count >= 999.5 && prefix + 1 < std::size(kPrefixes)) {
        count /= 1000;
        ++prefix;
    }
    std::string number;
    if (count >= 99.95 || count == std::floor(count))
        number = fmt::format("{:.0f}", count);
    else
        number = fmt::format("{:.1f}", count);
    if (unit == "B") return fmt::format("{} {}B", number, kPrefixes[prefix]);
    std::string text = number;
    if (prefix > 0) text += fmt::format(" {}", kPrefixes[prefix]);
    if (!unit.empty()) text += fmt::format(" {}", unit);
    return text;
}

std::string FormatSeconds(double seconds) {
    auto whole = static_cast<uint64_t>(std::clamp(std::ceil(seconds), 0.0, 1e12));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
    if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

Progress::Progress(ProgressDisplay& display, ProgressOptions options)
    : display_(display), now_(std::move(options.now)), begin_(now_()) {
    event_.label = std::move(options.label);
    event_.unit = std::move(options.unit);
    event_.total = options.total;
    event_.done = start_ = window_done_ = options.start;
    display_.Show(event_);
}

Progress::~Progress() {
    if (event_.state != ProgressEvent::State::kRunning) return;
    Measure();
    event_.state = ProgressEvent::State::kStopped;
    event_.seconds_left.reset();
    display_.Show(event_);
}

double Progress::Seconds() const {
    return std::chrono::duration<double>(now_() - begin_).count();
}

void Progress::Measure() {
    event_.seconds_elapsed = Seconds();
    double window_s = event_.seconds_elapsed - window_begin_s_;
    if (window_s >= kWindowSeconds) {
        double rate = static_cast<double>(event_.done - window_done_) / window_s;
        event_.rate_per_s = window_begin_s_ == 0 ? rate : (event_.rate_per_s + rate) / 2;
        window_begin_s_ = event_.seconds_elapsed;
        window_done_ = event_.done;
    } else if (window_begin_s_ == 0 && window_s > 0) {
        event_.rate_per_s = static_cast<double>(event_.done - window_done_) / window_s;
    }
    event_.seconds_left.reset();
    if (event_.total > event_.done && event_.rate_per_s > 0)
        event_.seconds_left = static_cast<double>(event_.total - event_.done) / event_.rate_per_s;
}

void Progress::Set(uint64_t done) {
    event_.done = std::max(event_.done, done);
    Measure();
    display_.Show(event_);
}

void Progress::SetTotal(uint64_t total) {
    event_.total = total;
    Set(event_.done);
}

void Progress::SetNote(std::string note) {
    event_.note = std::move(note);
}

void Progress::Restart(uint64_t done) {
    begin_ = now_();
    window_begin_s_ = 0;
    event_.rate_per_s = 0;
    event_.done = start_ = window_done_ = done;
    Set(done);
}

void Progress::Finish() {
    event_.seconds_elapsed = Seconds();
    if (event_.seconds_elapsed > 0)
        event_.rate_per_s = static_cast<double>(event_.done - start_) / event_.seconds_elapsed;
    event_.seconds_left.reset();
    event_.state = ProgressEvent::State::kDone;
    display_.Show(event_);
}

}  // namespace lathe::telemetry
