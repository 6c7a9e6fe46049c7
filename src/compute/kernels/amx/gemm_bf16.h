// Packed weights times bf16 activations by the tile instructions of AMX. Included by
// amx.cc only.
//
// Weights are expanded to bf16 once per call, a group of panels at a time that stays in
// the second-level cache, and all rows pass over the group. Products are summed in
// float32 over the columns in order, in the tile registers: nothing is scaled on the
// way, which is what makes this several times faster than int8 with a scale per block.
//
// A tile of rows is always computed whole: what lies in the rows after the last one is
// not stored. A row's bits depend on that row only.
#pragma once

#include "compute/kernels/amx/tiles.h"

namespace lathe::kernels {

class AmxGemmBf16 {
    using S = Amx;
    using F = S::F;
    static constexpr size_t kTile = Bf16Rows::kTileRows;
    static_assert(PackedMatrix::kPanelRows == kTile);
    static constexpr size_t kTileElements = Bf16Rows::kTileElements;
    static constexpr size_t kTileBytes = kTileElements * sizeof(uint16_t);
    static constexpr size_t kGroupBytes = 1 << 20;

    // The panel's weights, a tile per block: [block][pair of columns][output][2].
    template <class Format>
    static void ExpandPanel(const PackedMatrix& w, size_t panel, uint16_t* out) {
        const auto* planes = reinterpret_cast<const uint8_t*>(w.panel_codes(panel));
        const std::byte* scales = w.panel_scales(panel);
        constexpr int kHalfGroups = static_cast<int>(kGroups) / Format::kHalves;
        for (size_t b = 0; b < w.cols() / PackedMatrix::kBlock; ++b, out += kTileElements) {
            const uint8_t* block = planes + b * Format::kBits * kPlaneBytes;
            Unrolled<Format::kHalves>([&]<int kHalf>() __attribute__((always_inline)) {
                auto scale = LoadScale<S, Format::kScales>(scales, b, kHalf, 0);
                if constexpr (!Format::kOffset)
                    scale.offset = S::Mul(scale.step, S::Set(-static_cast<float>(Format::kZero)));
                Unrolled<kHalfGroups>([&]<int kStep>() __attribute__((always_inline)) {
                    constexpr int kGroup = kHalf * kHalfGroups + kStep;
                    auto codes = LoadCodes<S, Format::kBits, kGroup>(block, 0);
                    auto value = [&]<int kColumn>() __attribute__((always_inline)) {
                        return S::MulAdd(S::ByteToFloat<kColumn>(codes), scale.step, scale.offset);
                    };
                    uint16_t* rows = out + kGroup * 64;
                    _mm512_store_si512(rows, Bf16Pairs(value.template operator()<0>(),
                                                       value.template operator()<1>()));
                    _mm512_store_si512(rows + 32, Bf16Pairs(value.template operator()<2>(),
                                                            value.template operator()<3>()));
                });
            });
        }
    }

    // kR tiles of rows times kP panels.
    template <int kR, int kP>
    LATHE_INLINE void Multiply(const uint16_t* x, size_t x_stride, const uint16_t* w,
                               size_t w_stride, size_t blocks) {
        _tile_zero(0);
        if constexpr (kP > 1) _tile_zero(1);
        if constexpr (kR > 1) _tile_zero(2);
        if constexpr (kR > 1 && kP > 1) _tile_zero(3);
        for (size_t b = 0; b < blocks; ++b, x += kTileElements, w += kTileElements) {
            _tile_loadd(4, x, 64);
            _tile_loadd(6, w, 64);
            _tile_dpbf16ps(0, 4, 6);
            if constexpr (kP > 1) {
                _tile_loadd(7, w + w_stride, 64);
                _tile_dpbf16ps(1, 4, 7);
            }
            if constexpr (kR > 1) {
                _tile_loadd(5, x + x_stride, 64);
                _tile_dpbf16ps(2, 5, 6);
            }
            if constexpr (kR > 1 && kP > 1) _tile_dpbf16ps(3, 5, 7);
        }
    }

    // Tile register kT to `rows` rows of y, `outputs` of its columns.
    template <int kT>
    LATHE_INLINE void Store(float* y, size_t y_stride, size_t rows, size_t outputs) {
        if (rows >= kTile && outputs >= kTile) {
            _tile_stored(kT, y, y_stride * sizeof(float));
            return;
        }
        alignas(64) float values[kTile][kTile];
        _tile_stored(kT, values, sizeof values[0]);
        __mmask16 mask = S::First(outputs < kTile ? outputs : kTile);
        for (size_t r = 0; r < rows && r < kTile; ++r)
            _mm512_mask_storeu_ps(y + r * y_stride, mask, _mm512_load_ps(values[r]));
    }

    struct Panels {
        const uint16_t* expanded;
        size_t stride;  // elements of one
        size_t first;   // number of the first in the matrix
        size_t count;
    };

    template <int kR>
    static void RunRows(const PackedMatrix& w, const Panels& panels, const Bf16Rows& x, size_t row,
                        const MutableRows& y) {
        const uint16_t* tiles = x.tiles + row / kTile * x.blocks * kTileElements;
        size_t x_stride = x.blocks * kTileElements;
        size_t rows = x.count - row;
        for (size_t p = 0; p < panels.count; p += 2) {
            const uint16_t* weights = panels.expanded + p * panels.stride;
            size_t output = (panels.first + p) * kTile;
            float* out = y.data + row * y.stride + output;
            size_t outputs = w.rows() - output;
            bool two = p + 1 < panels.count;
            if (two)
                Multiply<kR, 2>(tiles, x_stride, weights, panels.stride, x.blocks);
            else
                Multiply<kR, 1>(tiles, x_stride, weights, panels.stride, x.blocks);
            Store<0>(out, y.stride, rows, outputs);
            if (two) Store<1>(out + kTile, y.stride, rows, outputs - kTile);
            if constexpr (kR > 1) {
                float* below = out + kTile * y.stride;
                Store<2>(below, y.stride, rows - kTile, outputs);
                if (two) Store<3>(below + kTile, y.stride, rows - kTile, outputs - kTile);
            }
        }
    }

    template <class Format>
    static void RunFormat(const PackedMatrix& w, PanelRange panels, const Bf16Rows& x,
                          const MutableRows& y, uint16_t* expanded) {
        size_t stride = x.blocks * kTileElements;
        size_t group = GroupPanels(x.blocks);
        for (size_t first = panels.begin; first < panels.end; first += group) {
            size_t count = panels.end - first < group ? panels.end - first : group;
            for (size_t p = 0; p < count; ++p)
                ExpandPanel<Format>(w, first + p, expanded + p * stride);
            Panels part = {expanded, stride, first, count};
            for (size_t row = 0; row < x.count; row += 2 * kTile) {
                if (x.count - row > kTile)
                    RunRows<2>(w, part, x, row, y);
                else
                    RunRows<1>(w, part, x, row, y);
            }
        }
    }

    static size_t GroupPanels(size_t blocks) {
        size_t panels = kGroupBytes / (blocks * kTileBytes) / 2 * 2;
        return panels < 2 ? 2 : panels > 64 ? 64 : panels;
    }

public:
    static size_t ScratchBytes(const PackedMatrix& w) {
        size_t blocks = w.cols() / PackedMatrix::kBlock;
        return 64 + GroupPanels(blocks) * blocks * kTileBytes;
    }

    static void Run(const PackedMatrix& w, PanelRange panels, const Bf16Rows& x, MutableRows y,
                    float* scratch) {
        auto* expanded = reinterpret_cast<uint16_t*>(AlignedScratch(scratch));
        TileConfig::LoadFull();
        VisitFormat(w.format(),
                    [&](auto format) { RunFormat<decltype(format)>(w, panels, x, y, expanded); });
        _tile_release();
    }

    static void ToRow(const float* x, size_t cols, const Bf16Rows& out, size_t row) {
        uint16_t* at = out.tiles + (row / kTile * out.blocks * kTile + row % kTile) * 32;
        size_t c = 0;
        for (; c + 32 <= cols; c += 32, at += kTileElements)
            _mm512_storeu_si512(at, ToBf16(S::Load(x + c + 16), S::Load(x + c)));
        if (c == cols) return;
        auto left = [&](size_t from) {
            return cols > from ? (cols - from < 16 ? cols - from : 16) : 0;
        };
        _mm512_storeu_si512(
            at, ToBf16(S::LoadPartial(x + c + 16, left(c + 16)), S::LoadPartial(x + c, left(c))));
    }

    // Products of tiles that lie in the first-level cache; returns the operations done.
    static double Probe(size_t rounds) {
        constexpr size_t kBlocks = 4;
        alignas(64) uint16_t x[2 * kBlocks * kTileElements] = {};
        alignas(64) uint16_t w[2 * kBlocks * kTileElements] = {};
        alignas(64) float sink[kTile][kTile];
        TileConfig::LoadFull();
        constexpr size_t kStride = kBlocks * kTileElements;
        for (size_t i = 0; i < rounds; ++i) Multiply<2, 2>(x, kStride, w, kStride, kBlocks);
        Store<0>(sink[0], kTile, kTile, kTile);
        _tile_release();
        return 4.0 * kBlocks * 2 * kTileElements * kTile * static_cast<double>(rounds);
    }
};

}  // namespace lathe::kernels
