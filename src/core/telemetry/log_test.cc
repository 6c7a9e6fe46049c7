#include "core/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lathe::telemetry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

struct Lines {
    std::vector<std::string> lines;
    Log Open(LogLevel level, LogFormat format) {
        return Log::ToFunction(level, format,
                               [this](std::string_view line) { lines.emplace_back(line); });
    }
};

TEST(Log, WritesTimeLevelComponentAndRequestInOneLine) {
    Lines lines;
    Log log = lines.Open(LogLevel::kInfo, LogFormat::kText).For("api").WithRequest("req_7");
    log.Info("answered in {} ms", 12);
    EXPECT_THAT(lines.lines,
                ElementsAre(MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                         "\\.[0-9]{3}Z info api \\[req_7\\]: answered in 12 ms")));
}

TEST(Log, DropsWhatIsBelowItsLevel) {
    Lines lines;
    Log log = lines.Open(LogLevel::kWarn, LogFormat::kText);
    log.Info("quiet");
    log.Warn("loud");
    ASSERT_EQ(lines.lines.size(), 1u);
    EXPECT_THAT(lines.lines[0], HasSubstr("warn lathe: loud"));
}

TEST(Log, CannotBeMadeToForgeALine) {
    Lines lines;
    lines.Open(LogLevel::kInfo, LogFormat::kText).Info("a\n2025 error b\x1b[31m");
    ASSERT_EQ(lines.lines.size(), 1u);
    EXPECT_THAT(lines.lines[0], HasSubstr("a\\n2025 error b\\u001b[31m"));
}

TEST(Log, WritesJsonThatKeepsQuotes) {
    Lines lines;
    lines.Open(LogLevel::kDebug, LogFormat::kJson).For("net").Error("say \"hi\" \\ now");
    ASSERT_EQ(lines.lines.size(), 1u);
    EXPECT_THAT(lines.lines[0],
                HasSubstr(R"("level":"error","component":"net","message":"say \"hi\" \\ now"})"));
}

TEST(Log, ThatIsDefaultConstructedDiscards) {
    Log log;
    EXPECT_FALSE(log.enabled(LogLevel::kError));
    log.Error("nobody reads {}", "this");
}

TEST(Log, TakesLinesFromManyThreads) {
    Lines lines;
    Log log = lines.Open(LogLevel::kInfo, LogFormat::kText);
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&log, t] {
                for (int i = 0; i < 50; ++i) log.Info("thread {} line {}", t, i);
            });
    }
    EXPECT_EQ(lines.lines.size(), 200u);
}

TEST(Log, NamesTheLevelsItKnows) {
    EXPECT_EQ(*ParseLogLevel("warn"), LogLevel::kWarn);
    EXPECT_THAT(ParseLogLevel("chatty").error().message, HasSubstr("debug, info, warn"));
}

}  // namespace
}  // namespace lathe::telemetry
