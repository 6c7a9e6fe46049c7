// Packed weights times float activations: the exact path, and the only one of plain
// types.
//
// An output is one chain of fused multiply-adds over the columns in order, whatever
// the tile: where the columns are cut into chunks, the sum rests in y between them.
// Quantized panels are expanded a chunk at a time, to the values that
// tensor::Dequantize gives.
#pragma once

#include "compute/kernels/algorithm/codes.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct GemmF32 {
    using F = typename S::F;
    static constexpr size_t kRows = PackedMatrix::kPanelRows;
    static constexpr int kVectors = static_cast<int>(kPanelVectors<S>);
    static constexpr int kTileRows = S::kGemmF32Rows;
    static constexpr int kTilePanels = S::kGemmF32Panels;
    // One or two rows: more panels at a time, so that chains of additions overlap.
    static constexpr int kThinRows = 2;
    static constexpr int kThinPanels = S::kGemmF32ThinPanels;
    static constexpr size_t kExpandedCols = 128;
    static constexpr size_t kPlainCols = 512;
    static constexpr size_t kScratchBytes =
        64 + (kThinPanels > kTilePanels ? kThinPanels : kTilePanels) * kExpandedCols * kRows *
                 sizeof(float);

    struct FromF32 {
        using Element = float;
        LATHE_INLINE F Load(const float* p) { return S::Load(p); }
    };
    struct FromF16 {
        using Element = uint16_t;
        LATHE_INLINE F Load(const uint16_t* p) { return S::LoadHalf(p); }
    };
    struct FromBf16 {
        using Element = uint16_t;
        LATHE_INLINE F Load(const uint16_t* p) { return S::LoadBf16(p); }
    };

    // Part of a product: columns [0, cols) of `weights`, `stride` elements between
    // panels, and of x; added to y unless these are the first columns.
    template <class From>
    struct Part {
        const typename From::Element* weights;
        size_t stride;
        size_t cols;
        bool first;
    };

    template <int kR, int kP, class From>
    static void Tile(const Part<From>& part, const float* x, size_t x_stride, float* y,
                     size_t y_stride, size_t outputs) {
        constexpr int kV = kP * kVectors;
        F acc[kR][kV];
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) {
            float* at = y + r * y_stride + v * S::kLanes;
            size_t left = outputs - v * S::kLanes;
            if (part.first || v * S::kLanes >= outputs)
                acc[r][v] = S::Zero();
            else
                acc[r][v] = left >= S::kLanes ? S::Load(at) : S::LoadPartial(at, left);
        }
        // A pointer for three rows: x86 addresses the other two through the stride.
        const float* rows[(kR + 2) / 3];
        LATHE_UNROLL
        for (size_t i = 0; i < (kR + 2) / 3; ++i) rows[i] = x + 3 * i * x_stride;
        const auto* weights = part.weights;
        for (size_t k = 0; k < part.cols; ++k, weights += kRows) {
            F w[kV];
            LATHE_UNROLL
            for (size_t v = 0; v < kV; ++v)
                w[v] = From::Load(weights + v / kVectors * part.stride + v % kVectors * S::kLanes);
            LATHE_UNROLL
            for (size_t r = 0; r < kR; ++r) {
                F value = S::Set(rows[r / 3][k + r % 3 * x_stride]);
                LATHE_UNROLL
                for (size_t v = 0; v < kV; ++v) acc[r][v] = S::MulAdd(w[v], value, acc[r][v]);
            }
        }
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) {
            float* at = y + r * y_stride + v * S::kLanes;
            if ((v + 1) * S::kLanes <= outputs)
                S::Store(at, acc[r][v]);
            else if (v * S::kLanes < outputs)
                S::StorePartial(at, acc[r][v], outputs - v * S::kLanes);
        }
    }

    // All rows of x times kP panels from `panel` on.
    template <int kP, class From>
    static void AllRows(const PackedMatrix& w, size_t panel, const Part<From>& part,
                        size_t first_col, const Rows& x, const MutableRows& y) {
        size_t output = panel * kRows;
        size_t outputs = w.rows() - output;
        size_t tiles = (x.count + kTileRows - 1) / kTileRows;
        for (size_t tile = 0; tile < tiles; ++tile) {
            size_t row = x.count * tile / tiles;
            WithCount<kTileRows>(
                x.count * (tile + 1) / tiles - row, [&]<int kR>() __attribute__((always_inline)) {
                    if constexpr (kP == kTilePanels || kP == 1 || kR <= kThinRows)
                        Tile<kR, kP, From>(part, x.data + row * x.stride + first_col, x.stride,
                                           y.data + row * y.stride + output, y.stride, outputs);
                });
        }
    }

    // Columns [first, first + cols) of a packed panel as floats [cols][16].
    template <class Format>
    static void Expand(const PackedMatrix& w, size_t panel, size_t first, size_t cols, float* out) {
        const auto* planes = reinterpret_cast<const uint8_t*>(w.panel_codes(panel));
        const std::byte* scales = w.panel_scales(panel);
        for (size_t b = first / PackedMatrix::kBlock; b < (first + cols) / PackedMatrix::kBlock;
             ++b, out += PackedMatrix::kBlock * kRows)
            LATHE_UNROLL
        for (size_t v = 0; v < kVectors; ++v)
            Unrolled<kGroups>([&]<int kGroup>() __attribute__((always_inline)) {
                auto scale = LoadScale<S, Format::kScales>(scales, b,
                                                           kGroup / (kGroups / Format::kHalves), v);
                auto codes = LoadCodes<S, Format::kBits, kGroup>(
                    planes + b * Format::kBits * kPlaneBytes, v);
                Unrolled<4>([&]<int kByte>() __attribute__((always_inline)) {
                    F code = S::template ByteToFloat<kByte>(codes);
                    F value = Format::kOffset
                                  ? S::MulAdd(scale.step, code, scale.offset)
                                  : S::Mul(scale.step, S::Sub(code, S::Set(float{Format::kZero})));
                    S::Store(out + (kGroup * 4 + kByte) * kRows + v * S::kLanes, value);
                });
            });
    }

    template <int kP>
    static void Quantized(const PackedMatrix& w, size_t panel, const Rows& x, const MutableRows& y,
                          float* scratch) {
        for (size_t first = 0; first < w.cols(); first += kExpandedCols) {
            size_t cols = w.cols() - first < kExpandedCols ? w.cols() - first : kExpandedCols;
            VisitFormat(w.format(), [&](auto format) __attribute__((always_inline)) {
                for (size_t p = 0; p < kP; ++p)
                    Expand<decltype(format)>(w, panel + p, first, cols,
                                             scratch + p * kExpandedCols * kRows);
            });
            AllRows<kP, FromF32>(w, panel, {scratch, kExpandedCols * kRows, cols, first == 0},
                                 first, x, y);
        }
    }

    template <int kP, class From>
    static void Plain(const PackedMatrix& w, size_t panel, const Rows& x, const MutableRows& y) {
        using Element = typename From::Element;
        size_t stride =
            w.panel_count() > 1
                ? static_cast<size_t>(w.panel_codes(1) - w.panel_codes(0)) / sizeof(Element)
                : 0;
        const auto* weights = reinterpret_cast<const Element*>(w.panel_codes(panel));
        // A single tile of rows reads its panels once: no need to keep them in cache.
        size_t chunk = x.count <= static_cast<size_t>(kTileRows) ? w.cols() : kPlainCols;
        for (size_t first = 0; first < w.cols(); first += chunk) {
            size_t cols = w.cols() - first < chunk ? w.cols() - first : chunk;
            AllRows<kP, From>(w, panel, {weights + first * kRows, stride, cols, first == 0}, first,
                              x, y);
        }
    }

    template <int kP>
    static void Panels(const PackedMatrix& w, size_t panel, const Rows& x, const MutableRows& y,
                       float* scratch) {
        switch (w.format().codes) {
            case Codes::kF32:
                return Plain<kP, FromF32>(w, panel, x, y);
            case Codes::kF16:
                return Plain<kP, FromF16>(w, panel, x, y);
            case Codes::kBF16:
                return Plain<kP, FromBf16>(w, panel, x, y);
            default:
                return Quantized<kP>(w, panel, x, y, scratch);
        }
    }

    static void Run(const PackedMatrix& w, PanelRange panels, Rows x, MutableRows y,
                    float* scratch) {
        auto* aligned = reinterpret_cast<float*>(AlignedScratch(scratch));
        size_t p = panels.begin;
        if (x.count <= kThinRows)
            for (; p + kThinPanels <= panels.end; p += kThinPanels)
                Panels<kThinPanels>(w, p, x, y, aligned);
        for (; p + kTilePanels <= panels.end; p += kTilePanels)
            Panels<kTilePanels>(w, p, x, y, aligned);
        for (; p < panels.end; ++p) Panels<1>(w, p, x, y, aligned);
    }
};

}  // namespace lathe::kernels
