#include "learn/advise/machine.h"

#include <algorithm>
#include <array>

namespace lathe::advise {
namespace {

constexpr MachineKind kCpu = MachineKind::kCpu;
constexpr MachineKind kGpu = MachineKind::kGpu;
constexpr MachineKind kNpu = MachineKind::kNpu;

// Only the RTX 4090's figures were checked against their source (docs/hardware.md).
// CPUs: bandwidth is channels x 8 bytes x transfers; operations are cores x clock (base of servers,
// boost of others) x operations of a core and cycle: int8 2048 with AMX, 256 with two AVX-512 VNNI
// units, 128 with AVX-VNNI or half-rate AVX-512, 64 with AVX2 alone; float32 64 (AVX-512) or 32.
constexpr auto kMachines = std::to_array<Machine>({
    {"xeon-8480", "Intel Xeon Platinum 8480+, 56 cores, AMX", kCpu, 307.2, 229.4, 7.17, 256,
     "Intel ARK: 8 x DDR5-4800, 2.0 GHz"},
    {"xeon-6430", "Intel Xeon Gold 6430, 32 cores, AMX", kCpu, 281.6, 137.6, 4.30, 256,
     "Intel ARK: 8 x DDR5-4400, 2.1 GHz"},
    {"xeon-8380", "Intel Xeon Platinum 8380, 40 cores, AVX-512 VNNI", kCpu, 204.8, 23.6, 5.89, 256,
     "Intel ARK: 8 x DDR4-3200, 2.3 GHz"},
    {"epyc-9654", "AMD EPYC 9654, 96 cores, AVX-512 VNNI", kCpu, 460.8, 29.5, 7.37, 384,
     "AMD: 12 x DDR5-4800, 2.4 GHz"},
    {"epyc-7763", "AMD EPYC 7763, 64 cores, AVX2", kCpu, 204.8, 10.0, 5.02, 256,
     "AMD: 8 x DDR4-3200, 2.45 GHz"},
    {"ryzen-7950x", "AMD Ryzen 9 7950X, 16 cores, AVX-512 VNNI", kCpu, 83.2, 11.7, 2.92, 64,
     "AMD: 2 x DDR5-5200, 5.7 GHz boost"},
    {"core-14900k", "Intel Core i9-14900K, its 8 fast cores, AVX-VNNI", kCpu, 89.6, 5.7, 1.43, 64,
     "Intel ARK: 2 x DDR5-5600, 5.6 GHz turbo"},
    {"core-155h", "Intel Core Ultra 7 155H, its 6 fast cores, AVX-VNNI", kCpu, 119.5, 3.7, 0.92, 32,
     "Intel ARK: LPDDR5X-7467, 128 bit, 4.8 GHz turbo"},
    {"rtx-4090", "NVIDIA GeForce RTX 4090", kGpu, 1008, 165.2, 82.6, 24,
     "NVIDIA Ada architecture whitepaper"},
    {"rtx-3090", "NVIDIA GeForce RTX 3090", kGpu, 936, 71.0, 35.6, 24,
     "NVIDIA GA102 architecture whitepaper"},
    {"a100-80g", "NVIDIA A100 SXM 80 GB", kGpu, 2039, 312, 19.5, 80, "NVIDIA A100 datasheet"},
    {"h100-sxm", "NVIDIA H100 SXM 80 GB", kGpu, 3350, 989.4, 66.9, 80, "NVIDIA H100 datasheet"},
    {"l4", "NVIDIA L4", kGpu, 300, 121, 30.3, 24, "NVIDIA L4 datasheet"},
    {"m4-max", "Apple M4 Max, 40 GPU cores", kGpu, 546, 18.4, 18.4, 64,
     "Apple: 546 GB/s; 40 cores x 128 lanes x 1.8 GHz"},
    {"m2-ultra", "Apple M2 Ultra, 76 GPU cores", kGpu, 800, 27.2, 27.2, 128,
     "Apple: 800 GB/s, 27.2 TFLOPS"},
    {"core-200v-npu", "Intel Core Ultra 200V, NPU", kNpu, 136.5, 48, 0, 32,
     "Intel: 48 TOPS, LPDDR5X-8533, 128 bit"},
    {"ryzen-ai-300-npu", "AMD Ryzen AI 300, NPU", kNpu, 120, 50, 0, 32,
     "AMD: 50 TOPS, LPDDR5X-7500, 128 bit"},
    {"snapdragon-x-npu", "Qualcomm Snapdragon X Elite, NPU", kNpu, 135, 45, 0, 32,
     "Qualcomm: 45 TOPS, LPDDR5X-8448, 128 bit"},
});

}  // namespace

std::string_view MachineKindName(MachineKind kind) {
    switch (kind) {
        case MachineKind::kCpu:
            return "CPU";
        case MachineKind::kGpu:
            return "GPU";
        case MachineKind::kNpu:
            return "NPU";
    }
    return "";
}

std::span<const Machine> NamedMachines() {
    return kMachines;
}

Result<Machine> FindMachine(std::string_view name) {
    auto found = std::ranges::find(kMachines, name, &Machine::name);
    if (found != kMachines.end()) return *found;
    std::string names;
    for (const Machine& machine : kMachines) names += fmt::format(" {}", machine.name);
    return MakeError(Code::kNotFound, "no machine named {}; there are:{}", name, names);
}

}  // namespace lathe::advise
