// Progress of long work: a bar on a terminal, lines in a log file, events over the API.
//
//   auto display = telemetry::ProgressDisplay::ForStandardError();
//   telemetry::Progress progress(*display, {.label = "model.gguf", .unit = "B", .total =
//   98'362'432}); while (...) progress.Advance(bytes); progress.Finish();
//
// gives, on a terminal, one line that redraws itself,
//   model.gguf  [=========>              ]  38%  36.4 MB of 98.4 MB  12.1 MB/s  5 s left
// and otherwise a line every few seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lathe::telemetry {

// The state of one piece of work at one moment.
struct ProgressEvent {
    enum class State { kRunning, kDone, kStopped };  // kStopped: given up before its end

    std::string label{};  // what is being done
    std::string unit{};   // what is counted: "B" for bytes, "tokens", ...
    uint64_t done = 0;
    uint64_t total = 0;                    // 0: unknown
    double rate_per_s = 0;                 // lately; over all of it once it has ended
    std::optional<double> seconds_left{};  // empty: not to be known
    double seconds_elapsed = 0;
    std::string note{};  // e.g. "loss 2.31"; may be empty
    State state = State::kRunning;
};

// Where progress is shown. Show() may be called as often as the caller likes: each
// display limits itself. All displays are Thread-safe; those on standard error take
// turns with nobody else, so while one shows a bar, messages go through Say().
class ProgressDisplay {
public:
    virtual ~ProgressDisplay() = default;

    virtual void Show(const ProgressEvent& event) = 0;

    // A line of text for the reader, above the bar if there is one.
    virtual void Say(std::string_view line) = 0;

    // A bar if standard error is a terminal, else lines.
    static std::unique_ptr<ProgressDisplay> ForStandardError();

    // Discards everything.
    static std::unique_ptr<ProgressDisplay> Silent();

    using Clock = std::function<std::chrono::steady_clock::time_point()>;
    using Write = std::function<void(std::string_view)>;

    // A bar that redraws at most every `interval`; `columns` is asked at each redraw.
    struct TerminalOptions {
        Write write;
        std::function<int()> columns;
        std::chrono::milliseconds interval{100};
        Clock now = std::chrono::steady_clock::now;
    };
    static std::unique_ptr<ProgressDisplay> Terminal(TerminalOptions options);

    // A line at the start, then every `interval`, and one at the end.
    struct LinesOptions {
        Write write;
        std::chrono::milliseconds interval{5000};
        Clock now = std::chrono::steady_clock::now;
    };
    static std::unique_ptr<ProgressDisplay> Lines(LinesOptions options);

    // Events for a program: the first, the last and at most one per `interval` between.
    struct CallbackOptions {
        std::function<void(const ProgressEvent&)> on_event;
        std::function<void(std::string_view)> on_line{};  // may be empty
        std::chrono::milliseconds interval{500};
        Clock now = std::chrono::steady_clock::now;
    };
    static std::unique_ptr<ProgressDisplay> Callback(CallbackOptions options);
};

struct ProgressOptions {
    std::string label{};
    std::string unit = "B";
    uint64_t total = 0;  // 0: unknown
    uint64_t start = 0;  // done before: counts for the share, not for the rate
    ProgressDisplay::Clock now = std::chrono::steady_clock::now;
};

// One piece of work that counts up to a total. Shows itself from construction to
// Finish(); destroyed before that, it shows kStopped.
//
// One thread at a time. Keeps a reference to the display.
class Progress {
public:
    Progress(ProgressDisplay& display, ProgressOptions options);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void Advance(uint64_t count) { Set(event_.done + count); }
    void Set(uint64_t done);
    void SetTotal(uint64_t total);
    void SetNote(std::string note);  // shown from the next Set or Advance on
    // Starts over from `done`, e.g. when a download cannot be resumed.
    void Restart(uint64_t done);
    void Finish();

    const ProgressEvent& event() const { return event_; }

private:
    double Seconds() const;
    void Measure();

    ProgressDisplay& display_;
    ProgressEvent event_;
    ProgressDisplay::Clock now_;
    std::chrono::steady_clock::time_point begin_;
    uint64_t start_ = 0;         // done when the clock began
    double window_begin_s_ = 0;  // the rate is measured over windows of some seconds
    uint64_t window_done_ = 0;
};

// "98.4 MB", "1.2 k tokens", "17 documents": three digits and the unit.
std::string FormatCount(double count, std::string_view unit);

// "5 s", "2 min 5 s", "3 h 12 min".
std::string FormatSeconds(double seconds);

}  // namespace lathe::telemetry
