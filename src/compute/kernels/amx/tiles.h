// What the AMX kernels share. Included by amx.cc only.
#pragma once

#include "compute/kernels/algorithm/make_table.h"
#include "compute/kernels/simd/avx512.h"

namespace lathe::kernels {

struct Amx : Avx512 {
    static constexpr std::string_view kName = "amx";
};

// Shapes of the eight tile registers. Load() clears their contents; _tile_release()
// gives them back.
struct alignas(64) TileConfig {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};

    void Set(int tile, size_t row_count, size_t bytes) {
        row_bytes[tile] = static_cast<uint16_t>(bytes);
        rows[tile] = static_cast<uint8_t>(row_count);
    }
    void Load() const { _tile_loadconfig(this); }

    // All tiles of 16 rows of 64 bytes.
    static void LoadFull() {
        TileConfig config;
        for (int tile = 0; tile < 8; ++tile) config.Set(tile, 16, 64);
        config.Load();
    }
};

// Rounds two vectors to bf16, to nearest even: `low` gives the lower 16 elements.
LATHE_INLINE __m512i ToBf16(__m512 high, __m512 low) {
    return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

// [a0, b0, a1, b1, ...] in bf16: two rows of a matrix in the order of a tile's pairs.
// Rounded to nearest, halves away from zero: a third of the time of the instruction.
LATHE_INLINE __m512i Bf16Pairs(__m512 a, __m512 b) {
    const __m512i half = _mm512_set1_epi32(0x8000);
    __m512i low = _mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(a), half), 16);
    __m512i high = _mm512_add_epi32(_mm512_castps_si512(b), half);
    return _mm512_mask_blend_epi16(0xAAAAAAAA, low, high);
}

}  // namespace lathe::kernels
