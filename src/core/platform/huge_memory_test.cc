#include "core/platform/huge_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "core/platform/cpu.h"

namespace lathe::platform {
namespace {

bool IsZero(const HugeMemory& block, size_t bytes) {
    return std::all_of(block.data(), block.data() + bytes,
                       [](std::byte b) { return b == std::byte{}; });
}

TEST(HugeMemory, BlocksAreZeroAlignedAndApart) {
    std::vector<HugeMemory> blocks;
    const std::vector<size_t> sizes = {
        1,      63,      64,       4097,    HugeMemory::kPooledBytes - 1,
        32768,  100'001, 32769,    5 << 20, 70 << 20,
        40'000, 1 << 20, 60 << 20, 33'000};
    for (size_t size : sizes) {
        blocks.push_back(HugeMemory::Allocate(size));
        ASSERT_EQ(reinterpret_cast<uintptr_t>(blocks.back().data()) % HugeMemory::kAlignment, 0u);
        ASSERT_TRUE(IsZero(blocks.back(), size)) << size;
        std::memset(blocks.back().data(), static_cast<int>(blocks.size()), size);
    }
    for (size_t i = 0; i < sizes.size(); ++i)
        ASSERT_TRUE(std::all_of(blocks[i].data(), blocks[i].data() + sizes[i], [&](std::byte b) {
            return b == static_cast<std::byte>(i + 1);
        })) << i;
}

TEST(HugeMemory, NothingIsAnEmptyBlockAndTooMuchIsRefused) {
    EXPECT_EQ(HugeMemory::Allocate(0).data(), nullptr);
    EXPECT_THROW(HugeMemory::Allocate(SIZE_MAX - 10), std::bad_alloc);
    EXPECT_THROW(HugeMemory::Allocate(size_t{1} << 62), std::bad_alloc);
}

TEST(HugeMemory, MovesLeaveNothingBehind) {
    HugeMemory a = HugeMemory::Allocate(100'000), b = HugeMemory::Allocate(10);
    std::byte* data = a.data();
    b = std::move(a);
    EXPECT_EQ(b.data(), data);
    EXPECT_EQ(a.data(), nullptr);  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(HugeMemory, PagesOfABlockThatIsGoneAreGivenBackWhileItsNeighboursLive) {
    constexpr size_t kBytes = 32 << 20;
    HugeMemory neighbour = HugeMemory::Allocate(40'000);
    size_t before = ResidentBytes();
    {
        HugeMemory block = HugeMemory::Allocate(kBytes);
        std::memset(block.data(), 1, kBytes);
        EXPECT_GT(ResidentBytes(), before + kBytes / 2);
    }
#ifndef LATHE_SANITIZE  // they keep what was freed for a while, or notes on it
    EXPECT_LT(ResidentBytes(), before + kBytes / 2);
#endif
    EXPECT_TRUE(IsZero(neighbour, 40'000));
}

TEST(HugeMemory, IsAllocatedAndReleasedByManyThreads) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            for (size_t i = 0; i < 50; ++i) {
                const size_t bytes = 40'000 + i * 1000;
                HugeMemory block = HugeMemory::Allocate(bytes);
                ASSERT_TRUE(IsZero(block, bytes));
                std::memset(block.data(), t + 1, bytes);
            }
        });
    for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace lathe::platform
