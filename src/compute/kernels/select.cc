#include <fmt/ranges.h>

#include <cstdlib>
#include <vector>

#include "compute/kernels/tables.h"
#include "core/platform/cpu.h"

namespace lathe::kernels {
namespace {

struct Candidate {
    const Table* table;
    bool runs_here;
    std::string_view needs;
};

// Slowest first.
std::vector<Candidate> Candidates() {
    std::vector<Candidate> all = {{&GenericTable(), true, ""}};
#if defined(__x86_64__)
    platform::CpuFeatures cpu = platform::DetectCpuFeatures();
    all.push_back({&Avx2Table(), cpu.avx2, "AVX2 with FMA and F16C"});
    all.push_back({&AvxVnniTable(), cpu.avx2 && cpu.avx_vnni, "AVX-VNNI"});
    all.push_back(
        {&Avx512Table(), cpu.avx512 && cpu.avx512_vnni, "AVX-512 (F, BW, DQ, VL) with VNNI"});
    all.push_back({&AmxTable(), cpu.avx512_vnni && cpu.amx,
                   "AMX with INT8 and BF16, AVX512-BF16, and a system that lends tiles"});
#endif
    return all;
}

}  // namespace

std::span<const Table* const> AvailableTables() {
    static const std::vector<const Table*> tables = [] {
        std::vector<const Table*> result;
        for (const Candidate& candidate : Candidates())
            if (candidate.runs_here) result.push_back(candidate.table);
        return result;
    }();
    return tables;
}

Result<const Table*> SelectTable(std::string_view name) {
    std::string_view source = "kernel table";
    if (name.empty()) {
        const char* variable = std::getenv("LATHE_KERNELS");
        if (variable == nullptr || *variable == 0) return AvailableTables().back();
        name = variable;
        source = "LATHE_KERNELS";
    }
    std::vector<std::string_view> known, runnable;
    for (const Candidate& candidate : Candidates()) known.push_back(candidate.table->name);
    for (const Table* table : AvailableTables()) runnable.push_back(table->name);
    for (const Candidate& candidate : Candidates()) {
        if (candidate.table->name != name) continue;
        if (candidate.runs_here) return candidate.table;
        return MakeError(Code::kFailedPrecondition,
                         "{} '{}' needs {}, which this machine ({}) lacks; it can run: {}", source,
                         name, candidate.needs, platform::CpuModelName(),
                         fmt::join(runnable, ", "));
    }
    return MakeError(Code::kFailedPrecondition,
                     "{} '{}' is not known; choose one of: {} (this machine can run: {})", source,
                     name, fmt::join(known, ", "), fmt::join(runnable, ", "));
}

}  // namespace lathe::kernels
