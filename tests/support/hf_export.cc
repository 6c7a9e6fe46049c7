#include "support/hf_export.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/json/json.h"

namespace lathe::testing_support {
namespace {

using modelfile::Gguf;
using tensor::DType;
using tensor::TensorView;

std::string HfName(const std::string& name, bool gemma) {
    static const std::map<std::string, std::string> kParts = {
        {"attn_norm", "input_layernorm"},
        {"attn_q", "self_attn.q_proj"},
        {"attn_k", "self_attn.k_proj"},
        {"attn_v", "self_attn.v_proj"},
        {"attn_output", "self_attn.o_proj"},
        {"attn_q_norm", "self_attn.q_norm"},
        {"attn_k_norm", "self_attn.k_norm"},
        {"ffn_gate", "mlp.gate_proj"},
        {"ffn_up", "mlp.up_proj"},
        {"ffn_down", "mlp.down_proj"},
        {"post_attention_norm", "post_attention_layernorm"},
        {"post_ffw_norm", "post_feedforward_layernorm"},
    };
    if (name == "token_embd.weight") return "model.embed_tokens.weight";
    if (name == "output_norm.weight") return "model.norm.weight";
    if (name == "output.weight") return "lm_head.weight";
    size_t layer_end = name.find('.', 4);
    size_t kind = name.rfind('.');
    LATHE_CHECK(name.starts_with("blk.") && layer_end < kind);
    std::string part = name.substr(layer_end + 1, kind - layer_end - 1);
    std::string hf = part == "ffn_norm"
                         ? (gemma ? "pre_feedforward_layernorm" : "post_attention_layernorm")
                         : kParts.at(part);
    return "model.layers." + name.substr(4, layer_end - 4) + "." + hf + name.substr(kind);
}

class Exporter {
public:
    Exporter(const Gguf& gguf, DType type, const std::filesystem::path& folder)
        : gguf_(gguf), type_(type), folder_(folder) {
        arch_ = *gguf.GetString("general.architecture");
        LATHE_CHECK(arch_ == "llama" || arch_ == "qwen2" || arch_ == "gemma3");
        std::filesystem::create_directories(folder);
    }

    void Write() {
        WriteWeights();
        WriteText("config.json", DumpJson(Config(), 2));
        WriteText("generation_config.json",
                  DumpJson(Json{{"eos_token_id", Number("tokenizer.ggml.eos_token_id")}}, 2));
        Json tokenizer_config = Json::object();
        std::vector<std::string_view> tokens = *gguf_.GetStrings("tokenizer.ggml.tokens");
        for (std::string_view name : {"bos", "eos"})
            tokenizer_config[fmt::format("{}_token", name)] =
                tokens.at(Number(fmt::format("tokenizer.ggml.{}_token_id", name)));
        if (auto text = gguf_.GetString("tokenizer.chat_template"))
            tokenizer_config["chat_template"] = *text;
        WriteText("tokenizer_config.json", DumpJson(tokenizer_config, 2));
        if (gguf_.GetString("tokenizer.ggml.pre").value_or("") == "smollm")
            WriteText("tokenizer.json", DumpJson(SmolTokenizer()));
    }

private:
    uint64_t Number(const std::string& key) const { return *gguf_.GetUnsigned(key); }
    uint64_t Arch(const std::string& key) const { return Number(arch_ + "." + key); }

    uint64_t HeadDim() const {
        auto stated = gguf_.GetUnsigned(arch_ + ".attention.key_length");
        return stated ? *stated : Arch("embedding_length") / Arch("attention.head_count");
    }

    Json Config() const {
        Json config = {
            {"model_type", arch_ == "gemma3" ? "gemma3_text" : arch_},
            {"vocab_size", gguf_.FindTensor("token_embd.weight")->rows()},
            {"hidden_size", Arch("embedding_length")},
            {"intermediate_size", Arch("feed_forward_length")},
            {"num_hidden_layers", Arch("block_count")},
            {"num_attention_heads", Arch("attention.head_count")},
            {"num_key_value_heads", Arch("attention.head_count_kv")},
            {"head_dim", HeadDim()},
            {"max_position_embeddings", Arch("context_length")},
            {"rms_norm_eps", *gguf_.GetReal(arch_ + ".attention.layer_norm_rms_epsilon")},
            {"rope_theta", *gguf_.GetReal(arch_ + ".rope.freq_base")},
            {"tie_word_embeddings", gguf_.FindTensor("output.weight") == nullptr},
            {"torch_dtype", type_ == DType::kF32   ? "float32"
                            : type_ == DType::kF16 ? "float16"
                                                   : "bfloat16"},
        };
        if (arch_ == "gemma3") {
            config["sliding_window"] = Arch("attention.sliding_window");
            config["query_pre_attn_scalar"] = HeadDim();
            config["hidden_activation"] = "gelu_pytorch_tanh";
            config["rope_local_base_freq"] = 10000.0;
            config["sliding_window_pattern"] = 6;
        } else {
            config["hidden_act"] = "silu";
        }
        return config;
    }

    // Row of the GGUF matrix that is row `row` of the original one: converters put
    // dimension i of a head's first half and of its second half side by side.
    static size_t PermutedRow(size_t row, size_t head_dim) {
        size_t in_head = row % head_dim;
        size_t half = head_dim / 2;
        return row - in_head + in_head % half * 2 + in_head / half;
    }

    void WriteWeights() const {
        Json header = Json::object();
        uint64_t offset = 0;
        for (const TensorView& view : gguf_.tensors()) {
            uint64_t bytes = view.element_count() * tensor::Info(type_).block_bytes;
            header[HfName(view.name, arch_ == "gemma3")] = {
                {"dtype", tensor::Info(type_).name},
                {"shape", view.shape},
                {"data_offsets", {offset, offset + bytes}}};
            offset += bytes;
        }
        std::string text = DumpJson(header);
        text.resize((text.size() + 7) / 8 * 8, ' ');
        std::ofstream out(folder_ / "model.safetensors", std::ios::binary);
        uint64_t length = text.size();
        out.write(reinterpret_cast<const char*>(&length), sizeof length);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        for (const TensorView& view : gguf_.tensors()) WriteTensor(view, out);
        LATHE_CHECK(out.flush());
    }

    void WriteTensor(const TensorView& view, std::ofstream& out) const {
        size_t cols = view.cols();
        size_t row_bytes = tensor::RowBytes(view.type, cols);
        bool permuted = arch_ == "llama" && (view.name.ends_with("attn_q.weight") ||
                                             view.name.ends_with("attn_k.weight"));
        float minus = arch_ == "gemma3" && view.name.ends_with("norm.weight") ? 1 : 0;
        std::vector<float> row(cols);
        std::string encoded(cols * tensor::Info(type_).block_bytes, '\0');
        for (size_t r = 0; r < view.rows(); ++r) {
            size_t source = permuted ? PermutedRow(r, HeadDim()) : r;
            tensor::Dequantize(view.type, view.data.data() + source * row_bytes, row);
            for (float& value : row) value -= minus;
            Encode(row, encoded.data());
            out.write(encoded.data(), static_cast<std::streamsize>(encoded.size()));
        }
    }

    void Encode(const std::vector<float>& row, char* out) const {
        if (type_ == DType::kF32) {
            std::memcpy(out, row.data(), row.size() * sizeof(float));
            return;
        }
        for (size_t i = 0; i < row.size(); ++i) {
            uint16_t half =
                type_ == DType::kF16 ? tensor::F32ToF16(row[i]) : tensor::F32ToBF16(row[i]);
            std::memcpy(out + 2 * i, &half, sizeof half);
        }
    }

    Json SmolTokenizer() const {
        std::vector<std::string_view> tokens = *gguf_.GetStrings("tokenizer.ggml.tokens");
        std::vector<int64_t> types = *gguf_.GetIntegers("tokenizer.ggml.token_type");
        Json vocab = Json::object();
        Json added = Json::array();
        Json::object_t& entries = vocab.get_ref<Json::object_t&>();
        entries.reserve(tokens.size());
        for (size_t id = 0; id < tokens.size(); ++id) {
            // Appended directly: the ordered map would search all keys for each.
            entries.Container::emplace_back(std::string(tokens[id]), id);
            if (types[id] != 1)
                added.push_back({{"id", id},
                                 {"content", tokens[id]},
                                 {"single_word", false},
                                 {"lstrip", false},
                                 {"rstrip", false},
                                 {"normalized", false},
                                 {"special", true}});
        }
        Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
        Json merges = Json::array();
        for (std::string_view merge : *gguf_.GetStrings("tokenizer.ggml.merges"))
            merges.push_back(merge);
        return {{"version", "1.0"},
                {"added_tokens", added},
                {"normalizer", nullptr},
                {"pre_tokenizer",
                 {{"type", "Sequence"},
                  {"pretokenizers",
                   {Json{{"type", "Digits"}, {"individual_digits", true}}, byte_level}}}},
                {"post_processor", nullptr},
                {"decoder", byte_level},
                {"model",
                 {{"type", "BPE"},
                  {"dropout", nullptr},
                  {"unk_token", nullptr},
                  {"byte_fallback", false},
                  {"ignore_merges", false},
                  {"vocab", vocab},
                  {"merges", merges}}}};
    }

    void WriteText(const std::string& name, const std::string& text) const {
        std::ofstream out(folder_ / name, std::ios::binary);
        out << text;
        LATHE_CHECK(out.flush());
    }

    const Gguf& gguf_;
    DType type_;
    std::filesystem::path folder_;
    std::string arch_;
};

}  // namespace

void ExportHfFolder(const Gguf& gguf, DType type, const std::filesystem::path& folder) {
    Exporter(gguf, type, folder).Write();
}

}  // namespace lathe::testing_support
