#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <numeric>

#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "core/platform/mapped_file.h"
#include "core/platform/team.h"

namespace lathe::platform {
namespace {

std::filesystem::path TestPath(const char* name) {
    return std::filesystem::path(testing::TempDir()) / name;
}

TEST(MappedFile, ShowsWhatWasWritten) {
    ASSERT_TRUE(WriteFileAtomically(TestPath("mapped"), "abc"));
    auto file = MappedFile::Open(TestPath("mapped"));
    ASSERT_TRUE(file);
    ASSERT_EQ(file->bytes().size(), 3u);
    MappedFile moved = std::move(*file);
    EXPECT_EQ(static_cast<char>(moved.bytes()[2]), 'c');
}

TEST(MappedFile, SaysWhatIsMissingAndWhatIsNoFile) {
    auto missing = MappedFile::Open(TestPath("no-such-file"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    auto folder = MappedFile::Open(testing::TempDir());
    ASSERT_FALSE(folder);
    EXPECT_NE(folder.error().message.find("not a regular file"), std::string::npos);
}

TEST(Files, AWriteToAMissingFolderLeavesNothingBehind) {
    Status status = WriteFileAtomically(TestPath("no-folder") / "file", "x");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Code::kNotFound);
}

TEST(Files, AFullDiskIsSaidSo) {
    Error error = ErrnoError(ENOSPC, "cannot write", TestPath("file"));
    EXPECT_EQ(error.code, Code::kResourceExhausted);
    EXPECT_NE(error.message.find("MiB free"), std::string::npos) << error.message;
}

TEST(Files, ReadFileRefusesMoreThanItsLimit) {
    ASSERT_TRUE(WriteFileAtomically(TestPath("long"), std::string(1000, 'x')));
    EXPECT_TRUE(ReadFile(TestPath("long"), 1000));
    EXPECT_FALSE(ReadFile(TestPath("long"), 999));
}

TEST(Files, LatheHomePrefersItsOwnVariable) {
    setenv("LATHE_HOME", "/somewhere", 1);
    EXPECT_EQ(LatheHome()->string(), "/somewhere");
    unsetenv("LATHE_HOME");
    setenv("XDG_CACHE_HOME", "/cache", 1);
    EXPECT_EQ(LatheHome()->string(), "/cache/lathe");
    unsetenv("XDG_CACHE_HOME");
}

TEST(Team, EveryWorkerRunsOnceAndMeetsTheOthers) {
    for (int size : {1, 2, 5}) {
        Team team(size);
        std::vector<int> first(static_cast<size_t>(size));
        std::vector<int> sums(static_cast<size_t>(size));
        for (int round = 0; round < 200; ++round) {
            team.Run([&](int worker) {
                first[static_cast<size_t>(worker)] = round + worker;
                team.Barrier();
                sums[static_cast<size_t>(worker)] = std::accumulate(first.begin(), first.end(), 0);
                team.Barrier();
            });
            int expected = size * round + size * (size - 1) / 2;
            for (int sum : sums) ASSERT_EQ(sum, expected);
        }
    }
}

TEST(Share, CoversTheRangeWithoutOverlapInWholeGrains) {
    for (size_t count : {0u, 1u, 15u, 16u, 17u, 1000u}) {
        size_t next = 0;
        for (int worker = 0; worker < 3; ++worker) {
            Range range = Share(count, worker, 3, 16);
            EXPECT_EQ(range.begin, next);
            if (range.end != count) EXPECT_EQ(range.end % 16, 0u);
            next = range.end;
        }
        EXPECT_EQ(next, count);
    }
}

TEST(Cpu, KnowsItsCoresAndMemory) {
    EXPECT_GE(UsableCores(), 1);
    EXPECT_GT(ResidentBytes(), 0u);
    EXPECT_GE(PeakResidentBytes(), 1u << 20);
}

}  // namespace
}  // namespace lathe::platform
