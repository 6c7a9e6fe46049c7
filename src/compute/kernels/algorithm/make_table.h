// The table of one instruction set.
#pragma once

#include "compute/kernels/algorithm/attention.h"
#include "compute/kernels/algorithm/elementwise.h"
#include "compute/kernels/algorithm/gemm_f32.h"
#include "compute/kernels/algorithm/gemm_i8.h"
#include "compute/kernels/algorithm/probe.h"
#include "compute/kernels/algorithm/store_kv.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
size_t GemmScratchFloats(const PackedMatrix& w) {
    size_t bytes = GemmF32<S>::kScratchBytes;
    if (w.quantized() && GemmI8<S>::ScratchBytes(w) > bytes) bytes = GemmI8<S>::ScratchBytes(w);
    return bytes / sizeof(float);
}

template <class S>
constexpr Table MakeTable() {
    using E = Elementwise<S>;
    return {
        .name = S::kName,
        .gemm_f32 = GemmF32<S>::Run,
        .gemm_i8 = GemmI8<S>::Run,
        .gemm_scratch_floats = GemmScratchFloats<S>,
        .quantize_row = E::QuantizeRow,
        .rms_norm = E::RmsNorm,
        .add = E::Add,
        .silu_mul = E::SiluMul,
        .gelu_mul = E::GeluMul,
        .rope_interleaved = E::RopeInterleaved,
        .rope_halves = E::RopeHalves,
        .store_kv = KvStore<S>::Run,
        .attend = Attention<S>::Run,
        .attention_scratch_floats = Attention<S>::ScratchFloats,
        .f32_to_f16 = E::F32ToF16,
        .max_and_sum_exp = E::MaxAndSumExp,
        .probe_dots = Probe<S>::Dots,
        .probe_multiply_adds = Probe<S>::MultiplyAdds,
        .probe_read = Probe<S>::Read,
    };
}

}  // namespace lathe::kernels
