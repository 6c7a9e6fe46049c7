#include "compute/tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace lathe::tensor {
namespace {

TEST(DType, IsFoundByNumberAndByName) {
    for (const DTypeInfo& info : AllDTypes()) {
        EXPECT_EQ(DTypeFromGgml(static_cast<uint32_t>(info.type)), info.type);
        EXPECT_EQ(DTypeFromName(info.name), info.type);
        EXPECT_EQ(Info(info.type).name, info.name);
    }
    EXPECT_EQ(DTypeFromGgml(4), std::nullopt);
    EXPECT_EQ(DTypeFromGgml(0xFFFFFFFFu), std::nullopt);
    EXPECT_EQ(DTypeFromName("Q9_9"), std::nullopt);
}

TEST(DType, RowBytesCountWholeBlocks) {
    EXPECT_EQ(RowBytes(DType::kF32, 7), 28u);
    EXPECT_EQ(RowBytes(DType::kQ4_1, 576), 18u * 20);
    EXPECT_EQ(RowBytes(DType::kQ6_K, 512), 420u);
    EXPECT_DEATH(RowBytes(DType::kQ6_K, 511), "block_size");
}

// The value of a half by its definition.
double HalfByDefinition(uint16_t half) {
    double sign = half & 0x8000 ? -1 : 1;
    int exponent = half >> 10 & 31;
    int mantissa = half & 1023;
    if (exponent == 31)
        return mantissa ? std::numeric_limits<double>::quiet_NaN()
                        : sign * std::numeric_limits<double>::infinity();
    return sign *
           (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}

TEST(Half, EveryValueConvertsAndComesBack) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        auto half = static_cast<uint16_t>(bits);
        double want = HalfByDefinition(half);
        float value = F16ToF32(half);
        if (std::isnan(want)) {
            ASSERT_TRUE(std::isnan(value));
            ASSERT_TRUE(std::isnan(F16ToF32(F32ToF16(value))));
            continue;
        }
        ASSERT_EQ(static_cast<double>(value), want) << bits;
        ASSERT_EQ(std::signbit(value), std::signbit(want)) << bits;
        ASSERT_EQ(F32ToF16(value), half);
    }
}

TEST(Half, RoundsToTheNearestEvenBetweenEveryTwoNeighbours) {
    for (uint16_t half = 0; half < 0x7BFF; ++half) {
        auto next = static_cast<uint16_t>(half + 1);
        float middle = (F16ToF32(half) + F16ToF32(next)) / 2;  // exact in binary32
        uint16_t even = half % 2 == 0 ? half : next;
        ASSERT_EQ(F32ToF16(middle), even) << half;
        ASSERT_EQ(F32ToF16(-middle), even | 0x8000) << half;
        ASSERT_EQ(F32ToF16(std::nextafter(middle, 0.f)), half);
        ASSERT_EQ(F32ToF16(std::nextafter(middle, 1e9f)), next);
    }
    EXPECT_EQ(F32ToF16(65519.99f), 0x7BFF);
    EXPECT_EQ(F32ToF16(65520.f), 0x7C00);
    EXPECT_EQ(F32ToF16(-1e30f), 0xFC00);
}

TEST(BFloat16, EveryValueComesBackAndMiddlesRoundToEven) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        auto brain = static_cast<uint16_t>(bits);
        float value = BF16ToF32(brain);
        if (std::isnan(value)) {
            ASSERT_TRUE(std::isnan(BF16ToF32(F32ToBF16(value))));
            continue;
        }
        ASSERT_EQ(F32ToBF16(value), brain);
        if (std::isinf(value)) continue;
        auto even = static_cast<uint16_t>(brain + brain % 2);
        ASSERT_EQ(F32ToBF16(std::bit_cast<float>(bits << 16 | 0x8000u)), even);
        ASSERT_EQ(F32ToBF16(std::bit_cast<float>(bits << 16 | 0x7FFFu)), brain);
        ASSERT_EQ(F32ToBF16(std::bit_cast<float>(bits << 16 | 0x8001u)), brain + 1);
    }
}

}  // namespace
}  // namespace lathe::tensor
