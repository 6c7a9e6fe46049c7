#include "core/platform/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <thread>

#include "core/platform/files.h"
#include "support/scratch.h"

namespace lathe::platform {
namespace {

class AtomicFileTest : public testing::Test {
protected:
    size_t FilesInFolder() const {
        auto files = std::filesystem::directory_iterator(folder_);
        return static_cast<size_t>(std::distance(begin(files), end(files)));
    }

    testing_support::ScratchDirectory scratch_;
    const std::filesystem::path& folder_ = scratch_.path();
};

std::span<const std::byte> Bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST_F(AtomicFileTest, AppearsWholeAndReplacesWhatWasThere) {
    auto path = folder_ / "model";
    ASSERT_TRUE(WriteFileAtomically(path, "old"));
    auto file = AtomicFile::Create(path, 6);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE(file->WriteAt(3, Bytes("def")));
    EXPECT_EQ(ReadFile(path).value(), "old");
    ASSERT_TRUE(file->WriteAt(0, Bytes("abc")));
    Status committed = file->Commit();
    ASSERT_TRUE(committed) << committed.error().message;
    EXPECT_EQ(ReadFile(path).value(), "abcdef");
    EXPECT_EQ(FilesInFolder(), 1u);
}

TEST_F(AtomicFileTest, LeavesNothingWhenItIsGivenUp) {
    {
        auto file = AtomicFile::Create(folder_ / "model", 1 << 20);
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->WriteAt(0, Bytes("abc")));
        AtomicFile moved = std::move(*file);
    }
    EXPECT_EQ(FilesInFolder(), 0u);
}

TEST_F(AtomicFileTest, TakesPartsFromSeveralThreads) {
    auto file = AtomicFile::Create(folder_ / "model", 4000);
    ASSERT_TRUE(file);
    {
        std::vector<std::jthread> threads;
        for (int part = 0; part < 4; ++part)
            threads.emplace_back([&, part] {
                std::string text(1000, static_cast<char>('a' + part));
                EXPECT_TRUE(file->WriteAt(static_cast<uint64_t>(part) * 1000, Bytes(text)));
            });
    }
    ASSERT_TRUE(file->Commit());
    std::string content = ReadFile(folder_ / "model").value();
    ASSERT_EQ(content.size(), 4000u);
    EXPECT_EQ(content.substr(1999, 2), "bc");
}

TEST_F(AtomicFileTest, SaysWhereItCannotBeWritten) {
    auto missing = AtomicFile::Create(folder_ / "no-folder" / "model", 1);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::kNotFound);
    auto folder = AtomicFile::Create(folder_, 1);
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().code, Code::kInvalidArgument);
}

TEST_F(AtomicFileTest, NoticesAtOnceThatThereIsNoRoom) {
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    auto handler = ::signal(SIGXFSZ, SIG_IGN);
    rlimit low = {.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &low);
    auto file = AtomicFile::Create(folder_ / "model", 2 << 20);
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, handler);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, Code::kResourceExhausted);
    EXPECT_NE(file.error().message.find("2 MiB"), std::string::npos) << file.error().message;
    EXPECT_EQ(FilesInFolder(), 0u);
}

}  // namespace
}  // namespace lathe::platform
