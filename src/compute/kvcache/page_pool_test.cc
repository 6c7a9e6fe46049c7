#include "compute/kvcache/page_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace lathe::kvcache {
namespace {

using ::testing::HasSubstr;

PagePool MakePool(uint32_t page_count) {
    return PagePool::Create(page_count).value();
}

TEST(PagePool, RefusesSizesOutOfRange) {
    EXPECT_THAT(PagePool::Create(0).error().message, HasSubstr("from 1 to"));
    EXPECT_FALSE(PagePool::Create(PagePool::kPageCountMax + 1));
    EXPECT_EQ(MakePool(7).free_count(), 7u);
}

TEST(PagePool, KeepsAPageUntilItsLastReferenceIsReleased) {
    PagePool pool = MakePool(1);
    std::array<PageId, 1> pages{};
    ASSERT_TRUE(pool.TryAllocate(pages));
    pool.Retain(pages[0]);
    pool.Release(pages[0]);
    EXPECT_EQ(pool.free_count(), 0u);
    pool.Release(pages[0]);
    EXPECT_EQ(pool.free_count(), 1u);
}

TEST(PagePool, GivesAllPagesOrNone) {
    PagePool pool = MakePool(3);
    std::array<PageId, 2> two{};
    ASSERT_TRUE(pool.TryAllocate(two));
    EXPECT_NE(two[0], two[1]);
    std::array<PageId, 2> more{77, 88};
    EXPECT_FALSE(pool.TryAllocate(more));
    EXPECT_EQ(more[0], 77u);
    EXPECT_EQ(pool.free_count(), 1u);
}

TEST(PagePool, HandsOutThePageThatWasFreedLast) {
    PagePool pool = MakePool(4);
    std::array<PageId, 3> pages{};
    ASSERT_TRUE(pool.TryAllocate(pages));
    pool.Release(pages[1]);
    std::array<PageId, 1> again{};
    ASSERT_TRUE(pool.TryAllocate(again));
    EXPECT_EQ(again[0], pages[1]);
}

TEST(PagePoolDeathTest, AbortsWhenAFreePageIsReleased) {
    PagePool pool = MakePool(2);
    EXPECT_DEATH(pool.Release(0), "check failed");
    EXPECT_DEATH(pool.Retain(9), "check failed");
}

TEST(PagePool, HandsOutKeptContentsLastAndTheOldestOfThemFirst) {
    PagePool pool = MakePool(4);
    std::array<PageId, 4> pages{};
    ASSERT_TRUE(pool.TryAllocate(pages));
    pool.Release(pages[2], PagePool::Contents::kKept);
    pool.Release(pages[0], PagePool::Contents::kKept);
    pool.Release(pages[1]);
    pool.Release(pages[3], PagePool::Contents::kKept);
    std::array<PageId, 4> again{};
    ASSERT_TRUE(pool.TryAllocate(again));
    EXPECT_EQ(again, (std::array<PageId, 4>{pages[1], pages[2], pages[0], pages[3]}));
}

TEST(PagePool, TakesAKeptPageBackIntoUse) {
    PagePool pool = MakePool(2);
    std::array<PageId, 2> pages{};
    ASSERT_TRUE(pool.TryAllocate(pages));
    pool.Release(pages[0], PagePool::Contents::kKept);
    pool.Release(pages[1], PagePool::Contents::kKept);
    pool.Retain(pages[0]);
    EXPECT_EQ(pool.free_count(), 1u);
    EXPECT_EQ(pool.references(pages[0]), 1u);
    std::array<PageId, 1> other{};
    ASSERT_TRUE(pool.TryAllocate(other));
    EXPECT_EQ(other[0], pages[1]);
}

// Against the plainest model of it: a count per page.
TEST(PagePool, AgreesWithACountPerPageOverRandomOperations) {
    std::mt19937 random(7);
    PagePool pool = MakePool(20);
    std::array<uint32_t, 20> counts{};
    for (int step = 0; step < 20000; ++step) {
        auto page = static_cast<PageId>(random() % 20);
        switch (random() % 3) {
            case 0: {
                std::array<PageId, 4> wanted{};
                std::span<PageId> span(wanted.data(), random() % 5);
                auto free = static_cast<size_t>(std::count(counts.begin(), counts.end(), 0u));
                ASSERT_EQ(pool.TryAllocate(span), span.size() <= free);
                if (span.size() > free) break;
                for (PageId taken : span) {
                    ASSERT_EQ(counts[taken], 0u);
                    counts[taken] = 1;
                }
                break;
            }
            case 1:
                pool.Retain(page);
                ++counts[page];
                break;
            default:
                if (counts[page] == 0) break;
                pool.Release(page, random() % 2 ? PagePool::Contents::kKept
                                                : PagePool::Contents::kWorthless);
                --counts[page];
        }
        ASSERT_EQ(pool.references(page), counts[page]);
        ASSERT_EQ(pool.free_count(),
                  static_cast<size_t>(std::count(counts.begin(), counts.end(), 0u)));
    }
}

}  // namespace
}  // namespace lathe::kvcache
