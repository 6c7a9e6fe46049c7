#include "compute/model/top_logits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

namespace lathe::model {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Tokens of the `count` best, by rising token.
std::vector<TokenId> Expected(const std::vector<float>& row, size_t count) {
    std::vector<TokenId> tokens(row.size());
    std::iota(tokens.begin(), tokens.end(), 0);
    std::ranges::sort(tokens, [&](TokenId a, TokenId b) {
        float x = row[static_cast<size_t>(a)], y = row[static_cast<size_t>(b)];
        return x != y ? x > y : a < b;
    });
    std::erase_if(tokens, [&](TokenId t) { return row[static_cast<size_t>(t)] == -kInfinity; });
    tokens.resize(std::min(count, tokens.size()));
    std::ranges::sort(tokens);
    return tokens;
}

// As several workers do it, each over its own part in pieces.
TopLogits Collect(const std::vector<float>& row, size_t count, size_t workers, size_t piece) {
    TopLogits all;
    all.Start(count);
    for (size_t worker = 0; worker < workers; ++worker) {
        TopLogits part;
        part.Start(count);
        size_t begin = row.size() * worker / workers, end = row.size() * (worker + 1) / workers;
        for (; begin < end; begin += piece)
            part.Add(static_cast<TokenId>(begin),
                     std::span(row).subspan(begin, std::min(piece, end - begin)));
        all.Merge(part);
    }
    all.Finish();
    return all;
}

std::vector<TokenId> Tokens(const TopLogits& top) {
    std::vector<TokenId> tokens;
    for (const TopLogit& best : top.best()) tokens.push_back(best.token);
    return tokens;
}

TEST(TopLogits, AreTheBestHoweverTheRowIsCutAndSharedOut) {
    std::mt19937 random(1);
    for (size_t size : {1, 63, 64, 65, 1000, 5000})
        for (int range : {3, 100, 1000000}) {  // many ties, some, hardly any
            std::vector<float> row(size);
            for (float& logit : row)
                logit = random() % 50 == 0 ? -kInfinity
                                           : static_cast<float>(static_cast<int>(random() % range));
            for (size_t count : {1, 2, 40, 256})
                for (size_t workers : {1, 3})
                    for (size_t piece : {7, 64, 1024}) {
                        TopLogits top = Collect(row, count, workers, piece);
                        ASSERT_TRUE(top.sound());
                        ASSERT_EQ(Tokens(top), Expected(row, count))
                            << size << " logits, " << count << " best";
                    }
        }
}

TEST(TopLogits, TellOfALogitThatIsNotFinite) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity})
        for (size_t place : {0, 70, 499}) {
            std::vector<float> row(500, 1.0f);
            row[0] = 2;  // raises the threshold
            row[place] = bad;
            EXPECT_FALSE(Collect(row, 1, 2, 64).sound()) << place;
            EXPECT_FALSE(Collect(row, 50, 1, 500).sound()) << place;
        }
}

TEST(TopLogits, AreNoneIfNothingIsPossible) {
    std::vector<float> row(100, -kInfinity);
    TopLogits top = Collect(row, 3, 2, 10);
    EXPECT_TRUE(top.sound());
    EXPECT_TRUE(top.best().empty());
}

TEST(TopLogits, StartAgain) {
    TopLogits top;
    top.Start(1);
    top.Add(0, std::vector<float>{5, std::numeric_limits<float>::quiet_NaN()});
    top.Start(2);
    top.Add(0, std::vector<float>{1, 3, 2});
    top.Finish();
    EXPECT_TRUE(top.sound());
    EXPECT_EQ(Tokens(top), (std::vector<TokenId>{1, 2}));
}

}  // namespace
}  // namespace lathe::model
