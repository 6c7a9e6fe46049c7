#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe::modelfile {

// How a family of architectures names the norms around attention and MLP.
enum class HfNorms {
    kTwo,   // Llama, Mistral, Qwen: post_attention_layernorm comes before the MLP
    kFour,  // Gemma 2 and 3: it comes after attention, the MLP has its own two
};

// "model.layers.7.self_attn.q_proj.weight" -> "blk.7.attn_q.weight". nullopt for
// tensors that are no part of the language model (a vision tower, say) or not known.
// Models that also see images put "language_model." somewhere before; it is ignored.
// Thread-safe.
std::optional<std::string> CanonicalTensorName(std::string_view hf_name, HfNorms norms);

}  // namespace lathe::modelfile
