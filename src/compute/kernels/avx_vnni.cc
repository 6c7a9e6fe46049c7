#include "compute/kernels/simd/avx2.h"

#include "compute/kernels/algorithm/make_table.h"
#include "compute/kernels/tables.h"

namespace lathe::kernels {
namespace {

// AVX2 whose integer dots are single instructions.
struct AvxVnni : Avx2 {
    static constexpr std::string_view kName = "avxvnni";

    template <int kBits>
    struct Dot {
        I sum;
        LATHE_INLINE Dot Start(int32_t correction) { return {_mm256_set1_epi32(correction)}; }
        LATHE_INLINE void Step(Dot& dot, B w, const int8_t* x) {
            int32_t four;
            std::memcpy(&four, x, sizeof four);
            dot.sum = _mm256_dpbusd_avx_epi32(dot.sum, w, _mm256_set1_epi32(four));
        }
        LATHE_INLINE I Finish(const Dot& dot, int32_t) { return dot.sum; }
    };
};

}  // namespace

const Table& AvxVnniTable() {
    static constexpr Table kTable = MakeTable<AvxVnni>();
    return kTable;
}

}  // namespace lathe::kernels
