// Packed weights times int8 activations.
//
// An output is, over the blocks of 32 columns in order,
//   acc = fma(float(dot), step * x_scale, acc), and acc = fma(offset, x_sum, acc)
// where there is an offset, with `dot` the exact integer dot of the block (or of each
// half, where a type has two steps a block). Neither the tile's shape nor the way the
// codes are read changes these operations, hence a row's bits do not depend on the
// other rows.
//
// Few rows: codes are unpacked in registers while the panel streams past. Many rows:
// a group of panels that fits the second-level cache is unpacked to bytes once, and
// tiles of rows x panels are multiplied out of it.
#pragma once

#include "compute/kernels/algorithm/codes.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct GemmI8 {
    using F = typename S::F;
    static constexpr size_t kRows = PackedMatrix::kPanelRows;
    static constexpr int kVectors = static_cast<int>(kPanelVectors<S>);
    static constexpr int kTileRows = S::kGemmI8Rows;
    static constexpr int kTilePanels = S::kGemmI8Panels;
    static constexpr int kDirectRows = S::kGemmI8DirectRows;
    static constexpr size_t kGroupPanelsMax = 16;
    static constexpr size_t kGroupBytes = 192 << 10;

    // What a tile of rows needs of one block of activations, side by side.
    template <int kR, class Format>
    struct Block {
        int8_t codes[kR][32];
        float scales[kR];
        // Sums of codes per step: scaled as floats, or times -zero as integers.
        std::conditional_t<Format::kOffset, float, int32_t> sums[Format::kHalves][kR];
    };
    static constexpr size_t kBlockBytesMax =
        sizeof(Block<kTileRows, FormatTag<3, Scales::kSuper16>>);

    // Bytes of one unpacked panel, and of the steps and offsets beside it.
    static size_t UnpackedBytes(const PackedMatrix& w) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        size_t floats = StepsPerBlock(w.format().scales) * (HasOffset(w.format().scales) ? 2 : 1);
        return blocks * (kGroups * kPlaneBytes + floats * kRows * sizeof(float));
    }
    static size_t GroupPanels(const PackedMatrix& w) {
        size_t count = kGroupBytes / (UnpackedBytes(w) + 1) / kTilePanels * kTilePanels;
        return count < kTilePanels       ? size_t{kTilePanels}
               : count > kGroupPanelsMax ? kGroupPanelsMax
                                         : count;
    }
    static size_t ScratchBytes(const PackedMatrix& w) {
        return 128 + w.cols() / PackedMatrix::kBlock * kBlockBytesMax +
               GroupPanels(w) * UnpackedBytes(w);
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

    // Where a tile reads weights: packed panels, or unpacked ones in scratch.
    struct Source {
        const std::byte* scales = nullptr;
        const uint8_t* codes = nullptr;
        size_t scales_stride = 0;  // bytes between panels
        size_t codes_stride = 0;
    };

    template <class Format, bool kUnpacked>
    LATHE_INLINE StepOffset<S> Scale(const Source& source, size_t panel, size_t block, size_t half,
                                     size_t vector) {
        const std::byte* scales = source.scales + panel * source.scales_stride;
        if constexpr (kUnpacked) {
            constexpr size_t kAreas = Format::kOffset ? 2 : 1;
            const float* at = reinterpret_cast<const float*>(scales) +
                              (block * Format::kHalves + half) * kAreas * kRows +
                              vector * S::kLanes;
            return {S::Load(at), Format::kOffset ? S::Load(at + kRows * (kAreas - 1)) : S::Zero()};
        } else {
            return LoadScale<S, Format::kScales>(scales, block, half, vector);
        }
    }

    // What turns a dot of codes into one of (code - zero).
    template <int kR, class Format>
    LATHE_INLINE int32_t Correction(const Block<kR, Format>& block, int half, int row) {
        if constexpr (Format::kOffset)
            return 0;
        else
            return block.sums[half][row];
    }

    template <int kR, int kP, class Format, bool kUnpacked>
    static void Tile(const Block<kR, Format>* x, size_t blocks, const Source& source,
                     const MutableRows& y, size_t first_row, size_t first_output, size_t outputs) {
        using Dot = typename S::template Dot<Format::kBits>;
        constexpr int kV = kP * kVectors;
        constexpr int kHalfGroups = static_cast<int>(kGroups) / Format::kHalves;
        constexpr size_t kPackedBlock = Format::kBits * kPlaneBytes;
        F acc[kR][kV];
        for (int r = 0; r < kR; ++r)
            for (int v = 0; v < kV; ++v) acc[r][v] = S::Zero();

        for (size_t b = 0; b < blocks; ++b) {
            Unrolled<Format::kHalves>([&]<int kHalf>() __attribute__((always_inline)) {
                Dot dot[kR][kV];
                for (int r = 0; r < kR; ++r)
                    for (int v = 0; v < kV; ++v) dot[r][v] = Dot::Start(Correction(x[b], kHalf, r));
                Unrolled<kHalfGroups>([&]<int kStep>() __attribute__((always_inline)) {
                    constexpr int kGroup = kHalf * kHalfGroups + kStep;
                    for (int v = 0; v < kV; ++v) {
                        const uint8_t* codes = source.codes + v / kVectors * source.codes_stride;
                        auto w = kUnpacked ? LoadCodes<S, 8, kGroup>(
                                                 codes + b * kGroups * kPlaneBytes, v % kVectors)
                                           : LoadCodes<S, Format::kBits, kGroup>(
                                                 codes + b * kPackedBlock, v % kVectors);
                        for (int r = 0; r < kR; ++r)
                            Dot::Step(dot[r][v], w, x[b].codes[r] + 4 * kGroup);
                    }
                });
                for (int v = 0; v < kV; ++v) {
                    auto scale =
                        Scale<Format, kUnpacked>(source, v / kVectors, b, kHalf, v % kVectors);
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

        for (int r = 0; r < kR; ++r) {
            float* out = y.data + (first_row + static_cast<size_t>(r)) * y.stride + first_output;
            for (size_t v = 0; v < kV; ++v) {
                size_t at = v * S::kLanes;
                if (at + S::kLanes <= outputs)
                    S::Store(out + at, acc[r][v]);
                else if (at < outputs)
                    S::StorePartial(out + at, acc[r][v], outputs - at);
            }
        }
    }

    template <class Format>
    static void Unpack(const PackedMatrix& w, size_t panel, uint8_t* codes, float* scales) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        const auto* planes = reinterpret_cast<const uint8_t*>(w.panel_codes(panel));
        const std::byte* packed = w.panel_scales(panel);
        for (size_t b = 0; b < blocks; ++b) {
            for (size_t v = 0; v < kPanelVectors<S>; ++v)
                Unrolled<kGroups>([&]<int kGroup>() __attribute__((always_inline)) {
                    S::StoreB(codes + (b * kGroups + kGroup) * kPlaneBytes + v * kVectorBytes<S>,
                              LoadCodes<S, Format::kBits, kGroup>(
                                  planes + b * Format::kBits * kPlaneBytes, v));
                });
            for (size_t h = 0; h < Format::kHalves; ++h)
                for (size_t v = 0; v < kPanelVectors<S>; ++v) {
                    auto scale = LoadScale<S, Format::kScales>(packed, b, h, v);
                    constexpr size_t kAreas = Format::kOffset ? 2 : 1;
                    float* at = scales + (b * Format::kHalves + h) * kAreas * kRows + v * S::kLanes;
                    S::Store(at, scale.step);
                    if constexpr (Format::kOffset) S::Store(at + kRows, scale.offset);
                }
        }
    }

    static size_t OutputsFrom(const PackedMatrix& w, size_t panel, size_t panels) {
        size_t first = panel * kRows;
        size_t end = first + panels * kRows;
        return (end < w.rows() ? end : w.rows()) - first;
    }

    template <class Format>
    static void RunDirect(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x,
                          const MutableRows& y, std::byte* scratch) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        WithCount<kDirectRows>(x.count, [&]<int kR>() __attribute__((always_inline)) {
            auto* rows = reinterpret_cast<Block<kR, Format>*>(scratch);
            FillBlocks<kR, Format>(x, 0, blocks, rows);
            for (size_t p = panels.begin; p < panels.end; ++p)
                Tile<kR, 1, Format, false>(
                    rows, blocks,
                    {w.panel_scales(p), reinterpret_cast<const uint8_t*>(w.panel_codes(p)), 0, 0},
                    y, 0, p * kRows, OutputsFrom(w, p, 1));
        });
    }

    template <class Format>
    static void RunUnpacked(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x,
                            const MutableRows& y, std::byte* scratch) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        size_t codes_bytes = blocks * kGroups * kPlaneBytes;
        size_t panel_bytes = UnpackedBytes(w);
        std::byte* tile_area = scratch + GroupPanels(w) * panel_bytes;
        size_t tiles = (x.count + kTileRows - 1) / kTileRows;
        for (size_t first = panels.begin; first < panels.end; first += GroupPanels(w)) {
            size_t count = panels.end - first;
            if (count > GroupPanels(w)) count = GroupPanels(w);
            for (size_t p = 0; p < count; ++p) {
                std::byte* at = scratch + p * panel_bytes;
                Unpack<Format>(w, first + p, reinterpret_cast<uint8_t*>(at),
                               reinterpret_cast<float*>(at + codes_bytes));
            }
            for (size_t tile = 0; tile < tiles; ++tile) {
                size_t row = x.count * tile / tiles;
                size_t rows = x.count * (tile + 1) / tiles - row;
                WithCount<kTileRows>(rows, [&]<int kR>() __attribute__((always_inline)) {
                    auto* blocks_x = reinterpret_cast<Block<kR, Format>*>(tile_area);
                    FillBlocks<kR, Format>(x, row, blocks, blocks_x);
                    size_t p = 0;
                    auto source = [&] {
                        const std::byte* at = scratch + p * panel_bytes;
                        return Source{at + codes_bytes, reinterpret_cast<const uint8_t*>(at),
                                      panel_bytes, panel_bytes};
                    };
                    for (; p + kTilePanels <= count; p += kTilePanels)
                        Tile<kR, kTilePanels, Format, true>(blocks_x, blocks, source(), y, row,
                                                            (first + p) * kRows,
                                                            OutputsFrom(w, first + p, kTilePanels));
                    for (; p < count; ++p)
                        Tile<kR, 1, Format, true>(blocks_x, blocks, source(), y, row,
                                                  (first + p) * kRows,
                                                  OutputsFrom(w, first + p, 1));
                });
            }
        }
    }

    static void Run(const PackedMatrix& w, PanelRange panels, const QuantizedRows& x, MutableRows y,
                    float* scratch) {
        std::byte* aligned =
            reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
        VisitFormat(w.format(), [&](auto format) __attribute__((always_inline)) {
            using Format = decltype(format);
            if (x.count <= static_cast<size_t>(kDirectRows))
                RunDirect<Format>(w, panels, x, y, aligned);
            else
                RunUnpacked<Format>(w, panels, x, y, aligned);
        });
    }
};

}  // namespace lathe::kernels
