#include "compute/kvcache/prefix_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace lathe::kvcache {
namespace {

TEST(PrefixIndex, FindsAPageWhileItIsFillingAndWhenItIsFull) {
    PrefixIndex index(4);
    EXPECT_FALSE(index.Find({1, 2}));
    index.Insert({1, 2}, 3);
    EXPECT_EQ(index.Find({1, 2}), 3u);
    EXPECT_FALSE(index.full(3));
    index.MarkFull(3);
    EXPECT_TRUE(index.full(3));
    EXPECT_FALSE(index.Find({1, 3}));
    index.Erase(3);
    EXPECT_FALSE(index.Find({1, 2}));
    EXPECT_FALSE(index.holds(3));
    EXPECT_EQ(index.size(), 0u);
}

TEST(PrefixIndexDeathTest, AbortsWhenAKeyOrAPageIsTwiceThere) {
    PrefixIndex index(4);
    index.Insert({1, 2}, 3);
    EXPECT_DEATH(index.Insert({1, 2}, 0), "check failed");
    EXPECT_DEATH(index.Insert({5, 6}, 3), "check failed");
    EXPECT_DEATH(index.Erase(1), "check failed");
}

// Keys that share buckets, against a map.
TEST(PrefixIndex, AgreesWithAMapOverRandomOperations) {
    std::mt19937 random(11);
    PrefixIndex index(13);
    std::map<uint64_t, PageId> map;  // high of the key
    for (int step = 0; step < 20000; ++step) {
        uint64_t number = random() % 30;
        PrefixKey key{number % 3, number};
        auto page = static_cast<PageId>(random() % 13);
        auto known = map.find(number);
        ASSERT_EQ(index.Find(key),
                  known == map.end() ? std::nullopt : std::optional(known->second));
        if (known != map.end()) {
            if (random() % 2) continue;
            index.Erase(known->second);
            map.erase(known);
        } else if (!index.holds(page)) {
            index.Insert(key, page);
            ASSERT_EQ(index.key(page), key);
            map[number] = page;
        }
        ASSERT_EQ(index.size(), map.size());
    }
}

}  // namespace
}  // namespace lathe::kvcache
