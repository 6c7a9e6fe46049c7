// The encoders of one instruction set.
#pragma once

#include "learn/quant/algorithm/blocks.h"
#include "learn/quant/algorithm/plain.h"
#include "learn/quant/encode.h"

namespace lathe::quant {
namespace {

// What EncodeTable::encode is called with.
struct EncodeCall {
    const float* values;
    size_t count;
    const float* importance;
    size_t cols;
    uint8_t* out;

    // Calls encode(runs, blocks, out) for batches of kLanes runs of kCount elements; a
    // block is kRunsPerBlock of them.
    template <int kCount, size_t kRunsPerBlock, size_t kBlockBytes, class Encode>
    void ByRuns(Encode encode) const {
        constexpr size_t kBlocksPerBatch = kLanes / kRunsPerBlock;
        size_t run_count = count / kCount;
        size_t block_count = run_count / kRunsPerBlock;
        for (size_t block = 0; block < block_count; block += kBlocksPerBatch) {
            size_t left = block_count - block;
            encode(Runs<kCount>(values, block * kRunsPerBlock, run_count, importance, cols),
                   left < kBlocksPerBatch ? left : kBlocksPerBatch, out + block * kBlockBytes);
        }
    }

    template <size_t kBlockBytes>
    void ByBlocks(void (*encode)(const float*, uint8_t*)) const {
        for (size_t block = 0; block < count / 32; ++block)
            encode(values + block * 32, out + block * kBlockBytes);
    }
};

inline void EncodeBlocksOf32(DType type, const EncodeCall& call) {
    bool weighed = call.importance != nullptr;
    switch (type) {
        case DType::kQ8_0:
            return call.ByBlocks<34>(EncodeQ8_0);
        case DType::kQ4_0:
            return weighed ? call.ByRuns<32, 1, 18>(EncodeWeighedSymmetric<4>)
                           : call.ByBlocks<18>(EncodeQ4_0);
        case DType::kQ5_0:
            return weighed ? call.ByRuns<32, 1, 22>(EncodeWeighedSymmetric<5>)
                           : call.ByBlocks<22>(EncodeQ5_0);
        case DType::kQ4_1:
            return weighed ? call.ByRuns<32, 1, 20>(EncodeWeighedAffine<4>)
                           : call.ByBlocks<20>(EncodeQ4_1);
        case DType::kQ5_1:
            return weighed ? call.ByRuns<32, 1, 24>(EncodeWeighedAffine<5>)
                           : call.ByBlocks<24>(EncodeQ5_1);
        default:
            return call.ByRuns<32, 1, 18>(EncodeIq4Nl);
    }
}

inline void EncodeAny(DType type, const float* values, size_t count, const float* importance,
                      size_t cols, std::byte* bytes) {
    auto* out = reinterpret_cast<uint8_t*>(bytes);
    EncodeCall call = {values, count, importance, cols, out};
    auto single = [](void (*encode)(const Runs<16>&, uint8_t*)) {
        return [encode](const Runs<16>& runs, size_t, uint8_t* at) { encode(runs, at); };
    };
    switch (type) {
        case DType::kF32:
            std::memcpy(out, values, count * sizeof(float));
            return;
        case DType::kF16:
            return EncodeF16(values, count, out);
        case DType::kBF16:
            return EncodeBF16(values, count, out);
        case DType::kQ2_K:
            return call.ByRuns<16, 16, 84>(single(EncodeQ2K));
        case DType::kQ3_K:
            return call.ByRuns<16, 16, 110>(single(EncodeQ3K));
        case DType::kQ4_K:
            return call.ByRuns<32, 8, 144>(EncodeQ45K<4>);
        case DType::kQ5_K:
            return call.ByRuns<32, 8, 176>(EncodeQ45K<5>);
        case DType::kQ6_K:
            return call.ByRuns<16, 16, 210>(single(EncodeQ6K));
        default:
            return EncodeBlocksOf32(type, call);
    }
}

}  // namespace
}  // namespace lathe::quant
