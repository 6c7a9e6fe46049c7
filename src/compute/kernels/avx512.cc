#include "compute/kernels/simd/avx512.h"

#include "compute/kernels/algorithm/make_table.h"
#include "compute/kernels/tables.h"

namespace lathe::kernels {

const Table& Avx512Table() {
    static constexpr Table kTable = MakeTable<Avx512>();
    return kTable;
}

}  // namespace lathe::kernels
