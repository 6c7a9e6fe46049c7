#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "learn/quant/search.h"

namespace lathe::quant {
namespace {

using tensor::DType;

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

TypeChoice Choice(uint64_t bytes, double divergence) {
    return {DType::kQ8_0, bytes, divergence};
}

TEST(WorthTaking, LeavesOutWhatIsLargerAndWorseOrOffTheHull) {
    auto kept = WorthTaking({Choice(40, 1), Choice(10, 8), Choice(20, 9), Choice(20, 4),
                             Choice(30, 3.9), Choice(20, 4), Choice(50, 1)});
    ASSERT_EQ(kept.size(), 3u);
    EXPECT_EQ(kept[0].bytes, 10u);
    EXPECT_EQ(kept[1].bytes, 20u);
    EXPECT_EQ(kept[2].bytes, 40u);
}

TEST(Allocate, GivesBytesToTheMatrixThatGainsMost) {
    std::vector<std::vector<TypeChoice>> choices = {{Choice(10, 5), Choice(20, 1)},
                                                    {Choice(10, 9), Choice(20, 1)}};
    EXPECT_EQ(Allocate(choices, 30, 0), (std::vector<size_t>{0, 1}));
    EXPECT_EQ(Allocate(choices, 40, 0), (std::vector<size_t>{1, 1}));
    EXPECT_EQ(Allocate(choices, 20, 0), (std::vector<size_t>{0, 0}));
    EXPECT_EQ(Allocate(choices, kNoLimit, 6), (std::vector<size_t>{0, 1}));
    EXPECT_EQ(Allocate(choices, kNoLimit, 100), (std::vector<size_t>{0, 0}));
}

TEST(Allocate, PassesOverAStepThatDoesNotFit) {
    std::vector<std::vector<TypeChoice>> choices = {{Choice(10, 50), Choice(100, 0)},
                                                    {Choice(10, 2), Choice(15, 1)}};
    EXPECT_EQ(Allocate(choices, 30, 0), (std::vector<size_t>{0, 1}));
}

TEST(Allocate, IsNeverWorseThanOneTypeForAllOfTheSameSize) {
    std::mt19937 random(7);
    std::uniform_real_distribution<double> unit(0.1, 10);
    for (int trial = 0; trial < 50; ++trial) {
        std::vector<std::vector<TypeChoice>> choices;
        for (int matrix = 0; matrix < 20; ++matrix) {
            double sensitivity = unit(random);
            std::vector<TypeChoice> list;
            for (uint64_t bits = 2; bits <= 8; ++bits)  // errors fall by four with each bit
                list.push_back(
                    Choice(bits * 100, sensitivity / static_cast<double>(1u << 2 * bits)));
            choices.push_back(WorthTaking(list));
        }
        for (size_t level = 0; level < 7; ++level) {
            double uniform = 0, found = 0;
            uint64_t bytes = 0, used = 0;
            for (const auto& list : choices) {
                uniform += list[level].divergence;
                bytes += list[level].bytes;
            }
            auto taken = Allocate(choices, bytes, 0);
            for (size_t i = 0; i < taken.size(); ++i) {
                found += choices[i][taken[i]].divergence;
                used += choices[i][taken[i]].bytes;
            }
            EXPECT_LE(used, bytes);
            EXPECT_LE(found, uniform * (1 + 1e-12));
        }
    }
}

}  // namespace
}  // namespace lathe::quant
