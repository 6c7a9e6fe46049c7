#include "support/tiny_model.h"

namespace lathe::testing_support {

TinyModel::TinyModel(std::string_view name) : architecture(name) {
    constexpr uint64_t kWidth = 32, kQuery = 32, kKey = 16, kHead = 8, kInner = 64;
    counts = {{"block_count", 2},           {"context_length", 128},
              {"embedding_length", kWidth}, {"feed_forward_length", kInner},
              {"attention.head_count", 4},  {"attention.head_count_kv", 2},
              {"attention.key_length", 8},  {"attention.value_length", 8}};
    reals = {{"attention.layer_norm_rms_epsilon", 1e-6f}, {"rope.freq_base", 10000.f}};
    bool gemma = architecture.starts_with("gemma");
    if (gemma) counts["attention.sliding_window"] = 16;
    Add("token_embd.weight", {kVocabulary, kWidth});
    Add("output_norm.weight", {kWidth});
    if (!gemma) Add("output.weight", {kVocabulary, kWidth});
    for (int layer = 0; layer < 2; ++layer) {
        std::string prefix = "blk." + std::to_string(layer) + ".";
        Add(prefix + "attn_norm.weight", {kWidth});
        Add(prefix + "attn_q.weight", {kQuery, kWidth});
        Add(prefix + "attn_k.weight", {kKey, kWidth});
        Add(prefix + "attn_v.weight", {kKey, kWidth});
        Add(prefix + "attn_output.weight", {kWidth, kQuery});
        Add(prefix + "ffn_norm.weight", {kWidth});
        Add(prefix + "ffn_gate.weight", {kInner, kWidth});
        Add(prefix + "ffn_up.weight", {kInner, kWidth});
        Add(prefix + "ffn_down.weight", {kWidth, kInner});
        if (architecture == "qwen2") {
            Add(prefix + "attn_q.bias", {kQuery});
            Add(prefix + "attn_k.bias", {kKey});
            Add(prefix + "attn_v.bias", {kKey});
        }
        if (architecture == "qwen3" || architecture == "gemma3") {
            Add(prefix + "attn_q_norm.weight", {kHead});
            Add(prefix + "attn_k_norm.weight", {kHead});
        }
        if (gemma) {
            Add(prefix + "post_attention_norm.weight", {kWidth});
            Add(prefix + "post_ffw_norm.weight", {kWidth});
        }
    }
}

void TinyModel::Add(const std::string& name, const std::vector<uint64_t>& shape) {
    uint64_t count = 1;
    for (uint64_t size : shape) count *= size;
    uint32_t state = 2166136261u;
    for (char letter : name) state = (state ^ static_cast<uint8_t>(letter)) * 16777619u;
    std::vector<float> values(count);
    for (float& value : values) {
        state = state * 1664525u + 1013904223u;
        float unit = static_cast<float>(state >> 8) / float{1 << 24} - 0.5f;
        value = shape.size() == 1 ? 1 + 0.2f * unit : 0.5f * unit;
    }
    tensors[name] = {shape, 0, GgufBuilder::BytesOf(values)};
}

std::string TinyModel::Build() const {
    GgufBuilder builder;
    builder.String("general.architecture", architecture).String("general.name", "tiny");
    for (const auto& [key, value] : counts) builder.U32(architecture + "." + key, value);
    for (const auto& [key, value] : reals) builder.F32(architecture + "." + key, value);
    for (const auto& [key, value] : strings) builder.String(architecture + "." + key, value);
    for (const auto& [name, tensor] : tensors)
        builder.Tensor(name, tensor.shape, tensor.type, tensor.data);
    return builder.Build();
}

}  // namespace lathe::testing_support
