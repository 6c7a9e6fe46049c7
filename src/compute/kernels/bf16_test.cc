#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "compute/kernels/table.h"
#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

constexpr float kUnwritten = 12345;

std::vector<const Table*> TablesWithBf16() {
    std::vector<const Table*> tables;
    for (const Table* table : AvailableTables())
        if (table->gemm_bf16 != nullptr) tables.push_back(table);
    return tables;
}

float RoundedToBf16(float x) {
    return tensor::BF16ToF32(tensor::F32ToBF16(x));
}

// As weights are: halves away from zero.
float WeightInBf16(float x) {
    return std::bit_cast<float>((std::bit_cast<uint32_t>(x) + 0x8000) & 0xFFFF0000);
}

class Bf16Kernels : public testing::TestWithParam<const Table*> {
protected:
    const Table& table() const { return *GetParam(); }

    void Multiply(const PackedMatrix& w, PanelRange panels, const Bf16Rows& x, float* y) {
        std::vector<float> scratch(table().gemm_scratch_floats(w));
        table().gemm_bf16(w, panels, x, {y, w.rows()}, scratch.data());
    }
    Bf16 Convert(const std::vector<float>& x, size_t first, size_t count, size_t cols) {
        Bf16 rows(count, cols);
        for (size_t r = 0; r < count; ++r)
            table().to_bf16_row(&x[(first + r) * cols], cols, rows.view, r);
        return rows;
    }
};

TEST_P(Bf16Kernels, MultiplyRoundedWeightsAndActivationsLikeADoubleReference) {
    Random random(21);
    for (const tensor::DTypeInfo& info : tensor::AllDTypes()) {
        if (info.block_size == 1) continue;
        for (size_t cols : ColsFor(info.type))
            for (size_t outputs : {1, 16, 45, 96}) {
                size_t count = 1 + random() % 70;
                auto data = RandomWeights(info.type, outputs, cols, random);
                auto w = Dequantized(info.type, data, outputs * cols);
                PackedMatrix packed = PackedMatrix::Pack(info.type, outputs, cols, data.data());
                auto x = RandomFloats(count * cols, random);
                std::vector<float> y(count * outputs + 1, kUnwritten);
                Multiply(packed, {0, packed.panel_count()}, Convert(x, 0, count, cols).view,
                         y.data());
                for (size_t i = 0; i < count * outputs; ++i) {
                    double want = 0, magnitude = 0;
                    for (size_t k = 0; k < cols; ++k) {
                        double product =
                            static_cast<double>(WeightInBf16(w[i % outputs * cols + k])) *
                            static_cast<double>(RoundedToBf16(x[i / outputs * cols + k]));
                        want += product;
                        magnitude += std::abs(product);
                    }
                    ASSERT_NEAR(y[i], want, 1e-6 * magnitude + 1e-30)
                        << info.name << " " << cols << "x" << outputs << " at " << i;
                }
                ASSERT_EQ(y.back(), kUnwritten);
            }
    }
}

TEST_P(Bf16Kernels, RowsTogetherAndPanelsApartGiveTheSameBitsAsOneByOne) {
    Random random(22);
    constexpr size_t kOutputs = 99, kCount = 77;
    for (const tensor::DTypeInfo& info : tensor::AllDTypes()) {
        if (info.block_size == 1) continue;
        size_t cols = info.block_size == 256 ? 512 : 576;
        auto data = RandomWeights(info.type, kOutputs, cols, random);
        PackedMatrix w = PackedMatrix::Pack(info.type, kOutputs, cols, data.data());
        auto x = RandomFloats(kCount * cols, random);
        std::vector<float> want(kCount * kOutputs);
        for (size_t row = 0; row < kCount; ++row)
            for (size_t panel = 0; panel < w.panel_count(); ++panel)
                Multiply(w, {panel, panel + 1}, Convert(x, row, 1, cols).view,
                         &want[row * kOutputs]);
        for (size_t count = 1; count <= kCount; ++count) {
            size_t cut = random() % (w.panel_count() + 1);
            std::vector<float> y(count * kOutputs, kUnwritten);
            Bf16 rows = Convert(x, 0, count, cols);
            for (PanelRange part : {PanelRange{0, cut}, PanelRange{cut, w.panel_count()}})
                Multiply(w, part, rows.view, y.data());
            ASSERT_EQ(std::memcmp(y.data(), want.data(), y.size() * sizeof(float)), 0)
                << info.name << ", " << count << " rows";
        }
    }
}

// Keys and values of one sequence, and queries over them.
struct Sequence {
    Sequence(const Table& table, KvType type, size_t token_count, size_t dims, Random& random)
        : key_rows(RandomFloats(token_count * dims, random)),
          value_rows(RandomFloats(token_count * dims, random)),
          pages((token_count + kPageTokens - 1) / kPageTokens) {
        size_t bytes = (KvKeyPageBytes(type, dims) + 63) / 64 * 64;
        memory.assign(2 * pages * bytes + 64, std::byte{0xFF});  // NaN where no token is
        auto* start = memory.data();
        start += 64 - reinterpret_cast<uintptr_t>(start) % 64;
        for (size_t page = 0; page < pages; ++page) {
            keys.push_back(start + 2 * page * bytes);
            values.push_back(start + (2 * page + 1) * bytes);
        }
        for (size_t d = 0; d < dims; d += 7)  // as a bias makes some dimensions
            for (size_t t = 0; t < token_count; ++t) key_rows[t * dims + d] += 40;
        for (size_t t = 0; t < token_count; ++t)
            table.store_kv({type, dims, t % kPageTokens, &key_rows[t * dims], &value_rows[t * dims],
                            const_cast<void*>(keys[t / kPageTokens]),
                            const_cast<void*>(values[t / kPageTokens])});
    }
    std::vector<float> key_rows, value_rows;
    size_t pages;
    std::vector<std::byte> memory;
    std::vector<const void*> keys, values;
};

struct Shape {
    KvType type;
    size_t head_dim;
    size_t group;
    size_t tokens;
    size_t rows;
    size_t window = 0;
    float softcap = 0;
};

std::vector<float> Attend(const Table& table, const Sequence& sequence, const Shape& shape,
                          const std::vector<float>& queries, size_t first, size_t count,
                          void (*attend)(const AttentionTask&)) {
    std::vector<float> out(count * shape.group * shape.head_dim, kUnwritten);
    AttentionTask task;
    task.queries = &queries[first * shape.group * shape.head_dim];
    task.query_head_stride = shape.head_dim;
    task.query_row_stride = shape.group * shape.head_dim;
    task.out = out.data();
    task.key_pages = sequence.keys.data();
    task.value_pages = sequence.values.data();
    task.kv_type = shape.type;
    task.row_count = count;
    task.group = shape.group;
    task.head_dim = shape.head_dim;
    task.first_position = shape.tokens - shape.rows + first;
    task.window = shape.window;
    task.scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
    task.softcap = shape.softcap;
    std::vector<float> scratch(table.attention_scratch_floats(task));
    task.scratch = scratch.data();
    attend(task);
    return out;
}

std::vector<Shape> Shapes() {
    std::vector<Shape> shapes;
    for (KvType type : {KvType::kF16, KvType::kI8, KvType::kF32}) {
        shapes.push_back({type, 64, 3, 40, 40});
        shapes.push_back({type, 64, 3, 700, 50});
        shapes.push_back({type, 32, 1, 300, 33, 70});
        shapes.push_back({type, 256, 4, 290, 20, 0, 30});
        shapes.push_back({type, 80, 2, 100, 20});  // no whole tile: computed by attend
    }
    return shapes;
}

TEST_P(Bf16Kernels, AttendAsTheExactKernelWithinTheRoundingOfWeightsAndValues) {
    Random random(23);
    for (const Shape& shape : Shapes()) {
        Sequence sequence(table(), shape.type, shape.tokens, shape.head_dim, random);
        auto queries = RandomFloats(shape.rows * shape.group * shape.head_dim, random);
        auto want = Attend(table(), sequence, shape, queries, 0, shape.rows, table().attend);
        auto got = Attend(table(), sequence, shape, queries, 0, shape.rows, table().attend_bf16);
        for (size_t i = 0; i < got.size(); ++i)
            ASSERT_NEAR(got[i], want[i], 0.02)
                << "dims " << shape.head_dim << " tokens " << shape.tokens << " at " << i;
    }
}

TEST_P(Bf16Kernels, AttendOneRowToTheBitAsManyRows) {
    Random random(24);
    for (const Shape& shape : Shapes()) {
        Sequence sequence(table(), shape.type, shape.tokens, shape.head_dim, random);
        size_t width = shape.group * shape.head_dim;
        auto queries = RandomFloats(shape.rows * width, random);
        auto all = Attend(table(), sequence, shape, queries, 0, shape.rows, table().attend_bf16);
        for (size_t row = 0; row < shape.rows; ++row) {
            auto one = Attend(table(), sequence, shape, queries, row, 1, table().attend_bf16);
            ASSERT_EQ(std::memcmp(one.data(), &all[row * width], width * sizeof(float)), 0)
                << "dims " << shape.head_dim << " row " << row;
        }
    }
}

// Machines without tiles have none to test.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Bf16Kernels);
INSTANTIATE_TEST_SUITE_P(Tables, Bf16Kernels, testing::ValuesIn(TablesWithBf16()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace lathe::kernels
