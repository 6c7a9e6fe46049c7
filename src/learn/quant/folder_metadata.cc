#include "learn/quant/folder_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compute/tokenizer/hf_gguf_vocab.h"

namespace lathe::quant {
namespace {

using model::ModelConfig;
using model::RopeScaling;
using modelfile::GgufMetadata;

constexpr uint32_t kGemma3Period = 6;

class ModelKeys {
public:
    ModelKeys(const ModelConfig& config, GgufMetadata& out) : config_(config), out_(out) {}

    Status Write() {
        const ModelConfig& c = config_;
        U32("block_count", c.layer_count);
        U32("context_length", c.context_length);
        U32("embedding_length", c.width);
        U32("feed_forward_length", c.feed_forward_width);
        U32("attention.head_count", c.head_count);
        U32("attention.head_count_kv", c.kv_head_count);
        U32("attention.key_length", c.head_dim);
        U32("attention.value_length", c.head_dim);
        F32("attention.layer_norm_rms_epsilon", c.norm_epsilon);
        U32("vocab_size", c.vocab_size);
        LATHE_RETURN_IF_ERROR(Rope());
        LATHE_RETURN_IF_ERROR(Window());
        if (c.attention_softcap != 0) F32("attn_logit_softcapping", c.attention_softcap);
        if (c.logit_softcap != 0) F32("final_logit_softcapping", c.logit_softcap);
        auto usual = static_cast<float>(1 / std::sqrt(static_cast<double>(c.head_dim)));
        if (std::fabs(c.attention_scale - usual) > 1e-6f * usual)
            F32("attention.scale", c.attention_scale);
        return {};
    }

private:
    std::string Key(std::string_view key) const {
        return fmt::format("{}.{}", config_.architecture, key);
    }
    void U32(std::string_view key, uint32_t value) { out_.SetU32(Key(key), value); }
    void F32(std::string_view key, float value) { out_.SetF32(Key(key), value); }

    Status Rope() {
        const model::RopeConfig& rope = config_.rope;
        U32("rope.dimension_count", rope.dims);
        F32("rope.freq_base", rope.base);
        if (rope.scaling == RopeScaling::kLinear) {
            out_.SetString(Key("rope.scaling.type"), "linear");
            F32("rope.scaling.factor", rope.factor);
        } else if (rope.scaling == RopeScaling::kYarn) {
            out_.SetString(Key("rope.scaling.type"), "yarn");
            F32("rope.scaling.factor", rope.factor);
            U32("rope.scaling.original_context_length",
                static_cast<uint32_t>(rope.original_context));
            // Files state what is beyond the usual attention factor.
            float usual = rope.factor > 1 ? 0.1f * std::log(rope.factor) + 1 : 1;
            F32("rope.scaling.attn_factor", rope.attention_factor / usual);
            F32("rope.scaling.yarn_beta_fast", rope.beta_fast);
            F32("rope.scaling.yarn_beta_slow", rope.beta_slow);
        }  // Llama 3's is the tensor rope_freqs.weight
        if (config_.architecture != "gemma3") return {};
        F32("rope.freq_base_swa", config_.rope_local.base);
        if (config_.rope_local.scaling == RopeScaling::kNone) return {};
        return MakeError(Code::kUnimplemented,
                         "config.json: scaled rotary positions of sliding layers cannot be written "
                         "into a GGUF file");
    }

    Status Window() {
        const ModelConfig& c = config_;
        auto slides = [&](uint32_t layer) -> bool { return c.layer_slides[layer]; };
        bool any = std::ranges::find(c.layer_slides, true) != c.layer_slides.end();
        bool gemma = c.architecture.starts_with("gemma");
        if (!any && !gemma) return {};
        U32("attention.sliding_window", c.sliding_window);
        if (c.architecture == "llama" &&
            std::ranges::find(c.layer_slides, false) == c.layer_slides.end())
            return {};
        bool usual = gemma;
        uint32_t period = c.architecture == "gemma2" ? 2 : kGemma3Period;
        for (uint32_t layer = 0; layer < c.layer_count; ++layer)
            usual &= slides(layer) == ((layer + 1) % period != 0);
        if (usual) return {};
        if (c.architecture == "gemma3") {
            out_.SetBools(Key("attention.sliding_window_pattern"), c.layer_slides);
            return {};
        }
        return MakeError(Code::kUnimplemented,
                         "config.json: the pattern of sliding-window layers cannot be written into "
                         "a GGUF file of {}; run the folder as it is",
                         c.architecture);
    }

    const ModelConfig& config_;
    GgufMetadata& out_;
};

void WriteVocab(const tokenizer::GgufVocab& vocab, GgufMetadata& out) {
    out.SetString("tokenizer.ggml.model", vocab.model);
    out.SetString("tokenizer.ggml.pre", vocab.pre);
    out.SetStrings("tokenizer.ggml.tokens", vocab.tokens);
    if (!vocab.scores.empty()) out.SetF32s("tokenizer.ggml.scores", vocab.scores);
    out.SetI32s("tokenizer.ggml.token_type", vocab.types);
    if (!vocab.merges.empty()) out.SetStrings("tokenizer.ggml.merges", vocab.merges);
    auto id = [&](std::string_view key, std::optional<uint32_t> value) {
        if (value) out.SetU32(fmt::format("tokenizer.ggml.{}_token_id", key), *value);
    };
    id("bos", vocab.bos);
    id("eos", vocab.eos);
    id("unknown", vocab.unknown);
    id("padding", vocab.padding);
    out.SetBool("tokenizer.ggml.add_bos_token", vocab.add_bos);
    out.SetBool("tokenizer.ggml.add_eos_token", vocab.add_eos);
    if (vocab.model == "llama")
        out.SetBool("tokenizer.ggml.add_space_prefix", vocab.add_space_prefix);
}

}  // namespace

Result<GgufMetadata> FolderMetadata(const modelfile::HfFolder& folder, const ModelConfig& config) {
    std::string where = folder.path().string();
    GgufMetadata metadata;
    metadata.SetString("general.architecture", config.architecture);
    metadata.SetString("general.type", "model");
    metadata.SetString("general.name", config.name);
    if (!folder.license().empty()) metadata.SetString("general.license", folder.license());
    if (Status status = ModelKeys(config, metadata).Write(); !status)
        return std::unexpected(WithContext(status.error(), where));
    if (folder.tokenizer_json().empty())
        return MakeError(Code::kNotFound,
                         "{}: there is no tokenizer.json in this folder; download it there", where);
    auto vocab = tokenizer::GgufVocabFromHuggingFace(
        folder.tokenizer_json(), folder.tokenizer_config_json(), config.vocab_size);
    if (!vocab) return std::unexpected(WithContext(vocab.error(), where));
    WriteVocab(*vocab, metadata);
    if (!folder.chat_template().empty())
        metadata.SetString("tokenizer.chat_template", folder.chat_template());
    return metadata;
}

}  // namespace lathe::quant
