#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "compute/tensor/dtype.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::tensor {
namespace {

std::string GoldenBytes(std::string_view name) {
    auto bytes = platform::ReadFile(testing_support::Golden("dequantize") / name);
    if (!bytes) ADD_FAILURE() << bytes.error().message;
    return bytes.value_or("");
}

std::vector<float> Expand(DType type, const std::string& blocks, size_t count) {
    std::vector<float> values(count);
    Dequantize(type, reinterpret_cast<const std::byte*>(blocks.data()), values);
    return values;
}

class EveryType : public testing::TestWithParam<DTypeInfo> {};

TEST_P(EveryType, ExpandsAsTheReferenceToTheBit) {
    const DTypeInfo& info = GetParam();
    std::string blocks = GoldenBytes(std::string(info.name) + ".blocks");
    std::string expected = GoldenBytes(std::string(info.name) + ".f32");
    size_t count = expected.size() / sizeof(float);
    ASSERT_GT(count, 0u);
    ASSERT_EQ(blocks.size(), RowBytes(info.type, count));
    std::vector<float> values = Expand(info.type, blocks, count);
    for (size_t i = 0; i < count; ++i) {
        uint32_t want;
        std::memcpy(&want, expected.data() + 4 * i, 4);
        ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), want)
            << info.name << " element " << i << ": " << values[i] << ", not "
            << std::bit_cast<float>(want);
    }
}

TEST_P(EveryType, NeedsNoAlignment) {
    const DTypeInfo& info = GetParam();
    std::string blocks = GoldenBytes(std::string(info.name) + ".blocks");
    size_t count = blocks.size() / info.block_bytes * info.block_size;
    std::string shifted = "x" + blocks;
    std::vector<float> values(count);
    Dequantize(info.type, reinterpret_cast<const std::byte*>(shifted.data() + 1), values);
    EXPECT_EQ(std::memcmp(values.data(), Expand(info.type, blocks, count).data(), 4 * count), 0);
}

INSTANTIATE_TEST_SUITE_P(Dequantize, EveryType,
                         testing::ValuesIn(AllDTypes().begin(), AllDTypes().end()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace lathe::tensor
