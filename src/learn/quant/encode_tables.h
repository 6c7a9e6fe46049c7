#pragma once

#include "learn/quant/encode.h"

namespace lathe::quant {

const EncodeTable& GenericEncodeTable();
#if defined(__x86_64__)
const EncodeTable& Avx2EncodeTable();
const EncodeTable& Avx512EncodeTable();
#endif

}  // namespace lathe::quant
