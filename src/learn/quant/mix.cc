// Source of the table: llama.cpp's tools/quantize and src/llama-quant.cpp, whose mixes
// files of the field are named after.
#include "learn/quant/mix.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace lathe::quant {
namespace {

using tensor::DType;

constexpr auto kMixes = std::to_array<Mix>({
    {"F32", DType::kF32, 0},      {"F16", DType::kF16, 1},      {"BF16", DType::kBF16, 32},
    {"Q8_0", DType::kQ8_0, 7},    {"Q6_K", DType::kQ6_K, 18},   {"Q5_K_M", DType::kQ5_K, 17},
    {"Q5_K_S", DType::kQ5_K, 16}, {"Q5_1", DType::kQ5_1, 9},    {"Q5_0", DType::kQ5_0, 8},
    {"Q4_K_M", DType::kQ4_K, 15}, {"Q4_K_S", DType::kQ4_K, 14}, {"IQ4_NL", DType::kIQ4_NL, 25},
    {"Q4_1", DType::kQ4_1, 3},    {"Q4_0", DType::kQ4_0, 2},    {"Q3_K_L", DType::kQ3_K, 13},
    {"Q3_K_M", DType::kQ3_K, 12}, {"Q3_K_S", DType::kQ3_K, 11}, {"Q2_K", DType::kQ2_K, 10},
    {"Q2_K_S", DType::kQ2_K, 21},
});

// The first eighth of the layers, the last eighth, and every third between.
bool UseMoreBits(uint32_t layer, uint32_t count) {
    return layer < count / 8 || layer >= 7 * count / 8 || (layer - count / 8) % 3 == 2;
}

DType OfHead(const Mix& mix, uint64_t cols) {
    uint32_t block = tensor::Info(mix.base).block_size;
    if (cols % block != 0 || mix.base == DType::kQ8_0) return DType::kQ8_0;
    return DType::kQ6_K;
}

DType OfAttentionValue(const Mix& mix, const MixModel& model, uint32_t layer) {
    std::string_view name = mix.name;
    bool shared = model.queries_per_kv_head >= 4;
    if (name == "Q2_K") return shared ? DType::kQ4_K : DType::kQ3_K;
    if (name == "Q2_K_S" && shared) return DType::kQ4_K;
    if (name == "Q3_K_M") return layer < 2 ? DType::kQ5_K : DType::kQ4_K;
    if (name == "Q3_K_L") return DType::kQ5_K;
    if (name == "IQ4_NL" && shared) return DType::kQ5_K;
    if (name == "Q4_K_M" || name == "Q5_K_M")
        return UseMoreBits(layer, model.layer_count) ? DType::kQ6_K : mix.base;
    if (name == "Q4_K_S" && layer < 4) return DType::kQ5_K;
    return mix.base;
}

DType OfDown(const Mix& mix, const MixModel& model, uint32_t layer) {
    std::string_view name = mix.name;
    bool first_eighth = layer < model.layer_count / 8;
    if (name == "Q2_K") return DType::kQ3_K;
    if (name == "Q2_K_S" && first_eighth) return DType::kQ4_K;
    if (name == "Q3_K_M") return layer < model.layer_count / 16 ? DType::kQ5_K : DType::kQ4_K;
    if (name == "Q3_K_L") return DType::kQ5_K;
    if (name == "Q4_K_M" || name == "Q5_K_M")
        return UseMoreBits(layer, model.layer_count) ? DType::kQ6_K : mix.base;
    if (first_eighth && name == "IQ4_NL" && !model.has_importance) return DType::kQ5_K;
    if (first_eighth && name == "Q4_K_S") return DType::kQ5_K;
    if (first_eighth && model.has_importance) {
        if (name == "Q4_0") return DType::kQ4_1;
        if (name == "Q5_0") return DType::kQ5_1;
    }
    return mix.base;
}

DType OfAttentionOutput(const Mix& mix) {
    if (mix.name == "Q2_K") return DType::kQ3_K;
    if (mix.name == "Q3_K_M") return DType::kQ4_K;
    if (mix.name == "Q3_K_L") return DType::kQ5_K;
    return mix.base;
}

bool IsPlain(DType type) {
    return tensor::Info(type).block_size == 1;
}

}  // namespace

const Mix* FindMix(std::string_view name) {
    std::string upper(name);
    std::ranges::transform(upper, upper.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    for (std::string_view of_medium : {"Q3_K", "Q4_K", "Q5_K"})
        if (upper == of_medium) upper += "_M";
    auto found = std::ranges::find(kMixes, upper, &Mix::name);
    return found == kMixes.end() ? nullptr : &*found;
}

std::string MixNames() {
    std::string names;
    for (const Mix& mix : kMixes) {
        if (!names.empty()) names += ", ";
        names += mix.name;
    }
    return names;
}

bool IsQuantizable(std::string_view name, size_t dimensions) {
    // Tables that are looked up or decide between experts lose too much.
    for (std::string_view kept :
         {"_norm.weight", "ffn_gate_inp.weight", "position_embd.weight", "token_types.weight"})
        if (name.ends_with(kept)) return false;
    return dimensions >= 2 && name.ends_with("weight");
}

std::optional<uint32_t> LayerOf(std::string_view name) {
    if (!name.starts_with("blk.")) return std::nullopt;
    uint32_t layer = 0;
    auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), layer);
    if (error != std::errc() || end == name.data() + name.size() || *end != '.')
        return std::nullopt;
    return layer;
}

DType FittingType(DType type, uint64_t cols) {
    if (cols % tensor::Info(type).block_size == 0) return type;
    DType fallback = DType::kF16;
    if (type == DType::kQ2_K || type == DType::kQ3_K) fallback = DType::kQ4_0;
    if (type == DType::kQ4_K) fallback = DType::kQ5_0;
    if (type == DType::kQ5_K) fallback = DType::kQ5_1;
    if (type == DType::kQ6_K) fallback = DType::kQ8_0;
    return cols % tensor::Info(fallback).block_size == 0 ? fallback : DType::kF16;
}

DType TypeInMix(const Mix& mix, const MixModel& model, std::string_view name, uint64_t cols) {
    if (IsPlain(mix.base)) return mix.base;
    DType type = mix.base;
    std::optional<uint32_t> layer = LayerOf(name);
    if (name == "output.weight" || (name == "token_embd.weight" && model.tied_head))
        type = OfHead(mix, cols);
    else if (layer && name.ends_with(".attn_v.weight"))
        type = OfAttentionValue(mix, model, *layer);
    else if (layer && name.ends_with(".ffn_down.weight"))
        type = OfDown(mix, model, *layer);
    else if (layer && name.ends_with(".attn_output.weight"))
        type = OfAttentionOutput(mix);
    return FittingType(type, cols);
}

}  // namespace lathe::quant
