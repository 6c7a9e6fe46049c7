// Packed weights times bf16 activations by the tile instructions of AMX. Included by
// amx.cc only.
//
// Two panels at a time are expanded to bf16, as many columns of them as the first-level
// cache holds, and rows pass over them, as many as stay in the second-level cache with
// what they give; activations stream past the first level. Products are summed in float32
// over the columns in order, in the tile registers: nothing is scaled on the way, which is
// what makes this several times faster than int8 with a scale per block.
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
    static constexpr size_t kChunk = 18;  // blocks of two panels: 36 KiB
    static constexpr size_t kCacheBytes = 1200 << 10;
    static constexpr size_t kRowsMin = 128;  // expanding panels again takes as long as these

    // Codes of one column as floats. Four bits are looked up, which saves cutting them out.
    template <int kBits, int kGroup, int kColumn>
    LATHE_INLINE F LoadFloatCodes(const uint8_t* block) {
        if constexpr (kBits != 4) {
            return S::ByteToFloat<kColumn>(LoadCodes<S, kBits, kGroup>(block, 0));
        } else {
            const __m512 values =
                _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            __m512i plane = _mm512_loadu_si512(block + kGroup % 4 * kPlaneBytes);
            constexpr int kShift = 8 * kColumn + kGroup / 4 * 4;
            return _mm512_permutexvar_ps(_mm512_srli_epi32(plane, kShift), values);
        }
    }

    static size_t PanelStride(const PackedMatrix& w) {
        return static_cast<size_t>(w.panel_scales(1) - w.panel_scales(0));
    }

    // Blocks [begin, end) of a panel's weights, a tile each: [pair of columns][output][2].
    template <class Format>
    static void Expand(const PackedMatrix& w, size_t panel, size_t begin, size_t end,
                       uint16_t* out) {
        const auto* planes = reinterpret_cast<const uint8_t*>(w.panel_codes(panel));
        const std::byte* scales = w.panel_scales(panel);
        constexpr int kHalfGroups = static_cast<int>(kGroups) / Format::kHalves;
        const size_t ahead = panel + 2 < w.panel_count() ? 2 * PanelStride(w) : 0;
        for (size_t b = begin; b < end; ++b, out += kTileElements) {
            const uint8_t* block = planes + b * Format::kBits * kPlaneBytes;
            for (size_t line = 0; line < Format::kBits; ++line)
                __builtin_prefetch(block + ahead + line * kPlaneBytes, 0, 2);
            Unrolled<Format::kHalves>([&]<int kHalf>() __attribute__((always_inline)) {
                auto scale = LoadScale<S, Format::kScales>(scales, b, kHalf, 0);
                if constexpr (!Format::kOffset)
                    scale.offset = S::Mul(scale.step, S::Set(-static_cast<float>(Format::kZero)));
                Unrolled<kHalfGroups>([&]<int kStep>() __attribute__((always_inline)) {
                    constexpr int kGroup = kHalf * kHalfGroups + kStep;
                    auto value = [&]<int kColumn>() __attribute__((always_inline)) {
                        F code = LoadFloatCodes<Format::kBits, kGroup, kColumn>(block);
                        return S::MulAdd(code, scale.step, scale.offset);
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

    // Blocks [begin, begin + count) of the columns, and room for two panels of them.
    struct Chunk {
        uint16_t* weights;  // [panel][block][tile]
        size_t begin;
        size_t count;
    };

    // Adds to the tile registers kR tiles of rows at `x` times kP panels.
    template <int kR, int kP>
    LATHE_INLINE void Multiply(const uint16_t* x, size_t x_stride, const Chunk& chunk) {
        const uint16_t* w = chunk.weights;
        const uint16_t* second = w + chunk.count * kTileElements;
        for (size_t b = 0; b < chunk.count; ++b) {
            _tile_stream_loadd(4, x, 64);
            _tile_loadd(6, w, 64);
            _tile_dpbf16ps(0, 4, 6);
            if constexpr (kP > 1) {
                _tile_loadd(7, second, 64);
                _tile_dpbf16ps(1, 4, 7);
            }
            if constexpr (kR > 1) {
                _tile_stream_loadd(5, x + x_stride, 64);
                _tile_dpbf16ps(2, 5, 6);
            }
            if constexpr (kR > 1 && kP > 1) _tile_dpbf16ps(3, 5, 7);
            x += kTileElements;
            w += kTileElements;
            second += kTileElements;
        }
    }

    // A tile of y: `rows` rows and `outputs` columns of it exist.
    struct Output {
        float* y;
        size_t stride;
        size_t rows;
        size_t outputs;
        bool whole() const { return rows >= kTile && outputs >= kTile; }
        __mmask16 mask() const { return S::First(outputs < kTile ? outputs : kTile); }
    };

    template <int kT>
    LATHE_INLINE void Load(const Output& out) {
        if (out.whole()) {
            _tile_loadd(kT, out.y, out.stride * sizeof(float));
            return;
        }
        alignas(64) float values[kTile][kTile] = {};
        for (size_t r = 0; r < out.rows && r < kTile; ++r)
            _mm512_store_ps(values[r], _mm512_maskz_loadu_ps(out.mask(), out.y + r * out.stride));
        _tile_loadd(kT, values, sizeof values[0]);
    }

    template <int kT>
    LATHE_INLINE void Store(const Output& out) {
        if (out.whole()) {
            _tile_stored(kT, out.y, out.stride * sizeof(float));
            return;
        }
        alignas(64) float values[kTile][kTile];
        _tile_stored(kT, values, sizeof values[0]);
        for (size_t r = 0; r < out.rows && r < kTile; ++r)
            _mm512_mask_storeu_ps(out.y + r * out.stride, out.mask(), _mm512_load_ps(values[r]));
    }

    // Up to 32 rows from `row` on times kP panels, whose first output is `output`.
    template <int kR, int kP>
    static void RunRows(const PackedMatrix& w, const Chunk& chunk, const Bf16Rows& x, size_t row,
                        size_t output, const MutableRows& y) {
        float* at = y.data + row * y.stride + output;
        size_t rows = x.count - row, outputs = w.rows() - output;
        const Output first{at, y.stride, rows, outputs};
        const Output right{at + kTile, y.stride, rows, outputs - kTile};
        const Output below{at + kTile * y.stride, y.stride, rows - kTile, outputs};
        const Output last{below.y + kTile, y.stride, below.rows, right.outputs};
        if (chunk.begin == 0) {
            _tile_zero(0);
            if constexpr (kP > 1) _tile_zero(1);
            if constexpr (kR > 1) _tile_zero(2);
            if constexpr (kR > 1 && kP > 1) _tile_zero(3);
        } else {
            Load<0>(first);
            if constexpr (kP > 1) Load<1>(right);
            if constexpr (kR > 1) Load<2>(below);
            if constexpr (kR > 1 && kP > 1) Load<3>(last);
        }
        size_t x_stride = x.blocks * kTileElements;
        const uint16_t* tiles = x.tiles + row / kTile * x_stride + chunk.begin * kTileElements;
        Multiply<kR, kP>(tiles, x_stride, chunk);
        Store<0>(first);
        if constexpr (kP > 1) Store<1>(right);
        if constexpr (kR > 1) Store<2>(below);
        if constexpr (kR > 1 && kP > 1) Store<3>(last);
    }

    // Rows [row, end) times blocks [begin, end of chunk) of kP panels.
    template <class Format, int kP>
    static void RunPanels(const PackedMatrix& w, size_t panel, const Bf16Rows& x, size_t row,
                          size_t row_end, const MutableRows& y, const Chunk& chunk) {
        for (size_t p = 0; p < kP; ++p)
            Expand<Format>(w, panel + p, chunk.begin, chunk.begin + chunk.count,
                           chunk.weights + p * chunk.count * kTileElements);
        size_t output = panel * kTile;
        for (; row + kTile < row_end; row += 2 * kTile) RunRows<2, kP>(w, chunk, x, row, output, y);
        if (row < row_end) RunRows<1, kP>(w, chunk, x, row, output, y);
    }

    template <class Format>
    static void RunFormat(const PackedMatrix& w, PanelRange panels, const Bf16Rows& x,
                          const MutableRows& y, uint16_t* expanded) {
        size_t step = RowsAtOnce(x, panels.end - panels.begin);
        for (size_t row = 0; row < x.count; row += step) {
            size_t row_end = x.count - row < step ? x.count : row + step;
            for (size_t begin = 0; begin < x.blocks; begin += kChunk) {
                Chunk chunk{expanded, begin, x.blocks - begin < kChunk ? x.blocks - begin : kChunk};
                size_t p = panels.begin;
                for (; p + 2 <= panels.end; p += 2)
                    RunPanels<Format, 2>(w, p, x, row, row_end, y, chunk);
                if (p < panels.end) RunPanels<Format, 1>(w, p, x, row, row_end, y, chunk);
            }
        }
    }

    // Even shares of the rows, a multiple of 32 but for the last.
    static size_t RowsAtOnce(const Bf16Rows& x, size_t panel_count) {
        bool chunks = x.blocks > kChunk;  // sums come back for the next one
        size_t bytes = (chunks ? kChunk : x.blocks) * 64;
        if (chunks) bytes += panel_count * kTile * sizeof(float);
        size_t most = kCacheBytes / bytes;
        if (most < kRowsMin) most = kRowsMin;
        size_t shares = (x.count + most - 1) / most;
        return ((x.count + shares - 1) / shares + 31) / 32 * 32;
    }

public:
    static constexpr size_t kScratchBytes = 64 + 2 * kChunk * kTileElements * sizeof(uint16_t);

    static void Run(const PackedMatrix& w, PanelRange panels, const Bf16Rows& x, MutableRows y,
                    float* scratch) {
        if (x.count == 0) return;
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
        for (size_t i = 0; i < rounds; ++i)
            Multiply<2, 2>(x, kBlocks * kTileElements, {w, 0, kBlocks});
        Store<0>({sink[0], kTile, kTile, kTile});
        _tile_release();
        return 4.0 * kBlocks * 2 * kTileElements * kTile * static_cast<double>(rounds);
    }
};

}  // namespace lathe::kernels
