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
#include "compute/kernels/algorithm/kv_int8.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct Attention {
    using F = typename S::F;
    using Int8 = KvInt8<S>;
    static constexpr size_t kLanes = S::kLanes;
    static constexpr size_t kChunkPages = 16;
    static constexpr size_t kChunkTokens = kChunkPages * kPageTokens;
    static constexpr size_t kTile = S::kScoreRows;

    struct FromF32 {
        using Element = float;
        static constexpr bool kScaled = false;
        LATHE_INLINE F Load(const float* p) { return S::Load(p); }
        LATHE_INLINE F LoadPartial(const float* p, size_t n) { return S::LoadPartial(p, n); }
    };
    struct FromF16 {
        using Element = uint16_t;
        static constexpr bool kScaled = false;
        LATHE_INLINE F Load(const uint16_t* p) { return S::LoadHalf(p); }
        LATHE_INLINE F LoadPartial(const uint16_t* p, size_t n) { return S::LoadHalfPartial(p, n); }
    };
    // Codes, whose scales multiply the scores of keys and the weights of values.
    struct FromI8 {
        using Element = uint8_t;
        static constexpr bool kScaled = true;
        LATHE_INLINE F Load(const uint8_t* p) { return S::LoadI8(p); }
        LATHE_INLINE F LoadPartial(const uint8_t* p, size_t n) {
            uint8_t padded[kLanes] = {};
            for (size_t i = 0; i < kLanes; ++i)
                if (i < n) padded[i] = p[i];
            return S::LoadI8(padded);
        }
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

    // What a decoding step reads soon, page by page: each comes from memory once.
    struct Ahead {
        const std::byte* keys;    // of the next page
        const std::byte* values;  // of this one
        LATHE_INLINE void Prefetch(const Ahead& ahead, size_t offset) {
            constexpr int kSecondLevel = 2;
            __builtin_prefetch(ahead.keys + offset, 0, kSecondLevel);
            __builtin_prefetch(ahead.values + offset, 0, kSecondLevel);
        }
    };

    // Scores of a page: kR queries times 32 keys.
    template <int kR, class From>
    static void ScorePage(const Tile& tile, const typename From::Element* keys, size_t head_dim,
                          const Ahead& ahead, float* scores) {
        constexpr size_t kV = S::kScoreVectors;
        if constexpr (!From::kScaled) {
            for (size_t token = 0; token < kPageTokens; token += kV * kLanes)
                ScoreDims<kR, From>(tile.transposed, keys + token, head_dim, ahead, scores + token,
                                    [](F dots, size_t, size_t) { return dots; });
            return;
        }
        float of_reference[kTile];
        ScoreReference<kR>(tile.transposed, Int8::Reference(keys, head_dim), head_dim,
                           of_reference);
        const uint16_t* magnitudes = Int8::Magnitudes(keys, head_dim);
        F step = S::Set(Int8::kStepOfMagnitude);
        for (size_t token = 0; token < kPageTokens; token += kV * kLanes)
            ScoreDims<kR, From>(tile.transposed, keys + token, head_dim, ahead, scores + token,
                                [&](F dots, size_t r, size_t v) __attribute__((always_inline)) {
                                    F scale =
                                        S::Mul(S::LoadHalf(magnitudes + token + v * kLanes), step);
                                    return S::MulAdd(dots, scale, S::Set(of_reference[r]));
                                });
    }

    // Products of kR queries with the first key of an int8 page, queries as lanes.
    template <int kR>
    LATHE_INLINE void ScoreReference(const float* query, const uint16_t* reference, size_t head_dim,
                                     float* out) {
        constexpr size_t kV = (kR + kLanes - 1) / kLanes;
        F acc[kV];
        LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) acc[v] = S::Zero();
        for (size_t d = 0; d < head_dim; d += kLanes) {
            size_t count = head_dim - d < kLanes ? head_dim - d : kLanes;
            float key[kLanes];
            S::Store(key, S::LoadHalfPartial(reference + d, count));
            for (size_t i = 0; i < count; ++i, query += kR) LATHE_UNROLL
            for (size_t v = 0; v < kV; ++v) {
                F q = S::LoadPartial(query + v * kLanes, kR - v * kLanes);
                acc[v] = S::MulAdd(q, S::Set(key[i]), acc[v]);
            }
        }
        LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) S::StorePartial(out + v * kLanes, acc[v], kR - v * kLanes);
    }

    // Of kScoreVectors vectors of keys over some dimensions; `finish(dots, query,
    // vector)` gives what is stored.
    template <int kR, class From, class Finish>
    LATHE_INLINE void ScoreDims(const float* query, const typename From::Element* key, size_t dims,
                                const Ahead& ahead, float* scores, Finish finish) {
        constexpr size_t kV = S::kScoreVectors;
        F acc[kR][kV];
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) acc[r][v] = S::Zero();
        for (size_t d = 0; d < dims; ++d, key += kPageTokens, query += kR) {
            Ahead::Prefetch(ahead, d * kPageTokens * sizeof(typename From::Element));
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
        for (size_t v = 0; v < kV; ++v) {
            S::Store(scores + r * kChunkTokens + v * kLanes, finish(acc[r][v], r, v));
        }
    }

    // Multiplies the weights of one query by the scales of the values in a chunk's pages.
    static void ScaleWeights(const AttentionTask& task, const Query& query, size_t first,
                             const void* const* pages, float* weights) {
        size_t begin = query.begin > first ? query.begin - first : 0;
        size_t end = query.end - first < kChunkTokens ? query.end - first : kChunkTokens;
        F step = S::Set(Int8::kStepOfMagnitude);
        for (size_t page = begin / kPageTokens; page * kPageTokens < end; ++page) {
            const uint16_t* magnitudes = Int8::Magnitudes(pages[page], task.head_dim);
            float* of_page = weights + page * kPageTokens;
            for (size_t t = 0; t < kPageTokens; t += kLanes) {
                F scale = S::Mul(S::LoadHalf(magnitudes + t), step);
                S::Store(of_page + t, S::Mul(S::Load(of_page + t), scale));
            }
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
            for (size_t page = begin / kPageTokens; page * kPageTokens < end; ++page) {
                size_t next = (page + 1) * kPageTokens < end ? page + 1 : page;
                Ahead ahead{static_cast<const std::byte*>(task.key_pages[next]),
                            static_cast<const std::byte*>(task.value_pages[page])};
                ScorePage<kR, From>(tile, static_cast<const Element*>(task.key_pages[page]),
                                    task.head_dim, ahead,
                                    tile.scores + (page - first_page) * kPageTokens);
            }
        });
        float maxima[kTile], sums[kTile];
        bool sees[kTile];
        for (size_t q = 0; q < tile.count; ++q)
            sees[q] = Weigh(task, tile.queries[q], first, tile.scores + q * kChunkTokens,
                            &maxima[q], &sums[q]);
        const void* const* pages = task.value_pages + first_page;
        if constexpr (From::kScaled)
            for (size_t q = 0; q < tile.count; ++q)
                if (sees[q])
                    ScaleWeights(task, tile.queries[q], first, pages,
                                 tile.scores + q * kChunkTokens);
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
            const float* query = task.queries + offset;
            float rotated[From::kScaled ? kHeadDimMax + kLanes : 1];
            if constexpr (From::kScaled) {
                std::memcpy(rotated, query, task.head_dim * sizeof(float));
                Int8::Rotate(rotated, task.head_dim);
                query = rotated;
            }
            for (size_t d = 0; d < task.head_dim; ++d)
                tile.transposed[d * tile.count + q] = query[d];
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
        auto* scratch = reinterpret_cast<float*>(AlignedScratch(task.scratch));
        Tile tile;
        tile.scores = scratch;
        tile.transposed = tile.scores + kTile * kChunkTokens;
        tile.gathered = tile.transposed + kTile * task.head_dim;
        tile.chunk = tile.gathered + kTile * task.head_dim;
        size_t total = task.row_count * task.group;
        for (size_t first = 0; first < total; first += tile.count) {
            tile.count = total - first < kTile ? total - first : kTile;
            switch (task.kv_type) {
                case KvType::kF32:
                    RunTile<FromF32>(task, tile, first);
                    break;
                case KvType::kF16:
                    RunTile<FromF16>(task, tile, first);
                    break;
                case KvType::kI8:
                    RunTile<FromI8>(task, tile, first);
                    break;
            }
        }
    }
};

}  // namespace lathe::kernels
