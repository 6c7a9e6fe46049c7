#include "learn/quant/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/json/json.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::quant {
namespace {

using tensor::DType;
using testing::HasSubstr;

constexpr size_t kCols = 1024;
constexpr size_t kRowsCompared = 15;  // the last holds special cases of very unlike sizes

std::string GoldenBytes(std::string_view name) {
    auto bytes = platform::ReadFile(testing_support::Golden("encode") / name);
    if (!bytes) ADD_FAILURE() << bytes.error().message;
    return bytes.value_or("");
}

std::vector<float> GoldenFloats(std::string_view name) {
    std::string bytes = GoldenBytes(name);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
}

std::vector<std::byte> Encode(const EncodeTable& table, DType type,
                              const std::vector<float>& values,
                              const std::vector<float>& importance, size_t cols = kCols) {
    std::vector<std::byte> out(tensor::RowBytes(type, values.size()));
    Status status = EncodeRows(table, type, values, cols, importance, out);
    EXPECT_TRUE(status) << status.error().message;
    return out;
}

double WeighedError(DType type, const std::vector<std::byte>& blocks,
                    const std::vector<float>& values, const std::vector<float>& importance) {
    std::vector<float> got(values.size());
    tensor::Dequantize(type, blocks.data(), got);
    double sum = 0;
    for (size_t i = 0; i < kRowsCompared * kCols; ++i) {
        double difference = double{got[i]} - double{values[i]};
        sum += difference * difference * (importance.empty() ? 1 : double{importance[i % kCols]});
    }
    return sum;
}

class ExactType : public testing::TestWithParam<DType> {};

TEST_P(ExactType, GivesTheBytesOfTheReference) {
    DType type = GetParam();
    std::string expected = GoldenBytes(std::string(tensor::Info(type).name) + ".blocks");
    std::vector<float> values = GoldenFloats("values.f32");
    for (const EncodeTable* table : AvailableEncodeTables()) {
        std::vector<std::byte> got = Encode(*table, type, values, {});
        ASSERT_EQ(got.size(), expected.size());
        for (size_t i = 0; i < got.size(); ++i)
            ASSERT_EQ(static_cast<int>(got[i]), static_cast<int>(std::byte(expected[i])))
                << table->name << ", block " << i / tensor::Info(type).block_bytes << ", byte "
                << i % tensor::Info(type).block_bytes;
    }
}

INSTANTIATE_TEST_SUITE_P(Encode, ExactType,
                         testing::Values(DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1,
                                         DType::kQ5_0, DType::kQ5_1, DType::kQ8_0),
                         [](const auto& param) {
                             return std::string(tensor::Info(param.param).name);
                         });

class SearchedType : public testing::TestWithParam<DType> {};

TEST_P(SearchedType, HasNoLargerErrorThanTheReference) {
    DType type = GetParam();
    auto errors = ParseJson(GoldenBytes("errors.json"));
    ASSERT_TRUE(errors);
    const Json& reference = (*errors)[std::string(tensor::Info(type).name)];
    std::vector<float> values = GoldenFloats("values.f32");
    std::vector<float> importance = GoldenFloats("importance.f32");
    const EncodeTable& table = *AvailableEncodeTables().back();
    double plain = WeighedError(type, Encode(table, type, values, {}), values, {});
    EXPECT_LE(plain, reference["plain"].get<double>());
    double weighed =
        WeighedError(type, Encode(table, type, values, importance), values, importance);
    EXPECT_LE(weighed, reference["weighed"].get<double>());
}

TEST_P(SearchedType, IsTheSameToTheByteOnEveryInstructionSet) {
    DType type = GetParam();
    std::vector<float> values = GoldenFloats("values.f32");
    for (const auto& importance : {std::vector<float>(), GoldenFloats("importance.f32")}) {
        auto expected = Encode(*AvailableEncodeTables()[0], type, values, importance);
        for (const EncodeTable* table : AvailableEncodeTables())
            EXPECT_EQ(Encode(*table, type, values, importance), expected) << table->name;
    }
}

TEST_P(SearchedType, DoesNotDependOnWhatIsEncodedBesideIt) {
    DType type = GetParam();
    std::vector<float> values = GoldenFloats("values.f32");
    std::vector<float> importance = GoldenFloats("importance.f32");
    const EncodeTable& table = *AvailableEncodeTables().back();
    auto all = Encode(table, type, values, importance);
    size_t row_bytes = tensor::RowBytes(type, kCols);
    for (size_t row = 0; row < values.size() / kCols; ++row) {
        std::vector<float> one(values.begin() + static_cast<ptrdiff_t>(row * kCols),
                               values.begin() + static_cast<ptrdiff_t>((row + 1) * kCols));
        auto got = Encode(table, type, one, importance);
        EXPECT_EQ(std::memcmp(got.data(), &all[row * row_bytes], row_bytes), 0) << row;
    }
}

INSTANTIATE_TEST_SUITE_P(Encode, SearchedType,
                         testing::Values(DType::kQ2_K, DType::kQ3_K, DType::kQ4_K, DType::kQ5_K,
                                         DType::kQ6_K, DType::kIQ4_NL, DType::kQ4_0, DType::kQ4_1,
                                         DType::kQ5_0, DType::kQ5_1),
                         [](const auto& param) {
                             return std::string(tensor::Info(param.param).name);
                         });

TEST(Encode, KeepsValuesThatTheTypeCanHold) {
    const EncodeTable& table = *AvailableEncodeTables().back();
    for (const tensor::DTypeInfo& info : tensor::AllDTypes()) {
        std::vector<float> values(512);
        auto blocks = Encode(table, info.type, values, {}, 256);
        std::vector<float> got(512, 1);
        tensor::Dequantize(info.type, blocks.data(), got);
        EXPECT_EQ(got, values) << info.name;
    }
}

TEST(Encode, ColumnsThatWeighNothingDoNoHarm) {
    const EncodeTable& table = *AvailableEncodeTables().back();
    std::vector<float> values = GoldenFloats("values.f32");
    std::vector<float> importance(kCols, 0);
    for (size_t i = 0; i < kCols; i += 3) importance[i] = 1;
    for (size_t i = 0; i < 256; ++i) importance[i] = 0;  // a whole super-block
    for (const tensor::DTypeInfo& info : tensor::AllDTypes()) {
        auto blocks = Encode(table, info.type, values, importance);
        std::vector<float> got(values.size());
        tensor::Dequantize(info.type, blocks.data(), got);
        for (float value : got) ASSERT_TRUE(std::isfinite(value)) << info.name;
    }
}

TEST(Encode, RefusesWhatIsNotFiniteOrTooLarge) {
    const EncodeTable& table = *AvailableEncodeTables().back();
    std::vector<std::byte> out(1024);
    for (float bad : {std::numeric_limits<float>::infinity(),
                      -std::numeric_limits<float>::infinity(), std::nanf("")})
        for (DType type : {DType::kF32, DType::kQ4_K, DType::kQ8_0}) {
            std::vector<float> values(256, 1);
            values[77] = bad;
            Status status = EncodeRows(table, type, values, 256, {},
                                       std::span(out).first(tensor::RowBytes(type, 256)));
            ASSERT_FALSE(status);
            EXPECT_THAT(status.error().message, HasSubstr("not finite"));
        }
    std::vector<float> values(256, 70000);
    Status status = EncodeRows(table, DType::kQ4_0, values, 256, {},
                               std::span(out).first(tensor::RowBytes(DType::kQ4_0, 256)));
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr("keep the tensor in BF16 or F32"));
    EXPECT_TRUE(EncodeRows(table, DType::kBF16, values, 256, {}, std::span(out).first(512)));
}

}  // namespace
}  // namespace lathe::quant
