// The tables that are compiled in. Calling one's kernels needs its instruction set.
#pragma once

#include "compute/kernels/table.h"

namespace lathe::kernels {

#if defined(__x86_64__)
const Table& Avx2Table();     // AVX2, FMA, F16C
const Table& AvxVnniTable();  // and VEX-encoded vpdpbusd
const Table& Avx512Table();   // AVX-512 F, BW, DQ, VL and VNNI
const Table& AmxTable();      // and the integer tiles of AMX
#endif

}  // namespace lathe::kernels
