#include <cstdint>
#include <cstdlib>

#include "compute/tokenizer/byte_level.h"
#include "compute/tokenizer/gguf_vocab.h"
#include "compute/tokenizer/utf8.h"

namespace {

using namespace lathe::tokenizer;

// The alphabet, some merges and two control tokens.
Tokenizer MakeByteLevel(std::string pre) {
    VocabSpec spec;
    spec.model = "gpt2";
    spec.pre = std::move(pre);
    for (int byte = 0; byte < 256; ++byte)
        spec.tokens.push_back(ByteLevelCharacter(static_cast<unsigned char>(byte)));
    spec.merges = {"a b", "ab ab", "Ġ a", "Ġ Ġ", "ĠĠ ĠĠ", "1 2", "e n", "Ġ en", "æ Ī", "æĪ ĳ"};
    for (const char* token : {"ab", "abab", "Ġa", "ĠĠ", "ĠĠĠĠ", "12", "en", "Ġen", "æĪ", "æĪĳ"})
        spec.tokens.push_back(token);
    spec.types.assign(spec.tokens.size(), 1);
    for (const char* token : {"<s>", "<|im_end|>"}) {
        spec.tokens.push_back(token);
        spec.types.push_back(3);
    }
    return std::move(*TokenizerFromSpec(spec));
}

Tokenizer MakeSentencePiece() {
    VocabSpec spec;
    spec.model = "llama";
    std::vector<std::string> bytes;
    for (int byte = 0; byte < 256; ++byte) bytes.push_back(fmt::format("<0x{:02X}>", byte));
    spec.tokens.assign(bytes.begin(), bytes.end());
    spec.types.assign(256, 6);
    for (const char* token : {"▁", "a", "b", "ab", "▁a", "▁▁", "▁ab", "e", "n", "en", "1", "12"}) {
        spec.tokens.push_back(token);
        spec.types.push_back(1);
    }
    for (size_t i = 0; i < spec.tokens.size(); ++i) spec.scores.push_back(static_cast<float>(i));
    spec.add_space_prefix = false;
    return std::move(*TokenizerFromSpec(spec));
}

void Check(const Tokenizer& tokenizer, std::string_view text, const std::string& expected) {
    for (bool parse_special : {false, true}) {
        auto ids = tokenizer.Encode(text, {.add_special = false, .parse_special = parse_special});
        if (tokenizer.Decode(ids, /*keep_special=*/true) != expected) std::abort();
        for (TokenId id : ids)
            if (!parse_special && tokenizer.IsSpecial(id)) std::abort();
    }
}

}  // namespace

// Text that is valid UTF-8 comes back as it was, other text repaired.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Tokenizer kByteLevel[] = {
        MakeByteLevel("gpt-2"),  MakeByteLevel("llama-bpe"),    MakeByteLevel("smollm"),
        MakeByteLevel("gpt-4o"), MakeByteLevel("deepseek-llm"), MakeByteLevel("deepseek-v3")};
    static const Tokenizer kSentencePiece = MakeSentencePiece();
    static const Tokenizer kComposing = MakeByteLevel("qwen2");
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string repaired;
    AppendRepaired(text, repaired);
    if (IsValidUtf8(text) && repaired != text) std::abort();
    for (const Tokenizer& tokenizer : kByteLevel) Check(tokenizer, text, repaired);
    // U+2581 is SentencePiece's way to write a space.
    std::string spaced;
    for (size_t at = 0; at < repaired.size();) {
        bool symbol = std::string_view(repaired).substr(at).starts_with("\u2581");
        spaced += symbol ? ' ' : repaired[at];
        at += symbol ? 3 : 1;
    }
    Check(kSentencePiece, text, spaced);
    std::string composed = kComposing.Decode(kComposing.Encode(text), /*keep_special=*/true);
    Check(kComposing, composed, composed);
    return 0;
}
