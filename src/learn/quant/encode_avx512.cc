#include "learn/quant/algorithm/make_encode_table.h"
#include "learn/quant/encode_tables.h"

namespace lathe::quant {

const EncodeTable& Avx512EncodeTable() {
    static constexpr EncodeTable kTable = {"avx512", EncodeAny, Magnitude};
    return kTable;
}

}  // namespace lathe::quant
