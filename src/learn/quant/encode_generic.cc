#include "learn/quant/algorithm/make_encode_table.h"
#include "learn/quant/encode_tables.h"

namespace lathe::quant {

const EncodeTable& GenericEncodeTable() {
    static constexpr EncodeTable kTable = {"generic", EncodeAny, Magnitude};
    return kTable;
}

}  // namespace lathe::quant
