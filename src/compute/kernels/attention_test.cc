#include <gtest/gtest.h>

#include <cmath>

#include "compute/kernels/table.h"
#include "compute/kernels/test_data.h"

namespace lathe::kernels {
namespace {

// Keys and values of a sequence in pages, and the values that the pages really hold.
struct Cache {
    Cache(const Table& table, KvType type, size_t tokens, size_t head_dim, Random& random)
        : key_values(RandomFloats(tokens * head_dim, random)),
          value_values(RandomFloats(tokens * head_dim, random)) {
        size_t pages = (tokens + kPageTokens - 1) / kPageTokens;
        size_t bytes = KvKeyPageBytes(type, head_dim);  // values need no more
        // Slots never written hold NaN: they must not be felt.
        keys.assign(pages * bytes, std::byte{0xFF});
        values.assign(pages * bytes, std::byte{0xFF});
        for (size_t page = 0; page < pages; ++page) {
            key_pages.push_back(&keys[page * bytes]);
            value_pages.push_back(&values[page * bytes]);
        }
        for (size_t token = 0; token < tokens; ++token)
            table.store_kv({type, head_dim, token % kPageTokens, &key_values[token * head_dim],
                            &value_values[token * head_dim], &keys[token / kPageTokens * bytes],
                            &values[token / kPageTokens * bytes]});
        if (type == KvType::kF16)
            for (auto* all : {&key_values, &value_values})
                for (float& value : *all) value = tensor::F16ToF32(tensor::F32ToF16(value));
        if (type == KvType::kI8) ReadBack(tokens, head_dim);
    }

    // What int8 pages stand for, each value within half a step of what was stored. Keys
    // are rotated back, of which an error keeps its length.
    void ReadBack(size_t tokens, size_t head_dim) {
        size_t bytes = KvKeyPageBytes(KvType::kI8, head_dim);
        auto half = [](const std::byte* at) {
            uint16_t bits;
            std::memcpy(&bits, at, 2);
            return tensor::F16ToF32(bits);
        };
        for (size_t t = 0; t < tokens; ++t) {
            size_t slot = t % kPageTokens;
            const std::byte* key_page = &keys[t / kPageTokens * bytes];
            const std::byte* value_page = &values[t / kPageTokens * bytes];
            size_t scales = kPageTokens * head_dim;
            float key_step = half(key_page + scales + 2 * slot) / 127;
            float value_step = half(value_page + scales + 2 * slot) / 127;
            std::vector<double> rotated(head_dim);
            for (size_t d = 0; d < head_dim; ++d) {
                auto key_code = static_cast<int8_t>(key_page[d * kPageTokens + slot]);
                auto value_code = static_cast<int8_t>(value_page[slot * head_dim + d]);
                rotated[d] = half(key_page + scales + 2 * (kPageTokens + d)) + key_step * key_code;
                float& value = value_values[t * head_dim + d];
                ASSERT_NEAR(value_step * value_code, value,
                            0.51f * value_step + 0.0005f * std::abs(value));
                value = value_step * value_code;
            }
            Rotate(rotated);
            double error = 0;
            for (size_t d = 0; d < head_dim; ++d) {
                float& key = key_values[t * head_dim + d];
                error += (rotated[d] - key) * (rotated[d] - key);
                key = static_cast<float>(rotated[d]);
            }
            ASSERT_LT(std::sqrt(error / static_cast<double>(head_dim)), 0.51f * key_step + 1e-3f);
        }
    }

    // The Hadamard transform over runs of the largest power of two that divides the size.
    static void Rotate(std::vector<double>& x) {
        size_t run = x.size() & (~x.size() + 1);
        for (size_t step = 1; step < run; step *= 2)
            for (size_t i = 0; i < x.size(); ++i) {
                if (i / step % 2 != 0) continue;
                double a = x[i], b = x[i + step];
                x[i] = (a + b) * std::sqrt(0.5);
                x[i + step] = (a - b) * std::sqrt(0.5);
            }
    }

    std::vector<float> key_values, value_values;  // [token][head_dim]
    std::vector<std::byte> keys, values;
    std::vector<const void*> key_pages, value_pages;
};

struct Shape {
    KvType type = KvType::kF32;
    size_t tokens = 0;  // in the cache; the queries are the last `rows` of them
    size_t rows = 1;
    size_t group = 1;
    size_t head_dim = 64;
    size_t window = 0;
    float softcap = 0;
};

AttentionTask MakeTask(const Shape& shape, const Cache& cache, const std::vector<float>& queries,
                       std::vector<float>& out) {
    AttentionTask task;
    task.queries = queries.data();
    task.query_head_stride = shape.head_dim;
    task.query_row_stride = shape.group * shape.head_dim;
    task.out = out.data();
    task.key_pages = cache.key_pages.data();
    task.value_pages = cache.value_pages.data();
    task.kv_type = shape.type;
    task.row_count = shape.rows;
    task.group = shape.group;
    task.head_dim = shape.head_dim;
    task.first_position = shape.tokens - shape.rows;
    task.window = shape.window;
    task.scale = 1 / std::sqrt(static_cast<float>(shape.head_dim));
    task.softcap = shape.softcap;
    return task;
}

// What one head of one row should be, in double.
std::vector<double> Reference(const Shape& shape, const Cache& cache, const float* query,
                              size_t position) {
    size_t begin = shape.window && position + 1 > shape.window ? position + 1 - shape.window : 0;
    std::vector<double> scores;
    double max = -INFINITY, sum = 0;
    for (size_t t = begin; t <= position; ++t) {
        double score = 0;
        for (size_t d = 0; d < shape.head_dim; ++d)
            score += static_cast<double>(query[d]) *
                     static_cast<double>(cache.key_values[t * shape.head_dim + d]);
        score /= std::sqrt(static_cast<double>(shape.head_dim));
        if (shape.softcap != 0) {
            double cap = static_cast<double>(shape.softcap);
            score = cap * std::tanh(score / cap);
        }
        scores.push_back(score);
        max = std::max(max, score);
    }
    std::vector<double> out(shape.head_dim);
    for (double& score : scores) sum += score = std::exp(score - max);
    for (size_t t = begin; t <= position; ++t)
        for (size_t d = 0; d < shape.head_dim; ++d)
            out[d] += scores[t - begin] / sum *
                      static_cast<double>(cache.value_values[t * shape.head_dim + d]);
    return out;
}

class Attention : public testing::TestWithParam<const Table*> {
protected:
    const Table& table() const { return *GetParam(); }

    void Attend(AttentionTask task) {
        std::vector<float> scratch(table().attention_scratch_floats(task));
        task.scratch = scratch.data();
        table().attend(task);
    }

    void ExpectMatchesReference(const Shape& shape, Random& random) {
        Cache cache(table(), shape.type, shape.tokens, shape.head_dim, random);
        auto queries = RandomFloats(shape.rows * shape.group * shape.head_dim, random);
        std::vector<float> out(queries.size());
        Attend(MakeTask(shape, cache, queries, out));
        for (size_t row = 0; row < shape.rows; ++row)
            for (size_t head = 0; head < shape.group; ++head) {
                size_t at = (row * shape.group + head) * shape.head_dim;
                auto want = Reference(shape, cache, &queries[at], shape.tokens - shape.rows + row);
                for (size_t d = 0; d < shape.head_dim; ++d)
                    ASSERT_NEAR(out[at + d], want[d], 3e-6)
                        << "tokens " << shape.tokens << " rows " << shape.rows << " group "
                        << shape.group << " dim " << shape.head_dim << " window " << shape.window
                        << " row " << row << " head " << head << " d " << d;
            }
    }
};

TEST_P(Attention, MatchesADoubleReferenceInManyShapes) {
    Random random(31);
    for (KvType type : {KvType::kF32, KvType::kF16, KvType::kI8})
        for (size_t head_dim : {8, 20, 64, 80, 128, 256})
            for (size_t tokens : {1, 2, 31, 33, 70, 600}) {
                Shape shape;
                shape.type = type;
                shape.tokens = tokens;
                shape.head_dim = head_dim;
                shape.rows = 1 + random() % std::min<size_t>(tokens, 9);
                shape.group = 1 + random() % 8;
                ExpectMatchesReference(shape, random);
                shape.window = 1 + random() % 40;
                shape.softcap = 3;
                ExpectMatchesReference(shape, random);
            }
}

TEST_P(Attention, SpansChunksAndWindowsAcrossThem) {
    Random random(32);
    for (size_t window : {0, 1, 32, 500, 513, 1400}) {
        Shape shape;
        shape.type = window % 2 ? KvType::kI8 : KvType::kF16;
        shape.tokens = 1563;
        shape.rows = 40;
        shape.group = 2;
        shape.head_dim = 32;
        shape.window = window;
        ExpectMatchesReference(shape, random);
    }
}

TEST_P(Attention, ARowIsTheSameToTheBitHoweverTheRowsAreCut) {
    Random random(33);
    for (KvType type : {KvType::kF32, KvType::kF16, KvType::kI8})
        for (size_t window : {0, 50, 520}) {
            Shape shape;
            shape.type = type;
            shape.tokens = 1100;
            shape.rows = 600;  // positions 500 to 1099: over chunk borders at 512 and 1024
            shape.group = 3;
            shape.head_dim = 48;
            shape.window = window;
            shape.softcap = window == 50 ? 30.0f : 0.0f;
            Cache cache(table(), type, shape.tokens, shape.head_dim, random);
            auto queries = RandomFloats(shape.rows * shape.group * shape.head_dim, random);
            std::vector<float> whole(queries.size()), parts(queries.size());
            AttentionTask task = MakeTask(shape, cache, queries, whole);
            Attend(task);
            for (size_t row = 0; row < shape.rows;) {
                size_t rows = std::min<size_t>(shape.rows - row, 1 + random() % 7);
                AttentionTask part = task;
                part.queries = task.queries + row * task.query_row_stride;
                part.out = parts.data() + row * task.query_row_stride;
                part.first_position = task.first_position + row;
                part.row_count = rows;
                Attend(part);
                row += rows;
            }
            ASSERT_EQ(std::memcmp(whole.data(), parts.data(), whole.size() * sizeof(float)), 0)
                << "window " << window;
        }
}

TEST_P(Attention, PagesBeforeTheWindowMayBeGone) {
    Random random(34);
    Shape shape;
    shape.tokens = 1200;
    shape.rows = 3;
    shape.window = 100;
    Cache cache(table(), shape.type, shape.tokens, shape.head_dim, random);
    auto queries = RandomFloats(3 * 64, random);
    std::vector<float> all(queries.size()), few(queries.size());
    Attend(MakeTask(shape, cache, queries, all));
    for (size_t page = 0; page < (1197 - 99) / kPageTokens; ++page)
        cache.key_pages[page] = cache.value_pages[page] = nullptr;
    Attend(MakeTask(shape, cache, queries, few));
    EXPECT_EQ(all, few);
}

TEST_P(Attention, LaterTokensAreNotFeltEvenIfTheyAreNaN) {
    Random random(35);
    Shape shape;
    shape.tokens = 40;
    shape.rows = 8;
    shape.group = 2;
    Cache cache(table(), shape.type, shape.tokens, shape.head_dim, random);
    auto queries = RandomFloats(8 * 2 * 64, random);
    std::vector<float> clean(queries.size()), poisoned(queries.size());
    Attend(MakeTask(shape, cache, queries, clean));
    std::vector<float> nans(64, std::numeric_limits<float>::quiet_NaN());
    table().store_kv({shape.type, 64, 39 % kPageTokens, nans.data(), nans.data(),
                      &cache.keys[KvKeyPageBytes(shape.type, 64)],
                      &cache.values[KvKeyPageBytes(shape.type, 64)]});
    Attend(MakeTask(shape, cache, queries, poisoned));
    EXPECT_EQ(std::memcmp(clean.data(), poisoned.data(), 7 * 2 * 64 * sizeof(float)), 0);
    EXPECT_TRUE(std::isnan(poisoned.back()));
}

TEST_P(Attention, ATokenThatInt8CannotHoldShowsInWhatSeesItOnly) {
    Random random(37);
    Shape shape;
    shape.type = KvType::kI8;
    shape.tokens = 40;
    shape.rows = 8;
    Cache cache(table(), shape.type, shape.tokens, shape.head_dim, random);
    auto queries = RandomFloats(8 * 64, random);
    std::vector<float> clean(queries.size()), poisoned(queries.size()), large(64, 1e9f);
    Attend(MakeTask(shape, cache, queries, clean));
    table().store_kv({shape.type, 64, 39 % kPageTokens, &cache.key_values[39 * 64], large.data(),
                      &cache.keys[KvKeyPageBytes(shape.type, 64)],
                      &cache.values[KvKeyPageBytes(shape.type, 64)]});
    Attend(MakeTask(shape, cache, queries, poisoned));
    EXPECT_EQ(std::memcmp(clean.data(), poisoned.data(), 7 * 64 * sizeof(float)), 0);
    EXPECT_TRUE(std::isnan(poisoned.back()));
}

TEST_P(Attention, ResultsMayOverwriteTheQueries) {
    Random random(36);
    Shape shape;
    shape.tokens = 100;
    shape.rows = 30;
    shape.group = 3;
    Cache cache(table(), shape.type, shape.tokens, shape.head_dim, random);
    auto queries = RandomFloats(30 * 3 * 64, random);
    std::vector<float> out(queries.size());
    Attend(MakeTask(shape, cache, queries, out));
    AttentionTask in_place = MakeTask(shape, cache, queries, queries);
    Attend(in_place);
    EXPECT_EQ(queries, out);
}

INSTANTIATE_TEST_SUITE_P(Tables, Attention,
                         testing::ValuesIn(AvailableTables().begin(), AvailableTables().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace lathe::kernels
