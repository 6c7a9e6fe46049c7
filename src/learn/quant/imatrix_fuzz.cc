#include <cstddef>
#include <cstdint>
#include <span>

#include "learn/quant/importance_matrix.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto matrix =
        lathe::quant::ImportanceMatrix::ParseDat(std::as_bytes(std::span(data, size)), "fuzz.dat");
    if (!matrix && matrix.error().message.empty()) __builtin_trap();
    return 0;
}
