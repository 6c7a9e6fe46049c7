#include "compute/sampling/row_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace lathe::sampling {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> RandomRow(size_t size, uint32_t seed, float spread) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> row(size);
    // Rounded, so that equal logits occur.
    for (float& x : row) x = std::round(normal(random) * 16) / 16;
    return row;
}

std::vector<Candidate> AllSorted(const std::vector<float>& row) {
    std::vector<Candidate> all;
    for (size_t i = 0; i < row.size(); ++i) all.push_back({static_cast<TokenId>(i), row[i], 0});
    std::sort(all.begin(), all.end(), Before);
    return all;
}

std::vector<TokenId> Tokens(const std::vector<Candidate>& candidates) {
    std::vector<TokenId> tokens;
    for (const Candidate& c : candidates) tokens.push_back(c.token);
    return tokens;
}

std::vector<TokenId> FirstByRisingId(const std::vector<Candidate>& sorted, size_t count) {
    std::vector<TokenId> tokens = Tokens(sorted);
    tokens.resize(std::min(count, tokens.size()));
    std::sort(tokens.begin(), tokens.end());
    return tokens;
}

TEST(ExpNonPositive, IsWithinTwoTenMillionthsOfTheExactValue) {
    double worst = 0;
    for (float x = 0; x > kExpZero; x -= 0.00137f) {
        double exact = std::exp(double{x});
        worst = std::max(worst, std::abs(double{ExpNonPositive(x)} - exact) / exact);
    }
    EXPECT_LT(worst, 2e-7);
    EXPECT_EQ(ExpNonPositive(0), 1.0f);
    EXPECT_EQ(ExpNonPositive(-88), 0.0f);
    EXPECT_EQ(ExpNonPositive(-kInfinity), 0.0f);
}

TEST(ScanRow, TellsRowsThatCannotBeUsed) {
    std::vector<float> block_max;
    for (size_t size : {size_t{5}, size_t{64}, size_t{200}})
        for (size_t place : {size_t{0}, size / 2, size - 1}) {
            std::vector<float> row(size, -1.5f);
            row[place] = -kInfinity;
            EXPECT_TRUE(ScanRow(row, block_max).sound) << "a masked token is fine";
            for (float bad : {kNan, -kNan, kInfinity}) {
                row[place] = bad;
                EXPECT_FALSE(ScanRow(row, block_max).sound) << size << " " << place << " " << bad;
            }
        }
    std::vector<float> nothing(100, -kInfinity);
    EXPECT_FALSE(ScanRow(nothing, block_max).sound);
    EXPECT_FALSE(ScanRow({}, block_max).sound);
}

TEST(ArgMax, PrefersTheLowestIdAmongEquals) {
    std::vector<float> block_max;
    std::vector<float> row(300, 1.0f);
    EXPECT_EQ(ArgMax(ScanRow(row, block_max)), 0);
    row[299] = row[130] = row[131] = 2.0f;
    EXPECT_EQ(ArgMax(ScanRow(row, block_max)), 130);
    row[299] = 2.5f;
    EXPECT_EQ(ArgMax(ScanRow(row, block_max)), 299);
}

TEST(SumExp, AgreesWithDoublePrecision) {
    std::vector<float> block_max;
    for (size_t size : {size_t{1}, size_t{63}, size_t{64}, size_t{1000}, size_t{49152}})
        for (float spread : {0.1f, 3.0f, 40.0f}) {
            std::vector<float> row = RandomRow(size, 3, spread);
            ScannedRow scanned = ScanRow(row, block_max);
            double exact = 0;
            for (float x : row) exact += std::exp((double{x} - scanned.max) * 0.7);
            std::vector<double> block_sums;
            double sum = SumExp(scanned, 0.7f, &block_sums);
            EXPECT_NEAR(sum / exact, 1, 1e-6);
            EXPECT_NEAR(std::accumulate(block_sums.begin(), block_sums.end(), 0.0) / sum, 1, 1e-12);
        }
}

TEST(SumExp, HasTheBitsOfPlainArithmeticWhateverVectorsTheMachineHas) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0, 5);
    std::vector<float> row(kScanBlock * 40);
    for (float& x : row) x = normal(random);
    std::vector<float> block_max;
    ScannedRow scanned = ScanRow(row, block_max);
    for (float inverse_temperature : {1.0f, 0.7f, 3.1f}) {
        std::vector<double> sums;
        SumExp(scanned, inverse_temperature, &sums);
        for (size_t block = 0; block < sums.size(); ++block) {
            float lanes[16] = {};
            for (size_t i = 0; i < kScanBlock; ++i) {
                volatile float difference = row[block * kScanBlock + i] - scanned.max;
                lanes[i % 16] += ExpNonPositive(difference * inverse_temperature);
            }
            ASSERT_EQ(sums[block], std::accumulate(lanes, lanes + 16, 0.0)) << block;
        }
    }
}

TEST(CollectTop, GivesTheSameAsAFullSort) {
    std::vector<float> block_max;
    std::vector<Candidate> top;
    std::vector<Candidate> spare;
    for (uint32_t seed = 0; seed < 20; ++seed) {
        size_t size = seed % 2 ? 1000 : 10000;
        std::vector<float> row = RandomRow(size, seed, seed % 3 ? 4.0f : 0.1f);
        std::vector<Candidate> sorted = AllSorted(row);
        for (size_t count :
             {size_t{1}, size_t{2}, size_t{7}, size_t{40}, size / 2, size, 2 * size}) {
            CollectTop(ScanRow(row, block_max), count, top, spare);
            ASSERT_EQ(Tokens(top), FirstByRisingId(sorted, count)) << seed << " " << count;
        }
    }
}

TEST(CollectTop, NeverTakesAMaskedToken) {
    std::vector<float> row(500, -kInfinity);
    row[7] = -3;
    row[400] = -2;
    std::vector<float> block_max;
    std::vector<Candidate> top;
    std::vector<Candidate> spare;
    for (size_t count : {size_t{2}, size_t{5}, size_t{400}}) {
        CollectTop(ScanRow(row, block_max), count, top, spare);
        EXPECT_THAT(Tokens(top), ::testing::ElementsAre(7, 400)) << count;
    }
}

TEST(KeepMass, KeepsTheShortestBeginningThatReachesTheMass) {
    std::vector<Candidate> spare;
    for (uint32_t seed = 0; seed < 30; ++seed) {
        std::vector<float> row = RandomRow(1 + seed * 37, seed, 2.0f);
        std::vector<Candidate> sorted = AllSorted(row);
        double total = 0;
        for (Candidate& c : sorted) {
            c.weight = std::exp2(c.logit);  // sums exactly for logits that are not too far apart
            total += c.weight;
        }
        for (double share : {1e-9, 0.1, 0.5, 0.9, 0.999}) {
            std::vector<Candidate> kept = sorted;
            std::sort(kept.begin(), kept.end(),
                      [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
            KeepMass(kept, share * total, spare);
            size_t count = 0;
            for (double sum = 0; sum < share * total; ++count) sum += sorted[count].weight;
            ASSERT_EQ(Tokens(kept), FirstByRisingId(sorted, count)) << seed << " " << share;
        }
    }
}

}  // namespace
}  // namespace lathe::sampling
