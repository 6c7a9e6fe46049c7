#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace lathe::advise {

enum class MachineKind { kCpu, kGpu, kNpu };
std::string_view MachineKindName(MachineKind kind);  // "CPU" ...

// What a machine can do at most. Published figures for the named ones (docs/hardware.md has
// the sources), measured ones for this machine.
struct Machine {
    std::string_view name{};  // what --machine takes
    std::string_view title{};
    MachineKind kind = MachineKind::kCpu;
    double memory_gbps = 0;     // of reading memory, 1e9 bytes a second
    double product_tops = 0;    // of products with weights, 1e12 operations a second: int8 on
                                // CPUs and NPUs, half precision without sparsity on GPUs
    double float_tflops = 0;    // of float32 multiply-adds: attention on a CPU
    double memory_gib = 0;      // that it has, or is commonly built with; 0: unknown
    std::string_view source{};  // of the figures
};

std::span<const Machine> NamedMachines();
// Errors (kNotFound) list the names.
Result<Machine> FindMachine(std::string_view name);

}  // namespace lathe::advise
