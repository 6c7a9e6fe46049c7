#include "compute/kernels/algorithm/make_table.h"
#include "compute/kernels/tables.h"

namespace lathe::kernels {

const Table& GenericTable() {
    static constexpr Table kTable = MakeTable<Generic>();
    return kTable;
}

}  // namespace lathe::kernels
