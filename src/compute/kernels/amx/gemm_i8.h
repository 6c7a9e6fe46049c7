// int8 products of many rows by the tile instructions of AMX. Included by amx.cc only.
#pragma once

#include "compute/kernels/amx/tiles.h"

namespace lathe::kernels {

// gemm_i8 by tiles of 16 rows x 16 outputs. A block's dots come out of one matrix
// instruction; what follows is what GemmI8 does, operation by operation, so that the
// bits are the same whichever of the two computes a row.
//
// Panels are expanded to signed bytes a group at a time, as much as the second-level
// cache holds beside the activations, and all rows pass over the group.
class AmxGemmI8 {
    using S = Amx;
    using F = S::F;
    static constexpr size_t kTile = 16;
    static_assert(PackedMatrix::kPanelRows == kTile);
    // Fewer rows than these, in all or in the last tile, are quicker by the dot
    // instructions of AVX-512: panels must be expanded for tiles first.
    static constexpr size_t kRowsMin = 64;
    static constexpr size_t kLastTileMin = 10;
    static constexpr size_t kGroupBytes = 256 << 10;
    static constexpr size_t kGroupPanelsMax = 64;

    // A block of a panel, expanded.
    template <class Format>
    struct alignas(64) WeightBlock {
        int8_t codes[kGroups][4 * kTile];  // [group of 4 columns][row][column], less the zero
        float steps[Format::kHalves][kTile];
        float offsets[Format::kOffset ? Format::kHalves : 0][kTile];
    };

    // A block of up to 16 rows of activations.
    template <class Format>
    struct alignas(64) RowBlock {
        int8_t codes[kTile][PackedMatrix::kBlock];
        float scales[kTile];
        float sums[Format::kOffset ? Format::kHalves : 0][kTile];  // of the codes, scaled
    };

    struct alignas(64) Dots {
        int32_t values[kTile][kTile];  // [row][output]
    };

    // The tile registers: 0 and 1 dots, 2 and 3 activations, 4 and 5 weights.
    static void Configure(size_t rows, size_t groups) {
        TileConfig config;
        for (int tile = 0; tile < 6; ++tile) config.Set(tile, rows, 64);
        for (int tile : {2, 3}) config.Set(tile, rows, 4 * groups);
        for (int tile : {4, 5}) config.Set(tile, groups, 64);
        config.Load();
    }

    template <class Format>
    static void ExpandPanel(const PackedMatrix& w, size_t panel, WeightBlock<Format>* out) {
        const auto* planes = reinterpret_cast<const uint8_t*>(w.panel_codes(panel));
        const std::byte* scales = w.panel_scales(panel);
        const __m512i zero = _mm512_set1_epi8(static_cast<char>(Format::kZero));
        for (size_t b = 0; b < w.cols() / PackedMatrix::kBlock; ++b, ++out) {
            const uint8_t* block = planes + b * Format::kBits * kPlaneBytes;
            Unrolled<kGroups>([&]<int kGroup>() __attribute__((always_inline)) {
                __m512i codes = LoadCodes<S, Format::kBits, kGroup>(block, 0);
                _mm512_store_si512(out->codes[kGroup], _mm512_sub_epi8(codes, zero));
            });
            Unrolled<Format::kHalves>([&]<int kHalf>() __attribute__((always_inline)) {
                auto scale = LoadScale<S, Format::kScales>(scales, b, kHalf, 0);
                _mm512_store_ps(out->steps[kHalf], scale.step);
                if constexpr (Format::kOffset) _mm512_store_ps(out->offsets[kHalf], scale.offset);
            });
        }
    }

    template <class Format>
    static void FillRows(const QuantizedRows& x, size_t first, size_t rows, size_t blocks,
                         RowBlock<Format>* out) {
        for (size_t r = 0; r < rows; ++r) {
            size_t row = first + r;
            const int8_t* codes = x.codes + row * x.codes_stride;
            const float* scales = x.scales + row * x.blocks_stride;
            const int16_t* sums = x.sums + row * 2 * x.blocks_stride;
            for (size_t b = 0; b < blocks; ++b) {
                std::memcpy(out[b].codes[r], codes + 32 * b, 32);
                out[b].scales[r] = scales[b];
                if constexpr (Format::kOffset) {
                    int32_t parts[2] = {sums[2 * b], sums[2 * b + 1]};
                    if constexpr (Format::kHalves == 1) parts[0] += parts[1];
                    for (int h = 0; h < Format::kHalves; ++h)
                        out[b].sums[h][r] = scales[b] * static_cast<float>(parts[h]);
                }
            }
        }
        for (size_t b = 0; b < blocks && rows < kTile; ++b) {  // computed, never stored
            std::memset(out[b].scales + rows, 0, (kTile - rows) * sizeof(float));
            for (auto& sums : out[b].sums)
                std::memset(sums + rows, 0, (kTile - rows) * sizeof(float));
        }
    }

    // The dots of part `part` of the blocks: block part / kHalves, half part % kHalves.
    // Two sets of tile registers, so that one part's dots are multiplied while those of
    // the part before are scaled.
    template <class Format, int kSet>
    LATHE_INLINE void Multiply(const RowBlock<Format>* x, const WeightBlock<Format>* w, size_t part,
                               Dots& dots) {
        constexpr size_t kHalfGroups = kGroups / Format::kHalves;
        size_t block = part / Format::kHalves, half = part % Format::kHalves;
        _tile_loadd(2 + kSet, x[block].codes[0] + half * 4 * kHalfGroups, PackedMatrix::kBlock);
        _tile_loadd(4 + kSet, w[block].codes[half * kHalfGroups], 4 * kTile);
        _tile_zero(kSet);
        _tile_dpbssd(kSet, 2 + kSet, 4 + kSet);
        _tile_stored(kSet, dots.values, sizeof dots.values[0]);
    }

    template <class Format>
    LATHE_INLINE void Scale(const RowBlock<Format>& x, const WeightBlock<Format>& w, size_t half,
                            const Dots& dots, F* acc) {
        F step = _mm512_load_ps(w.steps[half]);
        LATHE_UNROLL
        for (size_t r = 0; r < kTile; ++r) {
            F value = _mm512_cvtepi32_ps(_mm512_load_si512(dots.values[r]));
            acc[r] = S::MulAdd(value, S::Mul(step, S::Set(x.scales[r])), acc[r]);
        }
        if constexpr (Format::kOffset) {
            F offset = _mm512_load_ps(w.offsets[half]);
            LATHE_UNROLL
            for (size_t r = 0; r < kTile; ++r)
                acc[r] = S::MulAdd(offset, S::Set(x.sums[half][r]), acc[r]);
        }
    }

    template <class Format>
    static void Tile(const RowBlock<Format>* x, const WeightBlock<Format>* w, size_t blocks,
                     float* y, size_t y_stride, size_t rows, size_t outputs) {
        constexpr size_t kHalves = Format::kHalves;
        Dots dots[2];
        F acc[kTile];
        LATHE_UNROLL
        for (size_t r = 0; r < kTile; ++r) acc[r] = S::Zero();
        size_t parts = blocks * kHalves;
        auto scale = [&](size_t part) __attribute__((always_inline)) {
            size_t block = part / kHalves;
            Scale(x[block], w[block], part % kHalves, dots[part % 2], acc);
        };
        Multiply<Format, 0>(x, w, 0, dots[0]);
        size_t part = 0;
        for (; part + 2 < parts; part += 2) {
            Multiply<Format, 1>(x, w, part + 1, dots[1]);
            scale(part);
            Multiply<Format, 0>(x, w, part + 2, dots[0]);
            scale(part + 1);
        }
        if (part + 1 < parts) Multiply<Format, 1>(x, w, part + 1, dots[1]);
        scale(part);
        if (part + 1 < parts) scale(part + 1);

        __mmask16 mask = S::First(outputs < kTile ? outputs : kTile);
        LATHE_UNROLL
        for (size_t r = 0; r < kTile; ++r)
            if (r < rows) _mm512_mask_storeu_ps(y + r * y_stride, mask, acc[r]);
    }

    template <class Format>
    static void RunFormat(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x,
                          const MutableRows& y, std::byte* scratch) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        auto* rows_x = reinterpret_cast<RowBlock<Format>*>(scratch);
        auto* weights = reinterpret_cast<WeightBlock<Format>*>(rows_x + blocks);
        size_t group = GroupPanels(blocks * sizeof(WeightBlock<Format>));
        constexpr size_t kHalfGroups = kGroups / Format::kHalves;
        for (size_t first = panels.begin; first < panels.end; first += group) {
            size_t end = panels.end - first < group ? panels.end : first + group;
            for (size_t p = first; p < end; ++p)
                ExpandPanel<Format>(w, p, weights + (p - first) * blocks);
            Configure(kTile, kHalfGroups);
            for (size_t row = 0; row < x.count; row += kTile) {
                size_t rows = x.count - row < kTile ? x.count - row : kTile;
                if (rows < kTile) Configure(rows, kHalfGroups);
                FillRows<Format>(x, row, rows, blocks, rows_x);
                for (size_t p = first; p < end; ++p)
                    Tile<Format>(rows_x, weights + (p - first) * blocks, blocks,
                                 y.data + row * y.stride + p * kTile, y.stride, rows,
                                 w.rows() - p * kTile);
            }
        }
        _tile_release();
    }

    static size_t GroupPanels(size_t panel_bytes) {
        size_t panels = kGroupBytes / panel_bytes;
        return panels < 1 ? 1 : panels > kGroupPanelsMax ? kGroupPanelsMax : panels;
    }

    // Of the format with the largest blocks.
    using Largest = FormatTag<2, Scales::kSuperOffset16>;

public:
    static size_t ScratchBytes(const PackedMatrix& w) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        size_t panel_bytes = blocks * sizeof(WeightBlock<Largest>);
        return 64 + blocks * sizeof(RowBlock<Largest>) +
               (panel_bytes > kGroupBytes ? panel_bytes : kGroupBytes);
    }

    static void Run(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x, MutableRows y,
                    float* scratch) {
        QuantizedRows tiled = x;
        if (x.count % kTile < kLastTileMin) tiled.count -= x.count % kTile;
        if (tiled.count < kRowsMin) tiled.count = 0;
        if (tiled.count > 0) {
            std::byte* aligned = AlignedScratch(scratch);
            VisitFormat(w.format(), [&](auto format) {
                RunFormat<decltype(format)>(w, panels, tiled, y, aligned);
            });
        }
        if (tiled.count == x.count) return;
        size_t row = tiled.count;
        GemmI8<S>::Run(w, panels,
                       {.codes = x.codes + row * x.codes_stride,
                        .scales = x.scales + row * x.blocks_stride,
                        .sums = x.sums + row * 2 * x.blocks_stride,
                        .codes_stride = x.codes_stride,
                        .blocks_stride = x.blocks_stride,
                        .count = x.count - row},
                       {y.data + row * y.stride, y.stride}, scratch);
    }
};

}  // namespace lathe::kernels
