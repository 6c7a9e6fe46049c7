#include "compute/kernels/packed_matrix.h"

#include <gtest/gtest.h>

#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

TEST(PackedMatrix, ExpandsEveryTypeToTheBitOfDequantize) {
    Random random(1);
    for (const tensor::DTypeInfo& info : tensor::AllDTypes())
        for (size_t cols : ColsFor(info.type))
            for (size_t rows : {1, 16, 37}) {
                auto data = RandomWeights(info.type, rows, cols, random);
                auto want = Dequantized(info.type, data, rows * cols);
                PackedMatrix matrix = PackedMatrix::Pack(info.type, rows, cols, data.data());
                std::vector<float> got(cols);
                for (size_t row = 0; row < rows; ++row) {
                    matrix.ExpandRow(row, got);
                    ASSERT_EQ(std::memcmp(got.data(), &want[row * cols], cols * sizeof(float)), 0)
                        << info.name << " row " << row << " of " << rows << "x" << cols;
                }
            }
}

TEST(PackedMatrix, IsHardlyLargerThanTheFile) {
    Random random(2);
    for (const tensor::DTypeInfo& info : tensor::AllDTypes()) {
        auto data = RandomWeights(info.type, 64, 512, random);
        PackedMatrix matrix = PackedMatrix::Pack(info.type, 64, 512, data.data());
        // IQ4_NL is expanded to bytes.
        double most = info.type == tensor::DType::kIQ4_NL ? 34.0 / 18.0 : 1.04;
        EXPECT_LE(static_cast<double>(matrix.bytes()), most * static_cast<double>(data.size()))
            << info.name;
        EXPECT_EQ(matrix.quantized(), info.block_size > 1);
    }
}

TEST(PackedMatrix, IsTheSameWhenPackedPanelByPanelInAnyOrder) {
    Random random(3);
    for (const tensor::DTypeInfo& info : tensor::AllDTypes()) {
        auto data = RandomWeights(info.type, 70, 256, random);
        PackedMatrix whole = PackedMatrix::Pack(info.type, 70, 256, data.data());
        PackedMatrix parts = PackedMatrix::Allocate(info.type, 70, 256);
        ASSERT_EQ(parts.panel_count(), 5u);
        parts.PackPanels({3, 5}, data.data());
        parts.PackPanels({0, 1}, data.data());
        parts.PackPanels({1, 3}, data.data());
        std::vector<float> a(256), b(256);
        for (size_t row = 0; row < 70; ++row) {
            whole.ExpandRow(row, a);
            parts.ExpandRow(row, b);
            ASSERT_EQ(std::memcmp(a.data(), b.data(), 1024), 0) << info.name;
        }
    }
}

TEST(PackedMatrix, RefusesColumnsThatAreNoWholeBlocks) {
    std::vector<std::byte> data(1000);
    EXPECT_DEATH(PackedMatrix::Pack(tensor::DType::kQ4_K, 1, 128, data.data()), "block_size");
}

}  // namespace
}  // namespace lathe::kernels
