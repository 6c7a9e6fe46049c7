// The named mixes of weight types, as files of the field use them: which tensor gets
// which type. Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/tensor/dtype.h"

namespace lathe::quant {

struct Mix {
    std::string_view name;  // "Q4_K_M"
    tensor::DType base;     // of most matrices
    uint32_t file_type;     // GGUF's general.file_type
};

// nullptr for an unknown name. Also "Q4_K" and the like, which mean the M mix, in any case.
const Mix* FindMix(std::string_view name);
// "F32, F16, BF16, Q8_0, ...", for messages.
std::string MixNames();

// What of a model the choice depends on.
struct MixModel {
    uint32_t layer_count = 0;
    uint32_t queries_per_kv_head = 1;
    bool tied_head = false;  // no output.weight: the embedding matrix is the head
    bool has_importance = false;
};

// Whether a tensor is quantized at all: matrices named *.weight; not norms, biases, tables.
bool IsQuantizable(std::string_view name, size_t dimensions);

// The type of a quantizable tensor of `cols` columns. Where the mix's type has no whole
// blocks in a row, the one of 32 columns that is next in size takes its place.
tensor::DType TypeInMix(const Mix& mix, const MixModel& model, std::string_view name,
                        uint64_t cols);

// The type itself if `cols` are whole blocks of it, else what stands in for it.
tensor::DType FittingType(tensor::DType type, uint64_t cols);

// 7 of "blk.7.attn_v.weight"; nullopt outside layers.
std::optional<uint32_t> LayerOf(std::string_view name);

}  // namespace lathe::quant
