// What this machine offers to the kernels. Thread-safe: free functions only.
#pragma once

#include <string>

namespace lathe::platform {

struct CpuFeatures {
    bool avx2 = false;      // with FMA and F16C
    bool avx_vnni = false;  // VEX-encoded vpdpbusd
    bool avx512 = false;    // F, BW, DQ, VL
    bool avx512_vnni = false;
    bool avx512_bf16 = false;
    bool amx = false;  // int8 and bf16 tiles; the system has lent its tiles to this process
};

// Features that both the processor and the operating system support.
CpuFeatures DetectCpuFeatures();

// "AMD EPYC ..." from the processor, "unknown" elsewhere.
std::string CpuModelName();

// Cores this process may run on (affinity mask), at least 1.
int UsableCores();

// Resident memory of this process in bytes: now and at its highest.
size_t ResidentBytes();
size_t PeakResidentBytes();

}  // namespace lathe::platform
