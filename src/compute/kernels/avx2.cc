#include "compute/kernels/simd/avx2.h"

#include "compute/kernels/algorithm/make_table.h"
#include "compute/kernels/tables.h"

namespace lathe::kernels {

const Table& Avx2Table() {
    static constexpr Table kTable = MakeTable<Avx2>();
    return kTable;
}

}  // namespace lathe::kernels
