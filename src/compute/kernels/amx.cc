// AVX-512 with the matrix tiles of AMX: int8 for many rows at once, bf16 for prompts.
#include "compute/kernels/amx/attention.h"
#include "compute/kernels/amx/gemm_bf16.h"
#include "compute/kernels/amx/gemm_i8.h"
#include "compute/kernels/tables.h"

namespace lathe::kernels {
namespace {

size_t Larger(size_t a, size_t b) {
    return a > b ? a : b;
}

size_t AmxScratchFloats(const PackedMatrix& w) {
    size_t floats = GemmScratchFloats<Amx>(w);
    if (!w.quantized()) return floats;
    size_t bytes = Larger(AmxGemmI8::ScratchBytes(w), AmxGemmBf16::kScratchBytes);
    return Larger(floats, bytes / sizeof(float));
}

size_t AmxAttentionScratchFloats(const AttentionTask& task) {
    return Larger(Attention<Amx>::ScratchFloats(task), AmxAttention::ScratchFloats(task));
}

constexpr Table MakeAmxTable() {
    Table table = MakeTable<Amx>();
    table.gemm_i8 = AmxGemmI8::Run;
    table.gemm_bf16 = AmxGemmBf16::Run;
    table.gemm_scratch_floats = AmxScratchFloats;
    table.to_bf16_row = AmxGemmBf16::ToRow;
    table.attend_bf16 = AmxAttention::Run;
    table.attention_scratch_floats = AmxAttentionScratchFloats;
    table.probe_tiles = AmxGemmBf16::Probe;
    return table;
}

}  // namespace

const Table& AmxTable() {
    static constexpr Table kTable = MakeAmxTable();
    return kTable;
}

}  // namespace lathe::kernels
