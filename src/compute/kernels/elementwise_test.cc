#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "compute/kernels/table.h"
#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

constexpr size_t kSizes[] = {1, 3, 15, 16, 17, 31, 64, 130, 576, 1025};

class Elementwise : public testing::TestWithParam<const Table*> {
protected:
    const Table& table() const { return *GetParam(); }
};

TEST_P(Elementwise, QuantizesARowAsDefined) {
    Random random(21);
    for (size_t cols : {1, 31, 32, 33, 100, 576}) {
        auto x = RandomFloats(cols, random, 3);
        if (cols > 96) {
            std::fill(x.begin() + 32, x.begin() + 64, 0.0f);
            x[5] = 1e30f;
        }
        Quantized got(1, cols);
        table().quantize_row(x.data(), cols, got.view, 0);
        for (size_t b = 0; b < got.blocks; ++b) {
            float largest = 0;
            for (size_t k = 32 * b; k < 32 * b + 32 && k < cols; ++k)
                largest = std::max(largest, std::abs(x[k]));
            ASSERT_EQ(got.scales[b], largest / 127.0f);
            int sums[2] = {0, 0};
            for (size_t k = 32 * b; k < 32 * b + 32; ++k) {
                float value = k < cols && largest > 0 ? x[k] * (127.0f / largest) : 0;
                ASSERT_EQ(got.codes[k], std::nearbyint(value)) << cols << " at " << k;
                sums[k / 16 % 2] += got.codes[k];
            }
            ASSERT_EQ(got.sums[2 * b], sums[0]);
            ASSERT_EQ(got.sums[2 * b + 1], sums[1]);
        }
    }
}

TEST_P(Elementwise, QuantizesToTheSameBitsAsTheGenericTable) {
    Random random(22);
    for (int round = 0; round < 200; ++round) {
        auto x = RandomFloats(96, random, std::exp(static_cast<float>(round % 80) - 40.0f));
        if (round % 7 == 0) x[random() % 96] = std::numeric_limits<float>::quiet_NaN();
        if (round % 11 == 0) x[random() % 96] = -std::numeric_limits<float>::infinity();
        if (round % 5 == 0) x[random() % 96] = 1e-41f;
        Quantized got(1, 96), want(1, 96);
        table().quantize_row(x.data(), 96, got.view, 0);
        GenericTable().quantize_row(x.data(), 96, want.view, 0);
        ASSERT_EQ(got.codes, want.codes);
        ASSERT_EQ(got.sums, want.sums);
        for (size_t b = 0; b < 3; ++b) {
            ASSERT_EQ(std::isnan(got.scales[b]), std::isnan(want.scales[b]));
            if (!std::isnan(want.scales[b])) ASSERT_EQ(got.scales[b], want.scales[b]);
        }
    }
}

TEST_P(Elementwise, RmsNormDividesByTheRootOfTheMeanSquare) {
    Random random(23);
    for (size_t n : kSizes) {
        auto x = RandomFloats(n, random, 2), weight = RandomFloats(n, random);
        double squares = 0;
        for (float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
        double root = std::sqrt(squares / static_cast<double>(n) + 1e-5);
        std::vector<float> y(n);
        table().rms_norm(x.data(), weight.data(), 1e-5f, n, y.data());
        std::vector<float> in_place = x;
        table().rms_norm(in_place.data(), weight.data(), 1e-5f, n, in_place.data());
        ASSERT_EQ(y, in_place);
        for (size_t i = 0; i < n; ++i) {
            double want = static_cast<double>(x[i]) / root * static_cast<double>(weight[i]);
            ASSERT_NEAR(y[i], want, 2e-6 * std::abs(want) + 1e-12);
        }
    }
}

TEST_P(Elementwise, AddsElementByElement) {
    Random random(24);
    for (size_t n : kSizes) {
        auto x = RandomFloats(n, random), y = RandomFloats(n + 1, random);
        auto want = y;
        for (size_t i = 0; i < n; ++i) want[i] += x[i];
        table().add(x.data(), n, y.data());
        ASSERT_EQ(y, want);
    }
}

TEST_P(Elementwise, ActivationsMatchTheirFormulas) {
    Random random(25);
    for (size_t n : kSizes) {
        auto gate = RandomFloats(n, random, 4), up = RandomFloats(n, random);
        gate[0] = 120;
        if (n > 3) gate[1] = -120, gate[2] = 0;
        auto silu = gate, gelu = gate;
        table().silu_mul(silu.data(), up.data(), n);
        table().gelu_mul(gelu.data(), up.data(), n);
        for (size_t i = 0; i < n; ++i) {
            double x = static_cast<double>(gate[i]), u = static_cast<double>(up[i]);
            double want = x / (1 + std::exp(-x)) * u;
            ASSERT_NEAR(silu[i], want, 5e-7 * std::abs(want) + 1e-35);
            double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
            want = x * 0.5 * (1 + std::tanh(inner)) * u;
            ASSERT_NEAR(gelu[i], want, 1e-6 * std::abs(x * u) + 1e-35);
        }
    }
}

TEST_P(Elementwise, RotatesPairsOfAHead) {
    Random random(26);
    for (size_t dims : {2, 6, 32, 64, 80}) {
        auto head = RandomFloats(dims + 3, random);
        std::vector<float> cos_sin(dims);
        for (size_t i = 0; i < dims / 2; ++i) {
            float angle = 0.3f * static_cast<float>(i) + 0.1f;
            cos_sin[2 * i] = std::cos(angle);
            cos_sin[2 * i + 1] = std::sin(angle);
        }
        auto interleaved = head, halves = head;
        table().rope_interleaved(interleaved.data(), cos_sin.data(), dims);
        table().rope_halves(halves.data(), cos_sin.data(), dims);
        auto check = [&](const std::vector<float>& got, size_t a, size_t b, size_t pair) {
            float c = cos_sin[2 * pair], s = cos_sin[2 * pair + 1];
            ASSERT_NEAR(got[a], head[a] * c - head[b] * s, 1e-6);
            ASSERT_NEAR(got[b], head[a] * s + head[b] * c, 1e-6);
        };
        for (size_t i = 0; i < dims / 2; ++i) {
            check(interleaved, 2 * i, 2 * i + 1, i);
            check(halves, i, i + dims / 2, i);
        }
        for (size_t i = dims; i < dims + 3; ++i) ASSERT_EQ(halves[i], head[i]);
    }
}

TEST_P(Elementwise, HalvesRoundToNearestEven) {
    Random random(27);
    std::vector<float> x;
    for (int i = 0; i < 5000; ++i) {
        auto bits = static_cast<uint32_t>(random());
        float value;
        std::memcpy(&value, &bits, 4);
        if (!std::isnan(value)) x.push_back(value);
    }
    for (float value : {0.0f, -0.0f, 65504.0f, 65519.0f, 65520.0f, 1e-8f, 6e-8f, 3e-5f})
        x.push_back(value);
    std::vector<uint16_t> got(x.size());
    table().f32_to_f16(x.data(), x.size(), got.data());
    for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(got[i], tensor::F32ToF16(x[i])) << x[i];
}

TEST_P(Elementwise, SumsExponentialsUnderTheirMaximum) {
    Random random(28);
    for (size_t n : kSizes) {
        auto x = RandomFloats(n, random, 10);
        if (n > 20) x[3] = -std::numeric_limits<float>::infinity(), x[4] = -1000;
        float max = 0;
        double sum = 0;
        table().max_and_sum_exp(x.data(), n, &max, &sum);
        ASSERT_EQ(max, *std::max_element(x.begin(), x.end()));
        double want = 0;
        for (float value : x) want += std::exp(static_cast<double>(value) - max);
        ASSERT_NEAR(sum, want, 3e-7 * want);
    }
}

// One element's sum is e^0 plus its own exponential, which shows the exponential alone.
TEST_P(Elementwise, ExponentialsAreWithinTwoUnitsInTheLastPlace) {
    for (float x = -86; x <= 0; x += 0.00371f) {
        float pair[2] = {0, x};
        float max = 0;
        double sum = 0;
        table().max_and_sum_exp(pair, 2, &max, &sum);
        double want = std::exp(static_cast<double>(x));
        ASSERT_NEAR(sum - 1, want, 2.4e-7 * want + 2.3e-16) << x;
    }
}

INSTANTIATE_TEST_SUITE_P(Tables, Elementwise,
                         testing::ValuesIn(AvailableTables().begin(), AvailableTables().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace lathe::kernels
