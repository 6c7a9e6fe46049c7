#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compute/modelfile/packing.h"
#include "compute/modelfile/safetensors.h"
#include "compute/tensor/tensor_view.h"
#include "core/base/result.h"

namespace lathe::modelfile {

// The tensors of one packed matrix; null where the checkpoint has none.
struct PackedTensors {
    const SafetensorsEntry* qweight = nullptr;
    const SafetensorsEntry* qzeros = nullptr;
    const SafetensorsEntry* scales = nullptr;
    const SafetensorsEntry* g_idx = nullptr;
};

// A matrix of a GPTQ or AWQ checkpoint, shown as blocks of the smallest type that holds
// it: weight[o, i] = scale[g, o] * (code[i, o] - zero[g, o]), codes 0 to 15, g the group of i.
//
//   GPTQ  qweight I32 [inputs / 8, outputs], input 8 r + k in bits 4 k of word r
//         qzeros I32 [groups, outputs / 8], scales [groups, outputs], g_idx I32 [inputs]
//   AWQ   qweight I32 [inputs, outputs / 8], output 8 c + {0 2 4 6 1 3 5 7}[k] in bits 4 k
//         of word c; qzeros [groups, outputs / 8] likewise; scales [groups, outputs]
//
// Types: Q4_0 where every zero point is 8, else Q5_0, which holds any difference of code and
// zero point with the scale as it is. Where groups are no blocks of 32 neighbours (act order, odd
// group sizes) F16, which rounds as the packers' own dequantization does; F32 where F16 cannot hold
// a scale. See docs/design/import.md.
//
// Borrows the tensors' bytes. Const-safe.
class PackedMatrixSource : public tensor::RowSource {
public:
    // Errors name the tensor, its shape and what it should be.
    static Result<PackedMatrixSource> Create(const std::string& name, const PackedTensors& tensors,
                                             const Packing& packing);

    tensor::DType type() const { return type_; }
    uint64_t rows() const { return outputs_; }
    uint64_t cols() const { return inputs_; }
    std::span<const std::byte> codes() const { return codes_; }  // most of its bytes

    void CopyRows(uint64_t first, std::span<std::byte> out) const override;

private:
    struct Tile;

    PackedMatrixSource() = default;
    Status AdoptCodes(const std::string& name, const SafetensorsEntry* qweight);
    Status AdoptGroups(const std::string& name, const PackedTensors& tensors, uint64_t group_size);
    Status AdoptOrder(const std::string& name, const SafetensorsEntry* g_idx, uint64_t group_size);
    tensor::DType ChooseType() const;

    uint32_t ZeroPoint(uint64_t group, uint64_t output) const;
    float Scale(uint64_t group, uint64_t output) const;
    void Unpack(uint64_t first, Tile& tile) const;
    void ExpandRow(uint64_t output, std::span<const uint8_t> codes, std::byte* out) const;
    void EncodeRow(uint64_t output, std::span<const uint8_t> codes, std::byte* out) const;

    PackingKind kind_ = PackingKind::kGptq;
    uint64_t inputs_ = 0;
    uint64_t outputs_ = 0;
    uint64_t groups_ = 0;
    std::vector<uint32_t> group_of_;  // [inputs]
    std::span<const std::byte> codes_;
    std::span<const std::byte> zeros_;
    std::span<const std::byte> scales_;
    tensor::DType scale_type_ = tensor::DType::kF16;
    tensor::DType type_ = tensor::DType::kQ5_0;
};

}  // namespace lathe::modelfile
