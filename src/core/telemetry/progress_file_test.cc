#include "core/telemetry/progress_file.h"

#include <gtest/gtest.h>

#include "core/platform/files.h"
#include "support/scratch.h"

namespace lathe::telemetry {
namespace {

using testing_support::ScratchDirectory;

class ProgressFileTest : public ::testing::Test {
protected:
    Json Read() {
        auto text = platform::ReadFile(file_);
        EXPECT_TRUE(text);
        return text ? Json::parse(*text) : Json();
    }
    Json ReadWhenDoneIs(uint64_t done) {
        for (;;) {
            Json json = Read();
            if (json["done"] == done) return json;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    ScratchDirectory folder_;
    std::filesystem::path file_ = folder_.path() / "progress.json";
};

TEST_F(ProgressFileTest, SaysFromTheBeginningThatTheRunGoesOn) {
    ProgressFile progress(file_, {{"model", "m"}});
    Json json = Read();
    EXPECT_EQ(json["model"], "m");
    EXPECT_EQ(json["state"], "running");
    EXPECT_EQ(json["done"], 0);
    EXPECT_EQ(json["seconds_left"], nullptr);
    EXPECT_GE(json["updated_unix"], json["started_unix"]);
}

TEST_F(ProgressFileTest, FollowsAndTellsTheTimeThatIsLeft) {
    ProgressFile progress(
        file_, Json::object(),
        {.interval = std::chrono::milliseconds(1), .heartbeat = std::chrono::milliseconds(5000)});
    progress.Set(5, 9, 3);
    Json json = ReadWhenDoneIs(5);
    EXPECT_EQ(json["total"], 9);
    EXPECT_EQ(json["found"], 3);
    EXPECT_GT(json["seconds_left"], 0);
}

TEST_F(ProgressFileTest, CannotTellTheTimeThatIsLeftFromWhatWasFound) {
    ProgressFile progress(
        file_, Json::object(),
        {.interval = std::chrono::milliseconds(1), .heartbeat = std::chrono::milliseconds(5000)});
    progress.Set(3, 9, 3);
    EXPECT_EQ(ReadWhenDoneIs(3)["seconds_left"], nullptr);
}

TEST_F(ProgressFileTest, ShowsThatItIsAliveWithoutNews) {
    ProgressFile progress(
        file_, Json::object(),
        {.interval = std::chrono::milliseconds(1), .heartbeat = std::chrono::milliseconds(1)});
    Json first = Read();
    while (Read()["updated_unix"] == first["updated_unix"])
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(Read()["done"], 0);
}

TEST_F(ProgressFileTest, WritesTheEndAtOnceAndNothingAfterIt) {
    ProgressFile progress(file_, Json::object());
    progress.Set(9, 9, 0);
    progress.End(Status());
    Json json = Read();
    EXPECT_EQ(json["state"], "done");
    EXPECT_EQ(json["done"], 9);
    progress.End(MakeError(Code::kInternal, "too late"));
    EXPECT_EQ(Read(), json);
}

TEST_F(ProgressFileTest, TellsARunThatWasStoppedFromOneThatFailed) {
    ProgressFile stopped(file_, Json::object());
    stopped.End(MakeError(Code::kCancelled, "asked to"));
    EXPECT_EQ(Read()["state"], "stopped");
    ProgressFile failed(file_, Json::object());
    failed.End(MakeError(Code::kUnavailable, "the server is gone"));
    EXPECT_EQ(Read()["state"], "failed");
}

TEST_F(ProgressFileTest, SaysFailedIfNobodySaidHowItEnded) {
    {
        ProgressFile progress(file_, Json::object());
    }
    EXPECT_EQ(Read()["state"], "failed");
}

TEST_F(ProgressFileTest, SurvivesAFolderThatIsNotThere) {
    ProgressFile progress(folder_.path() / "gone" / "progress.json", Json::object());
    progress.End(Status());
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "gone"));
}

}  // namespace
}  // namespace lathe::telemetry
