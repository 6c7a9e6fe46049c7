#include "compute/modelfile/hf_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lathe::modelfile {
namespace {

struct NamePair {
    std::string_view hf;
    std::string_view canonical;
};

constexpr auto kOutside = std::to_array<NamePair>({
    {"embed_tokens.weight", "token_embd.weight"},
    {"norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
});

constexpr auto kInLayers = std::to_array<NamePair>({
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
});

constexpr std::string_view kPostAttention = "post_attention_layernorm";

template <size_t N>
std::optional<std::string_view> Find(const std::array<NamePair, N>& table, std::string_view hf) {
    auto found = std::ranges::find(table, hf, &NamePair::hf);
    if (found == table.end()) return std::nullopt;
    return found->canonical;
}

}  // namespace

std::optional<std::string> CanonicalTensorName(std::string_view hf_name, HfNorms norms) {
    for (bool more = true; more;) {
        more = false;
        for (std::string_view prefix : {"model.", "language_model."}) {
            if (!hf_name.starts_with(prefix)) continue;
            hf_name.remove_prefix(prefix.size());
            more = true;
        }
    }
    if (auto name = Find(kOutside, hf_name)) return std::string(*name);
    if (!hf_name.starts_with("layers.")) return std::nullopt;
    hf_name.remove_prefix(7);
    size_t digits = hf_name.find_first_not_of("0123456789");
    size_t suffix = hf_name.rfind('.');
    if (digits == 0 || digits == std::string_view::npos || digits > 6 || hf_name[digits] != '.' ||
        suffix <= digits)
        return std::nullopt;
    std::string_view number = hf_name.substr(0, digits);
    std::string_view kind = hf_name.substr(suffix);  // ".weight", ".bias"
    std::string_view middle = hf_name.substr(digits + 1, suffix - digits - 1);
    std::optional<std::string_view> name = Find(kInLayers, middle);
    if (middle == kPostAttention)
        name = norms == HfNorms::kFour ? "post_attention_norm" : "ffn_norm";
    // Unknown tensors of a layer stay visible under "blk.", so that a model of another
    // kind than it says is refused.
    return fmt::format("blk.{}.{}{}", number, name ? *name : middle, kind);
}

}  // namespace lathe::modelfile
