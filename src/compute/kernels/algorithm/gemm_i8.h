// Packed weights times int8 activations.
//
// An output is, over the blocks of 32 columns in order,
//   acc = fma(float(dot), step * x_scale, acc), and acc = fma(offset, x_sum, acc)
// where there is an offset, with `dot` the exact integer dot of the block (or of each
// half, where a type has two steps a block). The tile's shape does not change these
// operations, hence a row's bits do not depend on the other rows.
//
// A tile is up to kTileRows rows times one panel, whose codes are unpacked in registers:
// with many rows that costs little (nothing, where logic has units of its own), and
// packed codes are half the traffic of unpacked ones. Tiles of rows take turns over a
// group of panels that stays in the second-level cache.
#pragma once

#include <type_traits>

#include "compute/kernels/algorithm/codes.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct GemmI8 {
    using F = typename S::F;
    static constexpr size_t kRows = PackedMatrix::kPanelRows;
    static constexpr int kVectors = static_cast<int>(kPanelVectors<S>);
    static constexpr int kTileRows = S::kGemmI8Rows;
    static constexpr size_t kPrefetchBytes = 6144;
    static constexpr size_t kGroupBytes = 256 << 10;

    // What a tile of rows needs of one block of activations, side by side.
    template <int kR, class Format>
    struct Block {
        int8_t codes[kR][32];
        float scales[kR];
        // Sums of codes per step: scaled as floats, or times -zero as integers.
        std::conditional_t<Format::kOffset, float, int32_t> sums[Format::kHalves][kR];
    };

    static size_t BlockCount(const PackedMatrix& w) { return w.cols() / PackedMatrix::kBlock; }

    static size_t ScratchBytes(const PackedMatrix& w) {
        return 64 + BlockCount(w) * sizeof(Block<kTileRows, FormatTag<3, Scales::kSuper16>>);
    }

    template <int kR, class Format>
    static void FillBlocks(const QuantizedRows& x, size_t first_row, size_t blocks,
                           Block<kR, Format>* out) {
        for (int r = 0; r < kR; ++r) {
            size_t row = first_row + static_cast<size_t>(r);
            const int8_t* codes = x.codes + row * x.codes_stride;
            const float* scales = x.scales + row * x.blocks_stride;
            const int16_t* sums = x.sums + row * 2 * x.blocks_stride;
            for (size_t b = 0; b < blocks; ++b) {
                std::memcpy(out[b].codes[r], codes + 32 * b, 32);
                out[b].scales[r] = scales[b];
                int32_t parts[2] = {sums[2 * b], sums[2 * b + 1]};
                if constexpr (Format::kHalves == 1) parts[0] += parts[1];
                for (int h = 0; h < Format::kHalves; ++h) {
                    if constexpr (Format::kOffset)
                        out[b].sums[h][r] = scales[b] * static_cast<float>(parts[h]);
                    else
                        out[b].sums[h][r] = -Format::kZero * parts[h];
                }
            }
        }
    }

    struct Panel {
        const std::byte* scales;
        const uint8_t* codes;
        const uint8_t* next_codes;  // of the panel after it
    };

    static Panel PanelAt(const PackedMatrix& w, size_t p) {
        size_t next = p + 1 < w.panel_count() ? p + 1 : p;
        return {w.panel_scales(p), reinterpret_cast<const uint8_t*>(w.panel_codes(p)),
                reinterpret_cast<const uint8_t*>(w.panel_codes(next))};
    }

    // Fetches into the second-level cache what a stream of panels needs soon. (The first
    // level has too few outstanding misses to cover the latency of memory.)
    template <class Format>
    LATHE_INLINE void Prefetch(const Panel& panel, size_t block, size_t blocks) {
        constexpr int kSecondLevel = 2;
        constexpr size_t kBytes = Format::kBits * kPlaneBytes;
        constexpr size_t kAhead = kPrefetchBytes / kBytes;
        const uint8_t* at = block + kAhead < blocks
                                ? panel.codes + (block + kAhead) * kBytes
                                : panel.next_codes + (block + kAhead - blocks) * kBytes;
        for (size_t line = 0; line < kBytes; line += 64)
            __builtin_prefetch(at + line, 0, kSecondLevel);
        __builtin_prefetch(panel.scales + (block + 16) * 64, 0, kSecondLevel);
    }

    // What turns a dot of codes into one of (code - zero).
    template <int kR, class Format>
    LATHE_INLINE int32_t Correction(const Block<kR, Format>& block, int half, int row) {
        if constexpr (Format::kOffset)
            return 0;
        else
            return block.sums[half][row];
    }

    template <int kR, class Format>
    static void Tile(const Block<kR, Format>* x, size_t blocks, const Panel& panel, float* y,
                     size_t y_stride, size_t outputs) {
        using Dot = typename S::template Dot<Format::kBits>;
        constexpr int kHalfGroups = static_cast<int>(kGroups) / Format::kHalves;
        F acc[kR][kVectors];
        LATHE_UNROLL
        for (int r = 0; r < kR; ++r) LATHE_UNROLL
        for (int v = 0; v < kVectors; ++v) acc[r][v] = S::Zero();

        for (size_t b = 0; b < blocks; ++b) {
            Prefetch<Format>(panel, b, blocks);
            const uint8_t* codes = panel.codes + b * Format::kBits * kPlaneBytes;
            Unrolled<Format::kHalves>([&]<int kHalf>() __attribute__((always_inline)) {
                Dot dot[kR][kVectors];
                LATHE_UNROLL
                for (int r = 0; r < kR; ++r) LATHE_UNROLL
                for (int v = 0; v < kVectors; ++v)
                    dot[r][v] = Dot::Start(Correction(x[b], kHalf, r));
                Unrolled<kHalfGroups>([&]<int kStep>() __attribute__((always_inline)) {
                    constexpr int kGroup = kHalf * kHalfGroups + kStep;
                    LATHE_UNROLL
                    for (int v = 0; v < kVectors; ++v) {
                        auto w = LoadCodes<S, Format::kBits, kGroup>(codes, v);
                        LATHE_UNROLL
                        for (int r = 0; r < kR; ++r)
                            Dot::Step(dot[r][v], w, x[b].codes[r] + 4 * kGroup);
                    }
                });
                LATHE_UNROLL
                for (int v = 0; v < kVectors; ++v) {
                    auto scale = LoadScale<S, Format::kScales>(panel.scales, b, kHalf, v);
                    LATHE_UNROLL
                    for (int r = 0; r < kR; ++r) {
                        F value = S::ToFloat(Dot::Finish(dot[r][v], Correction(x[b], kHalf, r)));
                        F factor = S::Mul(scale.step, S::Set(x[b].scales[r]));
                        acc[r][v] = S::MulAdd(value, factor, acc[r][v]);
                        if constexpr (Format::kOffset)
                            acc[r][v] =
                                S::MulAdd(scale.offset, S::Set(x[b].sums[kHalf][r]), acc[r][v]);
                    }
                }
            });
        }

        LATHE_UNROLL
        for (int r = 0; r < kR; ++r, y += y_stride) LATHE_UNROLL
        for (size_t v = 0; v < kVectors; ++v) {
            size_t at = v * S::kLanes;
            if (at + S::kLanes <= outputs)
                S::Store(y + at, acc[r][v]);
            else if (at < outputs)
                S::StorePartial(y + at, acc[r][v], outputs - at);
        }
    }

    template <class Format>
    static void RunFormat(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x,
                          const MutableRows& y, std::byte* scratch) {
        size_t blocks = BlockCount(w);
        size_t tiles = (x.count + kTileRows - 1) / kTileRows;
        size_t group = panels.end - panels.begin;
        if (tiles > 1) group = kGroupBytes / (w.bytes() / w.panel_count() + 1) + 1;
        for (size_t first = panels.begin; first < panels.end; first += group) {
            size_t end = panels.end - first < group ? panels.end : first + group;
            for (size_t tile = 0; tile < tiles; ++tile) {
                // Even shares, so that no tile is left with a row or two.
                size_t row = x.count * tile / tiles;
                size_t rows = x.count * (tile + 1) / tiles - row;
                WithCount<kTileRows>(rows, [&]<int kR>() __attribute__((always_inline)) {
                    auto* blocks_x = reinterpret_cast<Block<kR, Format>*>(scratch);
                    FillBlocks<kR, Format>(x, row, blocks, blocks_x);
                    for (size_t p = first; p < end; ++p)
                        Tile<kR, Format>(blocks_x, blocks, PanelAt(w, p),
                                         y.data + row * y.stride + p * kRows, y.stride,
                                         w.rows() - p * kRows);
                });
            }
        }
    }

    static void Run(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x, MutableRows y,
                    float* scratch) {
        std::byte* aligned = AlignedScratch(scratch);
        VisitFormat(w.format(), [&](auto format) __attribute__((always_inline)) {
            RunFormat<decltype(format)>(w, panels, x, y, aligned);
        });
    }
};

}  // namespace lathe::kernels
