#include <gtest/gtest.h>

#include <cmath>

#include "compute/kernels/table.h"
#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

constexpr float kUnwritten = 12345;

class Gemm : public testing::TestWithParam<const Table*> {
protected:
    const Table& table() const { return *GetParam(); }

    // y [count][outputs] by the int8 path for the rows and panels given.
    void MultiplyI8(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x, float* y) {
        std::vector<float> scratch(table().gemm_scratch_floats(w));
        table().gemm_i8(w, panels, x, {y, w.rows()}, scratch.data());
    }
    void MultiplyF32(const PackedMatrix& w, PanelRange panels, Rows x, float* y) {
        std::vector<float> scratch(table().gemm_scratch_floats(w));
        table().gemm_f32(w, panels, x, {y, w.rows()}, scratch.data());
    }
};

std::vector<tensor::DType> Types(bool quantized) {
    std::vector<tensor::DType> types;
    for (const tensor::DTypeInfo& info : tensor::AllDTypes())
        if (!quantized || info.block_size > 1) types.push_back(info.type);
    return types;
}

// The float values that quantized activations stand for.
std::vector<float> Meant(const Quantized& x) {
    std::vector<float> values(x.codes.size());
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = x.scales[i / 32] * static_cast<float>(x.codes[i]);
    return values;
}

// Checks y = w x in double. The bound: some roundings of the largest partial sums.
void ExpectProduct(const std::vector<float>& w, const std::vector<float>& x, size_t x_stride,
                   const std::vector<float>& y, size_t outputs, size_t cols,
                   const std::string& what) {
    double w_max = 0;
    for (float value : w) w_max = std::max(w_max, std::abs(static_cast<double>(value)));
    for (size_t i = 0; i < y.size(); ++i) {
        const float* row = &x[i / outputs * x_stride];
        const float* weights = &w[i % outputs * cols];
        double want = 0, magnitude = 0;
        for (size_t k = 0; k < cols; ++k) {
            want += static_cast<double>(weights[k]) * static_cast<double>(row[k]);
            magnitude += w_max * std::abs(static_cast<double>(row[k]));
        }
        ASSERT_NEAR(y[i], want, 1e-6 * magnitude + 1e-30)
            << what << " row " << i / outputs << " output " << i % outputs;
    }
}

TEST_P(Gemm, MultipliesEveryQuantizedTypeLikeADoubleReference) {
    Random random(11);
    for (tensor::DType type : Types(true))
        for (size_t cols : ColsFor(type))
            for (size_t outputs : {16, 45}) {
                size_t count = 1 + random() % 9;
                auto data = RandomWeights(type, outputs, cols, random);
                auto w = Dequantized(type, data, outputs * cols);
                PackedMatrix packed = PackedMatrix::Pack(type, outputs, cols, data.data());
                auto x = RandomFloats(count * cols, random);
                Quantized codes(count, cols);
                for (size_t row = 0; row < count; ++row)
                    table().quantize_row(&x[row * cols], cols, codes.view, row);
                std::vector<float> y(count * outputs, kUnwritten);
                MultiplyI8(packed, {0, packed.panel_count()}, codes.view, y.data());
                std::string what = std::string(tensor::Info(type).name) + " " +
                                   std::to_string(cols) + "x" + std::to_string(outputs);
                ExpectProduct(w, Meant(codes), cols, y, outputs, cols, "i8 " + what);

                y.assign(y.size(), kUnwritten);
                MultiplyF32(packed, {0, packed.panel_count()}, {x.data(), cols, count}, y.data());
                ExpectProduct(w, x, cols, y, outputs, cols, "f32 " + what);
            }
}

TEST_P(Gemm, MultipliesEveryPlainTypeLikeADoubleReference) {
    Random random(12);
    for (tensor::DType type : {tensor::DType::kF32, tensor::DType::kF16, tensor::DType::kBF16})
        for (size_t cols : ColsFor(type))
            for (size_t outputs : {1, 16, 45, 64, 131}) {
                size_t count = 1 + random() % 30;
                auto data = RandomWeights(type, outputs, cols, random);
                PackedMatrix packed = PackedMatrix::Pack(type, outputs, cols, data.data());
                auto x = RandomFloats(count * cols, random);
                std::vector<float> y(count * outputs, kUnwritten);
                MultiplyF32(packed, {0, packed.panel_count()}, {x.data(), cols, count}, y.data());
                ExpectProduct(Dequantized(type, data, outputs * cols), x, cols, y, outputs, cols,
                              std::string(tensor::Info(type).name));
            }
}

TEST_P(Gemm, RowsTogetherAndPanelsApartGiveTheSameBitsAsOneByOne) {
    Random random(13);
    for (tensor::DType type : Types(false)) {
        size_t cols = tensor::Info(type).block_size == 256 ? 512 : 576;
        constexpr size_t kOutputs = 99, kCount = 77;
        auto data = RandomWeights(type, kOutputs, cols, random);
        PackedMatrix w = PackedMatrix::Pack(type, kOutputs, cols, data.data());
        auto x = RandomFloats(kCount * cols, random);
        Quantized codes(kCount, cols);
        for (size_t row = 0; row < kCount; ++row)
            table().quantize_row(&x[row * cols], cols, codes.view, row);

        // One row and one panel at a time.
        std::vector<float> want_i8(kCount * kOutputs), want_f32(kCount * kOutputs);
        for (size_t row = 0; row < kCount; ++row)
            for (size_t panel = 0; panel < w.panel_count(); ++panel) {
                PanelRange one = {panel, panel + 1};
                if (w.quantized()) MultiplyI8(w, one, codes.Part(row, 1), &want_i8[row * kOutputs]);
                MultiplyF32(w, one, {&x[row * cols], cols, 1}, &want_f32[row * kOutputs]);
            }
        for (size_t count = 1; count <= kCount; ++count) {
            size_t cut = random() % (w.panel_count() + 1);
            std::vector<float> y(count * kOutputs, kUnwritten);
            for (PanelRange part : {PanelRange{0, cut}, PanelRange{cut, w.panel_count()}})
                if (w.quantized()) MultiplyI8(w, part, codes.Part(0, count), y.data());
            if (w.quantized()) {
                ASSERT_EQ(std::memcmp(y.data(), want_i8.data(), y.size() * sizeof(float)), 0)
                    << tensor::Info(type).name << ", " << count << " rows, int8";
            }
            y.assign(y.size(), kUnwritten);
            for (PanelRange part : {PanelRange{0, cut}, PanelRange{cut, w.panel_count()}})
                MultiplyF32(w, part, {x.data(), cols, count}, y.data());
            ASSERT_EQ(std::memcmp(y.data(), want_f32.data(), y.size() * sizeof(float)), 0)
                << tensor::Info(type).name << ", " << count << " rows, f32";
        }
    }
}

// With unit scales every product and partial sum is an integer below 2^24, so that
// nothing rounds and an int8 result must equal the integer dot.
TEST_P(Gemm, IntegerDotsAreExactToTheExtremesOfCodesAndActivations) {
    Random random(14);
    for (tensor::DType type : Types(true)) {
        size_t cols = tensor::Info(type).block_size == 256 ? 256 : 576;
        constexpr size_t kOutputs = 48;
        for (int kind = 0; kind < 4; ++kind) {
            auto data = RandomWeights(type, kOutputs, cols, random, 1.0f);
            if (kind < 3)  // all bits clear, all bits set, or each byte either
                for (std::byte& byte : data)
                    byte = static_cast<std::byte>(kind == 0   ? 0
                                                  : kind == 1 ? 255
                                                              : random() % 2 * 255);
            const tensor::DTypeInfo& info = tensor::Info(type);
            for (size_t block = 0; block < data.size(); block += info.block_bytes)
                for (size_t offset : HalfOffsets(type)) {
                    uint16_t one = tensor::F32ToF16(1);
                    std::memcpy(&data[block + offset], &one, 2);
                }
            auto w = Dequantized(type, data, kOutputs * cols);
            PackedMatrix packed = PackedMatrix::Pack(type, kOutputs, cols, data.data());
            for (size_t count : {1, 2, 3, 4, 5, 6, 7, 20, 77}) {
                Quantized x(count, cols);
                for (int8_t& code : x.codes)
                    code = random() % 2 ? (random() % 2 ? 127 : -127)
                                        : static_cast<int8_t>(random() % 255 - 127);
                if (kind == 1) x.codes.assign(x.codes.size(), 127);
                if (kind == 2) x.codes.assign(x.codes.size(), -127);
                x.scales.assign(x.scales.size(), 1);
                for (size_t i = 0; i < x.sums.size(); ++i) {
                    int sum = 0;
                    for (size_t k = 0; k < 16; ++k) sum += x.codes[i * 16 + k];
                    x.sums[i] = static_cast<int16_t>(sum);
                }
                std::vector<float> y(count * kOutputs);
                MultiplyI8(packed, {0, packed.panel_count()}, x.view, y.data());
                for (size_t i = 0; i < y.size(); ++i) {
                    int64_t want = 0;
                    bool exact = true;
                    for (size_t k = 0; k < cols; ++k) {
                        want += static_cast<int64_t>(w[i % kOutputs * cols + k]) *
                                x.codes[i / kOutputs * cols + k];
                        exact &= std::abs(want) < (1 << 24);
                    }
                    if (!exact) continue;
                    ASSERT_EQ(static_cast<int64_t>(y[i]), want)
                        << info.name << " kind " << kind << " rows " << count << " at " << i;
                }
            }
        }
    }
}

TEST_P(Gemm, ZeroRowsOfActivationsGiveZeroAndRowsPastTheLastStayUntouched) {
    Random random(15);
    for (tensor::DType type : Types(false)) {
        size_t cols = 256;
        auto data = RandomWeights(type, 17, cols, random);
        PackedMatrix w = PackedMatrix::Pack(type, 17, cols, data.data());
        std::vector<float> x(3 * cols);
        Quantized codes(3, cols);
        for (size_t row = 0; row < 3; ++row)
            table().quantize_row(&x[row * cols], cols, codes.view, row);
        std::vector<float> y(4 * 17, kUnwritten);
        if (w.quantized()) {
            MultiplyI8(w, {0, 2}, codes.view, y.data());
            for (size_t i = 0; i < 51; ++i) ASSERT_EQ(y[i], 0) << tensor::Info(type).name;
            for (size_t i = 51; i < 68; ++i) ASSERT_EQ(y[i], kUnwritten);
            MultiplyI8(w, {0, 2}, codes.Part(0, 0), y.data() + 51);
        }
        y.assign(y.size(), kUnwritten);
        MultiplyF32(w, {0, 2}, {x.data(), cols, 3}, y.data());
        MultiplyF32(w, {0, 2}, {x.data(), cols, 0}, y.data() + 51);
        MultiplyF32(w, {1, 1}, {x.data(), cols, 3}, y.data() + 51);
        for (size_t i = 0; i < 51; ++i) ASSERT_EQ(y[i], 0) << tensor::Info(type).name;
        for (size_t i = 51; i < 68; ++i) ASSERT_EQ(y[i], kUnwritten);
    }
}

TEST_P(Gemm, AnActivationThatIsNotFiniteShowsInItsRowOnly) {
    Random random(16);
    auto data = RandomWeights(tensor::DType::kQ4_1, 32, 64, random);
    PackedMatrix w = PackedMatrix::Pack(tensor::DType::kQ4_1, 32, 64, data.data());
    auto x = RandomFloats(8 * 64, random);
    x[64 + 5] = std::numeric_limits<float>::quiet_NaN();
    x[2 * 64 + 40] = std::numeric_limits<float>::infinity();
    x[3 * 64 + 1] = 1e-42f;
    Quantized codes(8, 64);
    for (size_t row = 0; row < 8; ++row) table().quantize_row(&x[row * 64], 64, codes.view, row);
    std::vector<float> y(8 * 32);
    MultiplyI8(w, {0, 2}, codes.view, y.data());
    for (size_t i = 0; i < y.size(); ++i)
        ASSERT_EQ(std::isfinite(y[i]), i / 32 != 1 && i / 32 != 2) << i;
}

INSTANTIATE_TEST_SUITE_P(Tables, Gemm,
                         testing::ValuesIn(AvailableTables().begin(), AvailableTables().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace lathe::kernels
