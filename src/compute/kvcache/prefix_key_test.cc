#include "compute/kvcache/prefix_key.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <string>
#include <vector>

namespace lathe::kvcache {
namespace {

constexpr std::array<uint64_t, 2> kSecret = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

// The first vectors of the authors' `vectors_sip128` (messages 00 01 02 ...).
TEST(PrefixHasher, GivesTheVectorsOfSipHashsAuthors) {
    PrefixHasher hasher(kSecret);
    EXPECT_EQ(hasher.Root(""), (PrefixKey{0xe6a825ba047f81a3, 0x930255c71472f66d}));
    EXPECT_EQ(hasher.Root(std::string("\0", 1)),
              (PrefixKey{0x44af996bd8c187da, 0x45fc229b11597634}));
    EXPECT_EQ(hasher.Root(std::string("\0\1", 2)),
              (PrefixKey{0xc75da4a48d227781, 0xe4ff0af6de8ba3fc}));
}

TEST(PrefixHasher, TellsOwnersTokensAndWhatComesBeforeApart) {
    PrefixHasher hasher(kSecret);
    std::set<std::pair<uint64_t, uint64_t>> seen;
    auto is_new = [&](const PrefixKey& key) { return seen.insert({key.low, key.high}).second; };
    std::vector<int32_t> tokens(32);
    std::iota(tokens.begin(), tokens.end(), 100);
    for (const char* owner : {"", "a", "b", "a long owner with many letters in it"}) {
        PrefixKey root = hasher.Root(owner);
        EXPECT_TRUE(is_new(root));
        PrefixKey first = hasher.Next(root, tokens);
        EXPECT_TRUE(is_new(first));
        EXPECT_TRUE(is_new(hasher.Next(first, tokens)));
        for (size_t i = 0; i < tokens.size(); ++i) {
            ++tokens[i];
            EXPECT_TRUE(is_new(hasher.Next(root, tokens))) << i;
            EXPECT_TRUE(is_new(hasher.Next(root, std::span(tokens).first(i)))) << i;
            --tokens[i];
        }
    }
}

TEST(PrefixHasher, HasASecretOfItsOwnInEveryEngine) {
    std::vector<int32_t> tokens = {1, 2, 3};
    PrefixHasher one, other;
    EXPECT_EQ(one.Next({}, tokens), one.Next({}, tokens));
    EXPECT_NE(one.Next({}, tokens), other.Next({}, tokens));
}

}  // namespace
}  // namespace lathe::kvcache
