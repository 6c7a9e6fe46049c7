#include "compute/sampling/philox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace lathe::sampling {
namespace {

using ::testing::ElementsAre;

// The known-answer vectors of the authors' library (Random123, philox4x32 10).
TEST(Philox, GivesThePublishedAnswers) {
    EXPECT_THAT(Philox({0, 0}, {0, 0, 0, 0}),
                ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
    constexpr uint32_t kOnes = 0xffffffffu;
    EXPECT_THAT(Philox({kOnes, kOnes}, {kOnes, kOnes, kOnes, kOnes}),
                ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
    EXPECT_THAT(
        Philox({0xa4093822u, 0x299f31d0u}, {0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}),
        ElementsAre(0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u));
}

TEST(UniformDraw, StaysBelowOneAndDiffersBySeedStreamAndPosition) {
    std::set<double> seen;
    for (uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, ~uint64_t{0}})
        for (uint32_t stream = 0; stream < 8; ++stream)
            for (uint64_t position = 0; position < 64; ++position) {
                double draw = UniformDraw(seed, stream, position);
                ASSERT_GE(draw, 0.0);
                ASSERT_LT(draw, 1.0);
                seen.insert(draw);
            }
    EXPECT_EQ(seen.size(), 4u * 8 * 64);
}

TEST(UniformDraw, HasTheMeanAndVarianceOfAUniformNumber) {
    constexpr int kCount = 100000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kCount; ++i) {
        double draw = UniformDraw(42, 0, static_cast<uint64_t>(i));
        sum += draw;
        squares += draw * draw;
    }
    double mean = sum / kCount;
    EXPECT_NEAR(mean, 0.5, 0.005);
    EXPECT_NEAR(squares / kCount - mean * mean, 1.0 / 12, 0.002);
}

}  // namespace
}  // namespace lathe::sampling
