#include "core/telemetry/progress.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace lathe::telemetry {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// A clock that stands still until told.
struct FakeClock {
    std::chrono::steady_clock::time_point time{};
    ProgressDisplay::Clock Function() {
        return [this] { return time; };
    }
};

struct Screen {
    std::string text;
    int columns = 100;
    ProgressDisplay::Write Writer() {
        return [this](std::string_view more) { text += more; };
    }
    std::unique_ptr<ProgressDisplay> Terminal(FakeClock& clock) {
        return ProgressDisplay::Terminal(
            {.write = Writer(), .columns = [this] { return columns; }, .now = clock.Function()});
    }
    // What stands on the last line after carriage returns are obeyed.
    std::string LastLine() const {
        std::string line = text.substr(text.rfind('\r') + 1);
        return line.substr(0, line.find("\x1b[K"));
    }
};

TEST(FormatCount, GivesThreeDigitsAndTheUnit) {
    EXPECT_EQ(FormatCount(0, "B"), "0 B");
    EXPECT_EQ(FormatCount(999, "B"), "999 B");
    EXPECT_EQ(FormatCount(1000, "B"), "1 kB");
    EXPECT_EQ(FormatCount(98'362'432, "B"), "98.4 MB");
    EXPECT_EQ(FormatCount(999'960, "B"), "1.0 MB");
    EXPECT_EQ(FormatCount(491'400'064, "B"), "491 MB");
    EXPECT_EQ(FormatCount(17, "documents"), "17 documents");
    EXPECT_EQ(FormatCount(1250, "tokens"), "1.2 k tokens");
    EXPECT_EQ(FormatCount(1.8e19, "B"), "18000 PB");
}

TEST(FormatSeconds, GivesTheTwoLargestUnits) {
    EXPECT_EQ(FormatSeconds(0), "0 s");
    EXPECT_EQ(FormatSeconds(4.2), "5 s");
    EXPECT_EQ(FormatSeconds(125), "2 min 5 s");
    EXPECT_EQ(FormatSeconds(11'520), "3 h 12 min");
    EXPECT_EQ(FormatSeconds(90'000), "1 d 1 h");
    EXPECT_EQ(FormatSeconds(1e300), "11574074 d 1 h");
}

TEST(Progress, MeasuresTheRateAndTheTimeLeft) {
    FakeClock clock;
    auto display = ProgressDisplay::Silent();
    Progress progress(*display,
                      {.label = "x", .total = 1000, .start = 200, .now = clock.Function()});
    clock.time += milliseconds(1000);
    progress.Advance(100);
    EXPECT_DOUBLE_EQ(progress.event().rate_per_s, 100);  // what was there before does not count
    EXPECT_DOUBLE_EQ(progress.event().seconds_left.value(), 7);
    clock.time += milliseconds(1000);
    progress.Advance(300);
    EXPECT_DOUBLE_EQ(progress.event().rate_per_s, 200);  // half way to 300
    progress.Finish();
    EXPECT_DOUBLE_EQ(progress.event().rate_per_s, 200);  // 400 in 2 seconds
}

TEST(Progress, StartsOverWithoutCountingBackwards) {
    FakeClock clock;
    auto display = ProgressDisplay::Silent();
    Progress progress(*display, {.label = "x", .total = 1000, .now = clock.Function()});
    clock.time += milliseconds(2000);
    progress.Set(600);
    progress.Restart(0);
    EXPECT_EQ(progress.event().done, 0u);
    clock.time += milliseconds(2000);
    progress.Set(100);
    EXPECT_DOUBLE_EQ(progress.event().rate_per_s, 50);
}

TEST(Progress, TellsEventsFirstLastAndAtMostOnePerInterval) {
    FakeClock clock;
    std::vector<uint64_t> seen;
    std::vector<ProgressEvent::State> states;
    auto display = ProgressDisplay::Callback({.on_event =
                                                  [&](const ProgressEvent& event) {
                                                      seen.push_back(event.done);
                                                      states.push_back(event.state);
                                                  },
                                              .interval = milliseconds(500),
                                              .now = clock.Function()});
    {
        Progress progress(*display, {.label = "x", .total = 10, .now = clock.Function()});
        for (int i = 0; i < 9; ++i) {
            clock.time += milliseconds(100);
            progress.Advance(1);
        }
    }
    EXPECT_THAT(seen, ElementsAre(0u, 5u, 9u));
    EXPECT_EQ(states.back(), ProgressEvent::State::kStopped);
}

TEST(ProgressOnATerminal, RedrawsOneLineAtMostEveryTenthOfASecond) {
    FakeClock clock;
    Screen screen;
    auto display = screen.Terminal(clock);
    Progress progress(*display,
                      {.label = "model.gguf", .total = 100'000'000, .now = clock.Function()});
    for (int i = 0; i < 1000; ++i) {  // one second
        clock.time += milliseconds(1);
        progress.Advance(50'000);
    }
    EXPECT_EQ(std::count(screen.text.begin(), screen.text.end(), '\r'), 11);
    EXPECT_EQ(screen.text.find('\n'), std::string::npos);
    EXPECT_EQ(
        screen.LastLine(),
        "model.gguf  [===================>                  ]   50%  50 MB of 100 MB  50 MB/s  "
        "1 s left");
    progress.Finish();
    EXPECT_THAT(screen.text, EndsWith("\rmodel.gguf  50 MB  50 MB/s  in 1 s\x1b[K\n"));
}

TEST(ProgressOnATerminal, NeverExceedsTheWidthWhateverItIs) {
    FakeClock clock;
    for (int columns = 1; columns < 130; ++columns) {
        Screen screen;
        screen.columns = columns;
        auto display = screen.Terminal(clock);
        Progress progress(*display,
                          {.label = "模型文件.gguf", .total = 98'362'432, .now = clock.Function()});
        clock.time += milliseconds(1500);
        progress.Set(36'400'000);
        std::string line = screen.LastLine();
        int width = 0;
        for (size_t i = 0; i < line.size(); ++i) {
            auto byte = static_cast<unsigned char>(line[i]);
            width += byte < 0x80 ? 1 : byte >= 0xe0 ? 2 : 0;
        }
        EXPECT_LT(width, std::max(columns, 2)) << columns << ": " << line;
    }
}

TEST(ProgressOnATerminal, PutsMessagesAboveTheBarAndErasesItWhenAbandoned) {
    FakeClock clock;
    Screen screen;
    {
        auto display = screen.Terminal(clock);
        display->Show({.label = "a", .total = 10});
        screen.text.clear();
        display->Say("the first source failed");
        EXPECT_THAT(screen.text, testing::StartsWith("\r\x1b[Kthe first source failed\na  ["));
        screen.text.clear();
    }
    EXPECT_EQ(screen.text, "\r\x1b[K");
}

TEST(ProgressOnATerminal, DoesNotLetANameDriveTheTerminal) {
    FakeClock clock;
    Screen screen;
    auto display = screen.Terminal(clock);
    display->Show({.label = "a\x1b[2Jb\nc"});
    EXPECT_THAT(screen.LastLine(), HasSubstr("a?[2Jb?c"));
}

TEST(ProgressInLines, SpeaksAtTheStartEverySecondsAndAtTheEnd) {
    FakeClock clock;
    Screen screen;
    auto display = ProgressDisplay::Lines(
        {.write = screen.Writer(), .interval = milliseconds(5000), .now = clock.Function()});
    Progress progress(
        *display,
        {.label = "perplexity", .unit = "tokens", .total = 3000, .now = clock.Function()});
    for (int i = 0; i < 6; ++i) {
        clock.time += milliseconds(2000);
        progress.SetNote(fmt::format("ppl {}", 20 - i));
        progress.Advance(500);
    }
    progress.Finish();
    EXPECT_EQ(screen.text,
              "perplexity    0%  0 of 3 k tokens\n"
              "perplexity   50%  1.5 k of 3 k tokens  250 tokens/s  6 s left  ppl 18\n"
              "perplexity  100%  3 k of 3 k tokens  250 tokens/s  ppl 15\n"
              "perplexity  3 k tokens  250 tokens/s  in 12 s  ppl 15\n");
    EXPECT_THAT(screen.text, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace lathe::telemetry
