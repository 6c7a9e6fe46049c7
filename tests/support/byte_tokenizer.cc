#include "support/byte_tokenizer.h"

#include <cstddef>
#include <span>
#include <string>

#include "compute/modelfile/gguf.h"
#include "support/gguf_builder.h"

namespace lathe::testing_support {
namespace {

constexpr int32_t kNormal = 1;
constexpr int32_t kUnknown = 2;
constexpr int32_t kControl = 3;

// The visible character that stands for a byte in byte-level vocabularies (GPT-2).
std::string ByteSymbol(int byte) {
    auto is_visible = [](int b) {
        return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
    };
    int code = byte;
    if (!is_visible(byte)) {
        code = 256;
        for (int b = 0; b < byte; ++b) code += !is_visible(b);
    }
    if (code < 128) return std::string(1, static_cast<char>(code));
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
}

tokenizer::Tokenizer Parse(const GgufBuilder& builder) {
    std::string bytes = builder.Build();
    auto file = modelfile::Gguf::Parse(std::as_bytes(std::span(bytes)), "test tokenizer").value();
    return tokenizer::Tokenizer::FromGguf(file).value();
}

}  // namespace

tokenizer::Tokenizer MakeByteTokenizer() {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) tokens.push_back(ByteSymbol(byte));
    tokens.push_back("<|end|>");
    std::vector<int32_t> types(tokens.size(), kNormal);
    types.back() = kControl;
    GgufBuilder builder;
    builder.String("tokenizer.ggml.model", "gpt2").String("tokenizer.ggml.pre", "gpt-2");
    builder.Strings("tokenizer.ggml.tokens", tokens).I32s("tokenizer.ggml.token_type", types);
    builder.Strings("tokenizer.ggml.merges", {});
    builder.U32("tokenizer.ggml.eos_token_id", kEndToken);
    return Parse(builder);
}

tokenizer::Tokenizer MakeWordTokenizer(const std::vector<std::string_view>& words) {
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
    std::vector<int32_t> types = {kUnknown, kControl, kControl};
    for (std::string_view word : words) {
        std::string symbol;
        for (char c : word) symbol += c == ' ' ? "\u2581" : std::string(1, c);
        tokens.push_back(symbol);
        types.push_back(kNormal);
    }
    GgufBuilder builder;
    builder.String("tokenizer.ggml.model", "llama");
    builder.Strings("tokenizer.ggml.tokens", tokens).I32s("tokenizer.ggml.token_type", types);
    builder.F32s("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0));
    builder.U32("tokenizer.ggml.unknown_token_id", 0).U32("tokenizer.ggml.bos_token_id", 1);
    builder.U32("tokenizer.ggml.eos_token_id", 2);
    return Parse(builder);
}

std::vector<tokenizer::TokenId> Bytes(std::string_view text) {
    std::vector<tokenizer::TokenId> tokens;
    for (char c : text) tokens.push_back(static_cast<unsigned char>(c));
    return tokens;
}

}  // namespace lathe::testing_support
