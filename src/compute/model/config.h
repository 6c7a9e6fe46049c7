#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::modelfile {
class Gguf;
class ModelPackage;
}  // namespace lathe::modelfile

namespace lathe::model {

enum class Activation { kSilu, kGeluTanh };
enum class RopePairs { kInterleaved, kHalves };
enum class RopeScaling { kNone, kLinear, kLlama3, kYarn };

// Rotary position embedding (Su et al. 2021). Angle of pair i at position p:
// p * base^(-2i / dims), changed by the scaling.
struct RopeConfig {
    uint32_t dims = 0;  // leading dimensions of a head that are rotated
    float base = 10000;
    RopeScaling scaling = RopeScaling::kNone;
    float factor = 1;
    float low_frequency_factor = 1;   // llama3
    float high_frequency_factor = 4;  // llama3
    float original_context = 8192;    // llama3, yarn
    float beta_fast = 32;             // yarn
    float beta_slow = 1;              // yarn
    float attention_factor = 1;       // yarn: multiplies cos and sin
};

// What distinguishes one decoder-only transformer from another, as data. Filled by
// one function per architecture (architectures/*.cc) from GGUF metadata or from a
// Hugging Face config.json; the forward pass reads nothing else.
struct ModelConfig {
    std::string architecture;  // GGUF's name: llama, qwen2, qwen3, gemma2, gemma3
    std::string name;          // general.name or the folder's name
    uint32_t vocab_size = 0;
    uint32_t context_length = 0;
    uint32_t width = 0;  // of the residual stream
    uint32_t layer_count = 0;
    uint32_t head_count = 0;
    uint32_t kv_head_count = 0;
    uint32_t head_dim = 0;
    uint32_t feed_forward_width = 0;
    float norm_epsilon = 1e-5f;
    Activation activation = Activation::kSilu;
    RopePairs rope_pairs = RopePairs::kHalves;
    RopeConfig rope;                 // of layers that see everything
    RopeConfig rope_local;           // of sliding-window layers
    uint32_t sliding_window = 0;     // tokens; 0: none
    std::vector<bool> layer_slides;  // [layer_count]
    float embedding_scale = 1;       // multiplies token embeddings
    float attention_scale = 0;       // multiplies q.k
    float attention_softcap = 0;     // 0: none
    float logit_softcap = 0;         // 0: none
    bool qkv_bias = false;
    bool output_bias = false;           // of the attention output projection
    bool qk_norm = false;               // RMS norm of each query and key head
    bool post_norms = false;            // RMS norm after attention and after the MLP
    bool norm_weight_plus_one = false;  // file stores w, the norm multiplies by 1 + w
    bool tied_head = false;             // logits use the embedding matrix

    uint32_t query_width() const { return head_count * head_dim; }
    uint32_t kv_width() const { return kv_head_count * head_dim; }
    // Bytes of keys and values of one token over all layers.
    uint64_t KvBytesPerToken(uint32_t bytes_per_element) const {
        return uint64_t{2} * layer_count * kv_width() * bytes_per_element;
    }
};

// Errors name an unknown architecture and list the supported ones, or name the key
// that is missing or out of range.
Result<ModelConfig> ConfigFromGguf(const modelfile::Gguf& file);
Result<ModelConfig> ConfigFromHuggingFace(const Json& config_json);

// Either of them, and every tensor the model needs is there with its shape
// (tensor_plan.h).
Result<ModelConfig> ConfigFromPackage(const modelfile::ModelPackage& package);

// "llama, qwen2, qwen3, gemma2, gemma3"
std::string SupportedArchitectures();

}  // namespace lathe::model
