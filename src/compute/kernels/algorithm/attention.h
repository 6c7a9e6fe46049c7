// Softmax attention over pages of keys and values.
//
// The keys that a query sees are cut into chunks of kChunkPages pages by their
// position. A chunk gives a maximum m, a sum of e^(score - m) and the weighted values;
// chunks are merged in order (Milakov and Gimelshein 2018; Dao 2022). Within a chunk a
// score is one chain over the dimensions, a value sum one chain over the visible keys.
// So a query's result depends on its own position only, not on which other queries
// are computed beside it, and chunks could be computed apart without changing a bit.
//
// Queries (tokens x heads of the group) are taken in tiles of kScoreRows that share the
// loads of keys, and of kValueRows that share the loads of values.
#pragma once

#include "compute/kernels/algorithm/codes.h"
#include "compute/kernels/algorithm/exp.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct Attention {
    using F = typename S::F;
    static constexpr size_t kLanes = S::kLanes;
    static constexpr size_t kChunkPages = 16;
    static constexpr size_t kChunkTokens = kChunkPages * kPageTokens;
    static constexpr size_t kTile = S::kScoreRows;

    struct FromF32 {
        using Element = float;
        LATHE_INLINE F Load(const float* p) { return S::Load(p); }
        LATHE_INLINE F LoadPartial(const float* p, size_t n) { return S::LoadPartial(p, n); }
    };
    struct FromF16 {
        using Element = uint16_t;
        LATHE_INLINE F Load(const uint16_t* p) { return S::LoadHalf(p); }
        LATHE_INLINE F LoadPartial(const uint16_t* p, size_t n) { return S::LoadHalfPartial(p, n); }
    };

    // One query of a tile: where it lies, what it sees, what it has gathered.
    struct Query {
        float* out;
        size_t begin;  // keys [begin, end)
        size_t end;
        float max;
        float sum;
    };

    struct Tile {
        Query queries[kTile];
        size_t count;
        float* transposed;  // [head_dim][count]
        float* scores;      // [kTile][kChunkTokens]
        float* gathered;    // [kTile][head_dim], over the chunks so far
        float* chunk;       // [kTile][head_dim], of the current chunk
    };

    static size_t ScratchFloats(const AttentionTask& task) {
        return 16 + kTile * (3 * task.head_dim + kChunkTokens);
    }

    LATHE_INLINE float ExpOne(float x) {
        float lanes[kLanes];
        S::Store(lanes, Exp<S>(S::Set(x)));
        return lanes[0];
    }

    // Scores of a page: kR queries times 32 keys.
    template <int kR, class From>
    static void ScorePage(const Tile& tile, const typename From::Element* keys, size_t head_dim,
                          float* scores) {
        constexpr size_t kV = S::kScoreVectors;
        for (size_t token = 0; token < kPageTokens; token += kV * kLanes) {
            F acc[kR][kV];
            LATHE_UNROLL
            for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
            for (size_t v = 0; v < kV; ++v) acc[r][v] = S::Zero();
            const auto* key = keys + token;
            const float* query = tile.transposed;
            for (size_t d = 0; d < head_dim; ++d, key += kPageTokens, query += kR) {
                F k[kV];
                LATHE_UNROLL
                for (size_t v = 0; v < kV; ++v) k[v] = From::Load(key + v * kLanes);
                LATHE_UNROLL
                for (size_t r = 0; r < kR; ++r) {
                    F q = S::Set(query[r]);
                    LATHE_UNROLL
                    for (size_t v = 0; v < kV; ++v) acc[r][v] = S::MulAdd(k[v], q, acc[r][v]);
                }
            }
            LATHE_UNROLL
            for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
            for (size_t v = 0; v < kV; ++v)
                S::Store(scores + r * kChunkTokens + token + v * kLanes, acc[r][v]);
        }
    }

    // Turns the scores of one query in the chunk at `first` into weights; returns false
    // if the query sees none of its keys. [begin, end) are the keys it sees there.
    static bool Weigh(const AttentionTask& task, const Query& query, size_t first, float* scores,
                      float* max, float* sum) {
        size_t begin = query.begin > first ? query.begin - first : 0;
        size_t end = query.end > first ? query.end - first : 0;
        if (end > kChunkTokens) end = kChunkTokens;
        if (begin >= end) return false;
        size_t from = begin / kPageTokens * kPageTokens;
        size_t to = (end + kPageTokens - 1) / kPageTokens * kPageTokens;
        F scale = S::Set(task.scale);
        for (size_t t = from; t < to; t += kLanes) {
            F score = S::Mul(S::Load(scores + t), scale);
            if (task.softcap != 0) {
                F cap = S::Set(task.softcap);
                score = S::Mul(cap, Tanh<S>(S::Div(score, cap)));
            }
            S::Store(scores + t, score);
        }
        for (size_t t = from; t < begin; ++t) scores[t] = -__builtin_inff();
        for (size_t t = end; t < to; ++t) scores[t] = -__builtin_inff();

        F top = S::Load(scores + from);
        for (size_t t = from + kLanes; t < to; t += kLanes) top = S::Max(S::Load(scores + t), top);
        *max = S::ReduceMax(top);
        F shift = S::Set(*max);
        F total = S::Zero();
        for (size_t t = from; t < to; t += kLanes) {
            F weight = Exp<S>(S::Sub(S::Load(scores + t), shift));
            S::Store(scores + t, weight);
            total = S::Add(total, weight);
        }
        *sum = S::ReduceAdd(total);
        return true;
    }

    // chunk[r][d...] (+)= sum over keys [begin, end) of the chunk of weight * value, for
    // kR queries and kV vectors of dimensions.
    template <int kR, int kV, class From, bool kPartial>
    static void GatherDims(const float* weights, const void* const* pages, size_t begin, size_t end,
                           size_t head_dim, size_t d, float* out, bool add) {
        size_t left = head_dim - d;  // used where kPartial, kV being 1
        F acc[kR][kV];
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) {
            const float* at = out + r * head_dim + d + v * kLanes;
            if (!add)
                acc[r][v] = S::Zero();
            else
                acc[r][v] = kPartial ? S::LoadPartial(at, left) : S::Load(at);
        }
        for (size_t t = begin; t < end;) {
            size_t page = t / kPageTokens;
            size_t page_end = (page + 1) * kPageTokens < end ? (page + 1) * kPageTokens : end;
            const auto* value = static_cast<const typename From::Element*>(pages[page]) +
                                t % kPageTokens * head_dim + d;
            for (; t < page_end; ++t, value += head_dim) {
                F weight[kR];
                LATHE_UNROLL
                for (size_t r = 0; r < kR; ++r) weight[r] = S::Set(weights[r * kChunkTokens + t]);
                LATHE_UNROLL
                for (size_t v = 0; v < kV; ++v) {
                    F x =
                        kPartial ? From::LoadPartial(value, left) : From::Load(value + v * kLanes);
                    LATHE_UNROLL
                    for (size_t r = 0; r < kR; ++r) acc[r][v] = S::MulAdd(x, weight[r], acc[r][v]);
                }
            }
        }
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) {
            float* at = out + r * head_dim + d + v * kLanes;
            if (kPartial)
                S::StorePartial(at, acc[r][v], left);
            else
                S::Store(at, acc[r][v]);
        }
    }

    template <int kR, class From>
    static void Gather(const float* weights, const void* const* pages, size_t begin, size_t end,
                       size_t head_dim, float* out, bool add) {
        constexpr int kV = S::kValueVectors;
        size_t d = 0;
        for (; d + kV * kLanes <= head_dim; d += kV * kLanes)
            GatherDims<kR, kV, From, false>(weights, pages, begin, end, head_dim, d, out, add);
        for (; d + kLanes <= head_dim; d += kLanes)
            GatherDims<kR, 1, From, false>(weights, pages, begin, end, head_dim, d, out, add);
        if (d < head_dim)
            GatherDims<kR, 1, From, true>(weights, pages, begin, end, head_dim, d, out, add);
    }

    // Weighted values of the chunk at `first` for queries [q, q + kR): the keys that all
    // of them see together, those that only some see one query at a time. Per query the
    // keys come in order all the same.
    template <int kR, class From>
    static void GatherRows(const AttentionTask& task, const Tile& tile, size_t q, size_t first,
                           const void* const* pages) {
        size_t head_dim = task.head_dim;
        const float* weights = tile.scores + q * kChunkTokens;
        float* out = tile.chunk + q * head_dim;
        size_t begins[kR], ends[kR];
        size_t common_begin = 0, common_end = kChunkTokens;
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) {
            const Query& query = tile.queries[q + r];
            begins[r] = query.begin > first ? query.begin - first : 0;
            ends[r] = query.end > first ? query.end - first : 0;
            if (ends[r] > kChunkTokens) ends[r] = kChunkTokens;
            if (begins[r] > common_begin) common_begin = begins[r];
            if (ends[r] < common_end) common_end = ends[r];
        }
        if (common_begin >= common_end) {
            LATHE_UNROLL
            for (size_t r = 0; r < kR; ++r)
                if (begins[r] < ends[r])
                    Gather<1, From>(weights + r * kChunkTokens, pages, begins[r], ends[r], head_dim,
                                    out + r * head_dim, false);
            return;
        }
        bool ragged = false;
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) ragged |= begins[r] < common_begin;
        if (ragged) LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r)
            Gather<1, From>(weights + r * kChunkTokens, pages, begins[r], common_begin, head_dim,
                            out + r * head_dim, false);
        Gather<kR, From>(weights, pages, common_begin, common_end, head_dim, out, ragged);
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r)
            if (common_end < ends[r])
                Gather<1, From>(weights + r * kChunkTokens, pages, common_end, ends[r], head_dim,
                                out + r * head_dim, true);
    }

    // Adds a chunk's weighted values to what a query has gathered.
    static void Merge(Query& query, float max, float sum, const float* chunk, float* gathered,
                      size_t head_dim) {
        if (query.sum == 0) {  // its first chunk
            query.max = max;
            query.sum = sum;
            std::memcpy(gathered, chunk, head_dim * sizeof(float));
            return;
        }
        float top = query.max > max ? query.max : max;
        float old_factor = ExpOne(query.max - top);
        float new_factor = ExpOne(max - top);
        query.max = top;
        query.sum = query.sum * old_factor + sum * new_factor;
        F a = S::Set(old_factor), b = S::Set(new_factor);
        size_t d = 0;
        for (; d + kLanes <= head_dim; d += kLanes)
            S::Store(gathered + d,
                     S::MulAdd(S::Load(chunk + d), b, S::Mul(S::Load(gathered + d), a)));
        if (d < head_dim) {
            size_t left = head_dim - d;
            S::StorePartial(gathered + d,
                            S::MulAdd(S::LoadPartial(chunk + d, left), b,
                                      S::Mul(S::LoadPartial(gathered + d, left), a)),
                            left);
        }
    }

    template <class From>
    static void RunChunk(const AttentionTask& task, Tile& tile, size_t chunk) {
        using Element = typename From::Element;
        size_t first = chunk * kChunkTokens;
        size_t first_page = chunk * kChunkPages;
        size_t begin = tile.queries[0].begin;  // the earliest; the last query ends last
        size_t end = tile.queries[tile.count - 1].end;
        if (begin < first) begin = first;
        if (end > first + kChunkTokens) end = first + kChunkTokens;
        WithCount<kTile>(tile.count, [&]<int kR>() __attribute__((always_inline)) {
            for (size_t page = begin / kPageTokens; page * kPageTokens < end; ++page)
                ScorePage<kR, From>(tile, static_cast<const Element*>(task.key_pages[page]),
                                    task.head_dim, tile.scores + (page - first_page) * kPageTokens);
        });
        float maxima[kTile], sums[kTile];
        bool sees[kTile];
        for (size_t q = 0; q < tile.count; ++q)
            sees[q] = Weigh(task, tile.queries[q], first, tile.scores + q * kChunkTokens,
                            &maxima[q], &sums[q]);
        const void* const* pages = task.value_pages + first_page;
        for (size_t q = 0; q < tile.count; q += S::kValueRows) {
            size_t rows = tile.count - q < S::kValueRows ? tile.count - q : S::kValueRows;
            WithCount<S::kValueRows>(rows, [&]<int kR>() __attribute__((always_inline)) {
                GatherRows<kR, From>(task, tile, q, first, pages);
            });
        }
        for (size_t q = 0; q < tile.count; ++q)
            if (sees[q])
                Merge(tile.queries[q], maxima[q], sums[q], tile.chunk + q * task.head_dim,
                      tile.gathered + q * task.head_dim, task.head_dim);
    }

    // Queries [first, first + tile.count) of the task, counted over rows and heads.
    template <class From>
    static void RunTile(const AttentionTask& task, Tile& tile, size_t first) {
        for (size_t q = 0; q < tile.count; ++q) {
            size_t row = (first + q) / task.group;
            size_t offset =
                row * task.query_row_stride + (first + q) % task.group * task.query_head_stride;
            size_t end = task.first_position + row + 1;
            size_t begin = task.window != 0 && end > task.window ? end - task.window : 0;
            tile.queries[q] = {task.out + offset, begin, end, 0, 0};
            for (size_t d = 0; d < task.head_dim; ++d)
                tile.transposed[d * tile.count + q] = task.queries[offset + d];
        }
        for (size_t chunk = tile.queries[0].begin / kChunkTokens;
             chunk * kChunkTokens < tile.queries[tile.count - 1].end; ++chunk)
            RunChunk<From>(task, tile, chunk);
        for (size_t q = 0; q < tile.count; ++q) {
            float factor = 1.0f / tile.queries[q].sum;
            const float* gathered = tile.gathered + q * task.head_dim;
            for (size_t d = 0; d < task.head_dim; ++d)
                tile.queries[q].out[d] = gathered[d] * factor;
        }
    }

    static void Run(const AttentionTask& task) {
        float* scratch =
            reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(task.scratch) + 63) / 64 * 64);
        Tile tile;
        tile.scores = scratch;
        tile.transposed = tile.scores + kTile * kChunkTokens;
        tile.gathered = tile.transposed + kTile * task.head_dim;
        tile.chunk = tile.gathered + kTile * task.head_dim;
        size_t total = task.row_count * task.group;
        for (size_t first = 0; first < total; first += tile.count) {
            tile.count = total - first < kTile ? total - first : kTile;
            if (task.kv_type == KvType::kF32)
                RunTile<FromF32>(task, tile, first);
            else
                RunTile<FromF16>(task, tile, first);
        }
    }

    static void StoreKv(const KvEntry& entry) {
        size_t n = entry.head_dim;
        if (entry.type == KvType::kF32) {
            auto* keys = static_cast<float*>(entry.key_page) + entry.slot;
            for (size_t d = 0; d < n; ++d) keys[d * kPageTokens] = entry.key[d];
            std::memcpy(static_cast<float*>(entry.value_page) + entry.slot * n, entry.value,
                        n * sizeof(float));
            return;
        }
        auto* keys = static_cast<uint16_t*>(entry.key_page) + entry.slot;
        auto* values = static_cast<uint16_t*>(entry.value_page) + entry.slot * n;
        for (size_t d = 0; d < n; d += kLanes) {
            size_t left = n - d < kLanes ? n - d : kLanes;
            uint16_t halves[kLanes];
            S::StoreHalfPartial(halves, S::LoadPartial(entry.key + d, left), left);
            for (size_t i = 0; i < left; ++i) keys[(d + i) * kPageTokens] = halves[i];
            S::StoreHalfPartial(values + d, S::LoadPartial(entry.value + d, left), left);
        }
    }
};

}  // namespace lathe::kernels
