#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "core/telemetry/progress.h"

namespace lathe::telemetry {
namespace {

using TimePoint = std::chrono::steady_clock::time_point;
using State = ProgressEvent::State;

constexpr int kColumnsDefault = 80;
constexpr int kBarColumnsMin = 10;
constexpr int kBarColumnsMax = 40;

// Columns of one character on a terminal: East Asian wide ranges count two.
int ColumnsOf(char32_t c) {
    bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
    return wide ? 2 : 1;
}

struct Character {
    size_t bytes;
    int columns;
};

// The first character of `text`, which is not empty. Broken UTF-8 counts by the byte.
Character FirstCharacter(std::string_view text) {
    auto lead = static_cast<unsigned char>(text[0]);
    size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0x80 || lead < 0xc2 || lead > 0xf4 || text.size() < length) return {1, 1};
    char32_t code = lead & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return {1, 1};
        code = (code << 6) | (next & 0x3f);
    }
    return {length, ColumnsOf(code)};
}

int ColumnsOf(std::string_view text) {
    int columns = 0;
    while (!text.empty()) {
        Character first = FirstCharacter(text);
        columns += first.columns;
        text.remove_prefix(first.bytes);
    }
    return columns;
}

std::string CutToColumns(std::string_view text, int columns) {
    size_t bytes = 0;
    int used = 0;
    while (bytes < text.size()) {
        Character next = FirstCharacter(text.substr(bytes));
        if (used + next.columns > columns) break;
        used += next.columns;
        bytes += next.bytes;
    }
    return std::string(text.substr(0, bytes));
}

// A control character in a file's name must not drive the terminal.
std::string Printable(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return out;
}

double ShareOf(const ProgressEvent& event) {
    if (event.total == 0) return 0;
    return std::min(1.0, static_cast<double>(event.done) / static_cast<double>(event.total));
}

std::string Amount(const ProgressEvent& event) {
    auto done = static_cast<double>(event.done);
    if (event.total == 0 || event.state == State::kDone) return FormatCount(done, event.unit);
    return fmt::format("{} of {}", FormatCount(done, event.unit == "B" ? "B" : ""),
                       FormatCount(static_cast<double>(event.total), event.unit));
}

// What follows the bar, most important first, so that a narrow terminal drops the rest.
std::vector<std::string> Facts(const ProgressEvent& event) {
    std::vector<std::string> facts;
    if (event.total > 0 && event.state != State::kDone)
        facts.push_back(fmt::format("{:3.0f}%", std::floor(ShareOf(event) * 100)));
    facts.push_back(Amount(event));
    if (event.rate_per_s > 0) facts.push_back(FormatCount(event.rate_per_s, event.unit) + "/s");
    if (event.seconds_left) facts.push_back(FormatSeconds(*event.seconds_left) + " left");
    if (event.state == State::kDone) facts.push_back("in " + FormatSeconds(event.seconds_elapsed));
    if (event.state == State::kStopped) facts.push_back("stopped");
    if (!event.note.empty()) facts.push_back(Printable(event.note));
    return facts;
}

std::string PlainLine(const ProgressEvent& event) {
    return fmt::format("{}  {}", Printable(event.label), fmt::join(Facts(event), "  "));
}

std::string Bar(const ProgressEvent& event, int columns) {
    int inside = columns - 2;
    int filled = static_cast<int>(ShareOf(event) * inside);
    std::string bar(static_cast<size_t>(filled), '=');
    if (filled < inside) bar += '>';
    bar.resize(static_cast<size_t>(inside), ' ');
    return fmt::format("[{}]", bar);
}

std::string TerminalLine(const ProgressEvent& event, int columns) {
    if (columns <= 0) columns = kColumnsDefault;
    int room = columns - 1;  // the last column stays free: some terminals wrap there
    std::string label = Printable(event.label);
    std::string line = CutToColumns(label, std::max(room / 3, 8));
    std::vector<std::string> facts = Facts(event);
    int used = ColumnsOf(line);
    std::string tail;
    for (const std::string& fact : facts) {
        int needed = 2 + ColumnsOf(fact);
        if (used + needed > room) break;
        tail += "  " + fact;
        used += needed;
    }
    if (event.total > 0 && event.state == State::kRunning) {
        int bar_columns = std::min(room - used - 2, kBarColumnsMax);
        if (bar_columns >= kBarColumnsMin) line += "  " + Bar(event, bar_columns);
    }
    return CutToColumns(line + tail, room);
}

class TerminalDisplay : public ProgressDisplay {
public:
    explicit TerminalDisplay(TerminalOptions options) : options_(std::move(options)) {}
    ~TerminalDisplay() override {
        if (drawn_) options_.write("\r\x1b[K");
    }

    void Show(const ProgressEvent& event) override {
        std::lock_guard lock(mutex_);
        TimePoint now = options_.now();
        bool ended = event.state != State::kRunning;
        if (drawn_ && !ended && now - last_ < options_.interval) return;
        last_ = now;
        line_ = TerminalLine(event, options_.columns());
        options_.write(fmt::format("\r{}\x1b[K{}", line_, ended ? "\n" : ""));
        drawn_ = !ended;
    }

    void Say(std::string_view line) override {
        std::lock_guard lock(mutex_);
        std::string text = drawn_ ? "\r\x1b[K" : "";
        text += line;
        text += '\n';
        if (drawn_) text += line_;
        options_.write(text);
    }

private:
    const TerminalOptions options_;
    std::mutex mutex_;
    bool drawn_ = false;  // a bar stands on the current line
    TimePoint last_;
    std::string line_;
};

class LinesDisplay : public ProgressDisplay {
public:
    explicit LinesDisplay(LinesOptions options) : options_(std::move(options)) {}

    void Show(const ProgressEvent& event) override {
        std::lock_guard lock(mutex_);
        TimePoint now = options_.now();
        bool ended = event.state != State::kRunning;
        if (running_ && !ended && now - last_ < options_.interval) return;
        last_ = now;
        running_ = !ended;
        options_.write(PlainLine(event) + "\n");
    }

    void Say(std::string_view line) override {
        std::lock_guard lock(mutex_);
        options_.write(std::string(line) + "\n");
    }

private:
    const LinesOptions options_;
    std::mutex mutex_;
    bool running_ = false;
    TimePoint last_;
};

class CallbackDisplay : public ProgressDisplay {
public:
    explicit CallbackDisplay(CallbackOptions options) : options_(std::move(options)) {}

    void Show(const ProgressEvent& event) override {
        std::lock_guard lock(mutex_);
        TimePoint now = options_.now();
        bool ended = event.state != State::kRunning;
        if (running_ && !ended && now - last_ < options_.interval) return;
        last_ = now;
        running_ = !ended;
        options_.on_event(event);
    }

    void Say(std::string_view line) override {
        std::lock_guard lock(mutex_);
        if (options_.on_line) options_.on_line(line);
    }

private:
    const CallbackOptions options_;
    std::mutex mutex_;
    bool running_ = false;
    TimePoint last_;
};

class SilentDisplay : public ProgressDisplay {
public:
    void Show(const ProgressEvent&) override {}
    void Say(std::string_view) override {}
};

void WriteToStandardError(std::string_view text) {
    while (!text.empty()) {
        ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;  // nobody reads: progress is not worth failing for
        text.remove_prefix(static_cast<size_t>(written));
    }
}

int StandardErrorColumns() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return kColumnsDefault;
}

}  // namespace

std::unique_ptr<ProgressDisplay> ProgressDisplay::ForStandardError() {
    const char* terminal = std::getenv("TERM");
    bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
    if (::isatty(STDERR_FILENO) && !dumb)
        return Terminal({.write = WriteToStandardError, .columns = StandardErrorColumns});
    return Lines({.write = WriteToStandardError});
}

std::unique_ptr<ProgressDisplay> ProgressDisplay::Silent() {
    return std::make_unique<SilentDisplay>();
}

std::unique_ptr<ProgressDisplay> ProgressDisplay::Terminal(TerminalOptions options) {
    return std::make_unique<TerminalDisplay>(std::move(options));
}

std::unique_ptr<ProgressDisplay> ProgressDisplay::Lines(LinesOptions options) {
    return std::make_unique<LinesDisplay>(std::move(options));
}

std::unique_ptr<ProgressDisplay> ProgressDisplay::Callback(CallbackOptions options) {
    return std::make_unique<CallbackDisplay>(std::move(options));
}

}  // namespace lathe::telemetry
