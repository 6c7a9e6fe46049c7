// Softmax attention of a prompt's rows by the bf16 tiles of AMX. Included by amx.cc only.
//
// Keys are taken in chunks of kChunkPages pages by their position; a chunk is converted
// once and all queries of the task (tokens x heads of the group) pass over it in tiles
// of 16, keeping a running maximum and sum (Milakov and Gimelshein 2018; Dao 2022).
//
// Scores decide by differences, and keys may have dimensions far larger than the rest,
// so queries and keys are each a sum of two bf16, high + low; high high + high low +
// low high leaves errors of 2^-16. Weights and values are rounded to bf16 once.
//
// A query's result depends on its own position only: what it does not see has weight 0.
#pragma once

#include "compute/kernels/amx/attention_pages.h"

namespace lathe::kernels {

class AmxAttention {
    using S = Amx;
    using F = S::F;
    using Int8 = KvInt8<S>;
    using Pages = AmxPages;
    static constexpr size_t kTile = Pages::kTile;    // queries, tokens or dimensions
    static constexpr size_t kDepth = Pages::kDepth;  // of one tile product
    static constexpr size_t kTileElements = kTile * kDepth;
    static constexpr size_t kChunkPages = 8;
    static constexpr size_t kChunkTokens = kChunkPages * kPageTokens;
    static_assert(kPageTokens == kDepth);
    static constexpr float kLog2E = 1.44269504f;
    static constexpr float kLowest = -1e30f;  // the score of what is not seen

    // 16 queries: what they see and have gathered.
    struct alignas(64) QueryTile {
        float max[kTile];     // of the scores so far, in powers of two
        float sum[kTile];     // of the weights
        size_t begin[kTile];  // keys [begin, end)
        size_t end[kTile];
        float* out[kTile];
    };

    // Areas of the task's scratch.
    struct Areas {
        uint16_t* keys_high;  // [page][token / 16][dim / 32][tile]
        uint16_t* keys_low;
        uint16_t* values;        // [page][dim / 16][tile]
        uint16_t* queries_high;  // [query / 16][dim / 32][tile]
        uint16_t* queries_low;
        uint16_t* weights;  // [page][tile]
        float* scores;      // [16][kChunkTokens]
        float* product;     // [16][head_dim]
        float* gathered;    // [query][head_dim]
        QueryTile* tiles;   // [query / 16]
    };

    static size_t QueryTiles(const AttentionTask& task) {
        return (task.row_count * task.group + kTile - 1) / kTile;
    }

    // Returns the bytes taken from `begin` on.
    static size_t Layout(const AttentionTask& task, uintptr_t begin, Areas* areas) {
        uintptr_t at = begin;
        auto take = [&]<class T>(T*& area, size_t count) {
            area = reinterpret_cast<T*>(at);
            at += (count * sizeof(T) + 63) / 64 * 64;
        };
        size_t page = kPageTokens * task.head_dim;
        size_t queries = QueryTiles(task) * kTile;
        take(areas->keys_high, kChunkPages * page);
        take(areas->keys_low, kChunkPages * page);
        take(areas->values, kChunkPages * page);
        take(areas->queries_high, queries * task.head_dim);
        take(areas->queries_low, queries * task.head_dim);
        take(areas->weights, kChunkPages * kTileElements);
        take(areas->scores, kTile * kChunkTokens);
        take(areas->product, kTile * task.head_dim);
        take(areas->gathered, queries * task.head_dim);
        take(areas->tiles, queries / kTile);
        return at - begin;
    }

    // Pages [first, last) of the chunk that begins at page `chunk`, up to token `end`.
    static void ConvertPages(const AttentionTask& task, size_t chunk, size_t first, size_t last,
                             size_t end, const Areas& areas) {
        size_t elements = kPageTokens * task.head_dim;
        for (size_t p = first; p < last; ++p) {
            uint16_t* high = areas.keys_high + (p - chunk) * elements;
            uint16_t* low = areas.keys_low + (p - chunk) * elements;
            uint16_t* values = areas.values + (p - chunk) * elements;
            const void* keys = task.key_pages[p];
            const void* value_page = task.value_pages[p];
            size_t tokens = end - p * kPageTokens;
            if (task.kv_type == KvType::kI8) {
                Pages::ConvertKeys(Pages::Int8Keys(keys, task.head_dim), task.head_dim, high, low);
                Pages::ConvertValues(Pages::Int8Values(value_page, task.head_dim), task.head_dim,
                                     tokens, values);
            } else {
                Pages::ConvertKeys(Pages::HalfPage{static_cast<const uint16_t*>(keys), kPageTokens},
                                   task.head_dim, high, low);
                Pages::ConvertValues(
                    Pages::HalfPage{static_cast<const uint16_t*>(value_page), task.head_dim},
                    task.head_dim, tokens, values);
            }
        }
    }

    // Queries are multiplied by what makes scores powers of two, or by what the soft cap
    // takes them in.
    LATHE_INLINE float QueryScale(const AttentionTask& task) {
        return task.softcap != 0 ? task.scale / task.softcap : task.scale * kLog2E;
    }

    static void PrepareQuery(const AttentionTask& task, size_t q, const Areas& areas) {
        QueryTile& tile = areas.tiles[q / kTile];
        size_t row = q / task.group;
        size_t offset = row * task.query_row_stride + q % task.group * task.query_head_stride;
        size_t end = task.first_position + row + 1;
        tile.max[q % kTile] = kLowest;
        tile.sum[q % kTile] = 0;
        tile.begin[q % kTile] = task.window != 0 && end > task.window ? end - task.window : 0;
        tile.end[q % kTile] = end;
        tile.out[q % kTile] = task.out + offset;
        const float* query = task.queries + offset;
        float rotated[kHeadDimMax];
        if (task.kv_type == KvType::kI8) {
            std::memcpy(rotated, query, task.head_dim * sizeof(float));
            Int8::Rotate(rotated, task.head_dim);
            query = rotated;
        }
        F scale = S::Set(QueryScale(task));
        size_t at = q / kTile * kTile * task.head_dim + q % kTile * kDepth;
        for (size_t d = 0; d < task.head_dim; d += kDepth, at += kTileElements) {
            F a = S::Mul(S::Load(query + d), scale), b = S::Mul(S::Load(query + d + 16), scale);
            __m512i high = ToBf16(b, a);
            _mm512_store_si512(areas.queries_high + at, high);
            _mm512_store_si512(areas.queries_low + at,
                               ToBf16(S::Sub(b, Upper(high)), S::Sub(a, Lower(high))));
        }
    }
    LATHE_INLINE F Lower(__m512i bf16) {
        return _mm512_castsi512_ps(
            _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(bf16)), 16));
    }
    LATHE_INLINE F Upper(__m512i bf16) {
        return Lower(_mm512_castsi256_si512(_mm512_extracti64x4_epi64(bf16, 1)));
    }

    // The rest of the last tile repeats the last query, and is not stored.
    static void PrepareQueries(const AttentionTask& task, const Areas& areas) {
        size_t total = task.row_count * task.group;
        for (size_t q = 0; q < total; ++q) PrepareQuery(task, q, areas);
        QueryTile& tile = areas.tiles[(total - 1) / kTile];
        size_t last = (total - 1) % kTile;
        for (size_t q = last + 1; q < kTile; ++q) {
            tile.max[q] = kLowest;
            tile.sum[q] = 0;
            tile.begin[q] = tile.begin[last];
            tile.end[q] = tile.end[last];
            tile.out[q] = nullptr;
            for (uint16_t* part : {areas.queries_high, areas.queries_low}) {
                uint16_t* rows = part + (total - 1) / kTile * kTile * task.head_dim;
                for (size_t d = 0; d < task.head_dim; d += kDepth, rows += kTileElements)
                    std::memcpy(rows + q * kDepth, rows + last * kDepth, 2 * kDepth);
            }
        }
    }

    // Scores of a tile of queries for the 32 keys of one page, or of two.
    template <int kPages>
    LATHE_INLINE void ScorePages(const uint16_t* query_high, const uint16_t* query_low,
                                 const uint16_t* keys_high, const uint16_t* keys_low,
                                 size_t head_dim, float* scores) {
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (kPages > 1) {
            _tile_zero(2);
            _tile_zero(3);
        }
        size_t half = kTile * head_dim;  // elements of 16 keys
        for (size_t at = 0; at < half; at += kTileElements) {
            _tile_loadd(4, query_high + at, 64);
            _tile_loadd(5, query_low + at, 64);
            auto add = [&]<int kT>() __attribute__((always_inline)) {
                _tile_loadd(6, keys_high + kT * half + at, 64);
                _tile_dpbf16ps(kT, 4, 6);
                _tile_dpbf16ps(kT, 5, 6);
                _tile_loadd(7, keys_low + kT * half + at, 64);
                _tile_dpbf16ps(kT, 4, 7);
            };
            add.template operator()<0>();
            add.template operator()<1>();
            if constexpr (kPages > 1) {
                add.template operator()<2>();
                add.template operator()<3>();
            }
        }
        constexpr size_t kStride = kChunkTokens * sizeof(float);
        _tile_stored(0, scores, kStride);
        _tile_stored(1, scores + kTile, kStride);
        if constexpr (kPages > 1) {
            _tile_stored(2, scores + 2 * kTile, kStride);
            _tile_stored(3, scores + 3 * kTile, kStride);
        }
    }

    // Vector i of 16 reduced to lane i, every one in the same order.
    template <class Op>
    LATHE_INLINE F ReduceEach(const F* v, Op op) {
        F pairs[8], fours[4];
        LATHE_UNROLL
        for (int i = 0; i < 8; ++i)
            pairs[i] = op(_mm512_unpacklo_ps(v[2 * i], v[2 * i + 1]),
                          _mm512_unpackhi_ps(v[2 * i], v[2 * i + 1]));
        LATHE_UNROLL
        for (int i = 0; i < 4; ++i) {
            __m512d a = _mm512_castps_pd(pairs[2 * i]), b = _mm512_castps_pd(pairs[2 * i + 1]);
            fours[i] = op(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                          _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
        }
        auto join = [&](F a, F b) __attribute__((always_inline)) {
            return op(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
        };
        return join(join(fours[0], fours[1]), join(fours[2], fours[3]));
    }

    // 2^x within 8e-5 for x <= 0, finer than what bf16 keeps; 0 below -126, where a result
    // that is not normal would cost a hundred times the rest. NaN stays.
    LATHE_INLINE F PowerOfTwo(F x) {
        constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
        F r = _mm512_reduce_ps(x, kDown);  // x - floor(x)
        F p = S::Set(7.80245226e-2f);
        p = S::MulAdd(p, r, S::Set(2.26067155e-1f));
        p = S::MulAdd(p, r, S::Set(6.9583354e-1f));
        p = S::MulAdd(p, r, S::Set(9.99925219e-1f));
        return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, S::Set(-126.0f), _CMP_NLT_UQ), p, x);
    }

    // Lanes of [at, at + 16) that lie in [begin, end).
    LATHE_INLINE __mmask16 Between(size_t begin, size_t end, size_t at) {
        auto below = [&](size_t limit) -> uint32_t {
            if (limit <= at) return 0;
            return limit - at >= 16 ? 0xFFFFu : (1u << (limit - at)) - 1;
        };
        return static_cast<__mmask16>(below(end) & ~below(begin));
    }

    static void CapScores(float softcap, size_t begin, size_t end, float* scores) {
        F cap = S::Set(softcap * kLog2E);
        for (size_t t = begin; t < end; t += S::kLanes)
            S::Store(scores + t, S::Mul(cap, Tanh<S>(S::Load(scores + t))));
    }

    // Tokens of a chunk: [begin, end) are looked at, [all_begin, all_end) are seen by every
    // query of the tile; all multiples of the lanes.
    struct Span {
        size_t begin, all_begin, all_end, end;
    };

    static Span SpanOf(const QueryTile& tile, size_t first, size_t from, size_t to) {
        Span span{from * kPageTokens, 0, 0, to * kPageTokens};
        auto inside = [&](size_t at) {
            at = at > first ? at - first : 0;
            return at < span.begin ? span.begin : at > span.end ? span.end : at;
        };
        span.all_begin = (inside(tile.begin[kTile - 1]) + S::kLanes - 1) / S::kLanes * S::kLanes;
        span.all_end = inside(tile.end[0]) / S::kLanes * S::kLanes;
        if (span.all_end < span.all_begin) span.all_end = span.all_begin;
        return span;
    }

    // Hides what query `q` does not see; returns the largest score by lanes.
    LATHE_INLINE F MaskScores(const QueryTile& tile, size_t q, size_t first, const Span& span,
                              float* scores) {
        size_t begin = tile.begin[q] > first ? tile.begin[q] - first : 0;
        size_t end = tile.end[q] > first ? tile.end[q] - first : 0;
        F lowest = S::Set(kLowest);
        F top = lowest;
        auto mask = [&](size_t t) __attribute__((always_inline)) {
            F score = _mm512_mask_mov_ps(lowest, Between(begin, end, t), S::Load(scores + t));
            S::Store(scores + t, score);
            top = S::Max(score, top);
        };
        for (size_t t = span.begin; t < span.all_begin; t += S::kLanes) mask(t);
        for (size_t t = span.all_begin; t < span.all_end; t += S::kLanes)
            top = S::Max(S::Load(scores + t), top);
        for (size_t t = span.all_end; t < span.end; t += S::kLanes) mask(t);
        return top;
    }

    // Turns the scores of pages [from, to) into weights, in bf16, and counts them in;
    // `factors` are what earlier sums are to be multiplied by. A query that has seen
    // nothing yet gets weights of no meaning, which a later factor of 0 removes.
    static void Weigh(const AttentionTask& task, QueryTile& tile, size_t first, size_t from,
                      size_t to, const Areas& areas, float* factors) {
        F rows[kTile];
        Span span = SpanOf(tile, first, from, to);
        for (size_t q = 0; q < kTile; ++q) {
            float* scores = areas.scores + q * kChunkTokens;
            if (task.softcap != 0) CapScores(task.softcap, span.begin, span.end, scores);
            rows[q] = MaskScores(tile, q, first, span, scores);
        }
        F old = _mm512_load_ps(tile.max);
        F max = S::Max(ReduceEach(rows, [](F a, F b) { return S::Max(a, b); }), old);
        // Exactly 1 where nothing greater came: what a query gathered must not depend on how far
        // the others of its tile see.
        F factor = _mm512_mask_mov_ps(PowerOfTwo(S::Sub(old, max)),
                                      _mm512_cmp_ps_mask(old, max, _CMP_EQ_OQ), S::Set(1.0f));
        _mm512_store_ps(tile.max, max);
        _mm512_store_ps(factors, factor);
        for (size_t q = 0; q < kTile; ++q) {
            const float* scores = areas.scores + q * kChunkTokens;
            uint16_t* out = areas.weights + from * kTileElements + q * kDepth;
            F shift = S::Set(tile.max[q]);
            F total = S::Zero();
            for (size_t p = from; p < to; ++p, out += kTileElements) {
                const float* at = scores + p * kPageTokens;
                F a = PowerOfTwo(S::Sub(S::Load(at), shift));
                F b = PowerOfTwo(S::Sub(S::Load(at + S::kLanes), shift));
                total = S::Add(total, S::Add(a, b));
                _mm512_store_si512(out, ToBf16(b, a));
            }
            rows[q] = total;
        }
        F sums = ReduceEach(rows, [](F a, F b) { return S::Add(a, b); });
        _mm512_store_ps(tile.sum, S::MulAdd(_mm512_load_ps(tile.sum), factor, sums));
    }

    // product [16][head_dim] = weights * values of pages [from, to), kD tiles of
    // dimensions from `d` on.
    template <int kD>
    LATHE_INLINE void MultiplyValues(const Areas& areas, size_t head_dim, size_t d, size_t from,
                                     size_t to) {
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (kD > 2) {
            _tile_zero(2);
            _tile_zero(3);
        }
        for (size_t p = from; p < to; ++p) {
            const uint16_t* values = areas.values + (p * head_dim + d) * kPageTokens;
            _tile_loadd(4, areas.weights + p * kTileElements, 64);
            _tile_loadd(5, values, 64);
            _tile_dpbf16ps(0, 4, 5);
            _tile_loadd(6, values + kTileElements, 64);
            _tile_dpbf16ps(1, 4, 6);
            if constexpr (kD > 2) {
                _tile_loadd(7, values + 2 * kTileElements, 64);
                _tile_dpbf16ps(2, 4, 7);
                _tile_loadd(5, values + 3 * kTileElements, 64);
                _tile_dpbf16ps(3, 4, 5);
            }
        }
        size_t stride = head_dim * sizeof(float);
        _tile_stored(0, areas.product + d, stride);
        _tile_stored(1, areas.product + d + kTile, stride);
        if constexpr (kD > 2) {
            _tile_stored(2, areas.product + d + 2 * kTile, stride);
            _tile_stored(3, areas.product + d + 3 * kTile, stride);
        }
    }

    // gathered = gathered * factor + weights * values of pages [from, to).
    static void Gather(const Areas& areas, size_t head_dim, size_t from, size_t to,
                       const float* factors, float* gathered) {
        size_t d = 0;
        for (; d + 4 * kTile <= head_dim; d += 4 * kTile)
            MultiplyValues<4>(areas, head_dim, d, from, to);
        if (d < head_dim) MultiplyValues<2>(areas, head_dim, d, from, to);
        for (size_t q = 0; q < kTile; ++q) {
            F factor = S::Set(factors[q]);
            float* row = gathered + q * head_dim;
            const float* product = areas.product + q * head_dim;
            for (d = 0; d < head_dim; d += S::kLanes)
                S::Store(row + d, S::MulAdd(S::Load(row + d), factor, S::Load(product + d)));
        }
    }

    // One tile of queries over the chunk whose first page is `chunk`.
    static void RunTile(const AttentionTask& task, const Areas& areas, size_t number,
                        size_t chunk) {
        QueryTile& tile = areas.tiles[number];
        size_t first = chunk * kPageTokens;
        size_t begin = tile.begin[0] > first ? tile.begin[0] - first : 0;            // the earliest
        size_t end = tile.end[kTile - 1] > first ? tile.end[kTile - 1] - first : 0;  // the latest
        if (end > kChunkTokens) end = kChunkTokens;
        if (begin >= end) return;
        size_t from = begin / kPageTokens, to = (end + kPageTokens - 1) / kPageTokens;
        size_t page = kPageTokens * task.head_dim;
        size_t at = number * kTile * task.head_dim;
        auto score = [&]<int kPages>(size_t p) __attribute__((always_inline)) {
            ScorePages<kPages>(areas.queries_high + at, areas.queries_low + at,
                               areas.keys_high + p * page, areas.keys_low + p * page, task.head_dim,
                               areas.scores + p * kPageTokens);
        };
        size_t p = from;
        for (; p + 2 <= to; p += 2) score.template operator()<2>(p);
        if (p < to) score.template operator()<1>(p);
        alignas(64) float factors[kTile];
        Weigh(task, tile, first, from, to, areas, factors);
        Gather(areas, task.head_dim, from, to, factors, areas.gathered + at);
    }

public:
    static bool Handles(const AttentionTask& task) {
        return task.head_dim % kDepth == 0 && task.kv_type != KvType::kF32;
    }

    static size_t ScratchFloats(const AttentionTask& task) {
        Areas areas;
        return (Layout(task, 0, &areas) + 64) / sizeof(float);
    }

    static void Run(const AttentionTask& task) {
        if (!Handles(task)) return Attention<S>::Run(task);
        Areas areas;
        Layout(task, reinterpret_cast<uintptr_t>(AlignedScratch(task.scratch)), &areas);
        TileConfig::LoadFull();
        PrepareQueries(task, areas);
        size_t queries = QueryTiles(task) * kTile;
        for (size_t i = 0; i < queries * task.head_dim; i += S::kLanes)
            S::Store(areas.gathered + i, S::Zero());
        size_t total = task.row_count * task.group;
        size_t begin = areas.tiles[0].begin[0];
        size_t end = areas.tiles[(total - 1) / kTile].end[kTile - 1];
        for (size_t chunk = begin / kChunkTokens * kChunkPages; chunk * kPageTokens < end;
             chunk += kChunkPages) {
            size_t first = begin / kPageTokens > chunk ? begin / kPageTokens : chunk;
            size_t last = (end + kPageTokens - 1) / kPageTokens;
            if (last > chunk + kChunkPages) last = chunk + kChunkPages;
            ConvertPages(task, chunk, first, last, end, areas);
            for (size_t tile = 0; tile < queries / kTile; ++tile) RunTile(task, areas, tile, chunk);
        }
        _tile_release();
        for (size_t q = 0; q < total; ++q) {
            const QueryTile& tile = areas.tiles[q / kTile];
            F factor = S::Set(1.0f / tile.sum[q % kTile]);
            const float* from = areas.gathered + q * task.head_dim;
            for (size_t d = 0; d < task.head_dim; d += S::kLanes)
                S::Store(tile.out[q % kTile] + d, S::Mul(S::Load(from + d), factor));
        }
    }
};

}  // namespace lathe::kernels
