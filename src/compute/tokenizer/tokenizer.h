#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::modelfile {
class Gguf;
class ModelPackage;
}  // namespace lathe::modelfile

namespace lathe::tokenizer {

using TokenId = int32_t;

struct EncodeOptions {
    bool add_special = true;    // begin (and end) of sequence, as the model asks for
    bool parse_special = true;  // "<|im_end|>" in the text becomes its token
};

// Text to token ids and back, as the model's own tokenizer does it: byte-level BPE,
// SentencePiece BPE, or unigram.
//
// Const-safe: encode and decode from any thread.
class Tokenizer {
public:
    static constexpr size_t kTextBytesMax = size_t{1} << 30;

    // From the metadata of a GGUF file (`tokenizer.ggml.*`), or the text of a Hugging
    // Face tokenizer.json (and tokenizer_config.json, "" if there is none). Errors name the
    // missing key or the unsupported model, pre-tokenizer or normalizer, and list
    // what is supported.
    static Result<Tokenizer> FromGguf(const modelfile::Gguf& file);
    static Result<Tokenizer> FromHuggingFace(std::string_view tokenizer_json,
                                             std::string_view tokenizer_config_json);
    // Either of them, as the model is published; generation_config.json may name further
    // tokens that end a generation. Errors: also kNotFound for a folder without tokenizer.json.
    static Result<Tokenizer> FromPackage(const modelfile::ModelPackage& package);

    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;
    ~Tokenizer();

    // Never fails: bytes that are not UTF-8 are read as U+FFFD. Time is linear (times a
    // logarithm) in the length of the text. Requires: at most kTextBytesMax bytes.
    std::vector<TokenId> Encode(std::string_view text, const EncodeOptions& options = {}) const;

    // Bytes of one token; "" for an id outside the vocabulary. Special tokens give their text.
    std::string TokenBytes(TokenId id) const;

    // The text of a whole sequence; special tokens left out unless asked for; bytes
    // that do not form UTF-8 become U+FFFD.
    std::string Decode(std::span<const TokenId> ids, bool keep_special = false) const;

    size_t vocab_size() const;
    bool IsSpecial(TokenId id) const;  // control tokens: never part of the text
    std::optional<TokenId> Find(std::string_view token_text) const;
    std::optional<TokenId> bos() const;
    std::optional<TokenId> eos() const;
    // Tokens that end a generation: eos, end of turn, end of text, as the model names them.
    std::span<const TokenId> end_of_generation() const;
    // "BPE (smollm), 49152 tokens" for people.
    std::string Describe() const;

    class Model;  // the algorithm; internal
    explicit Tokenizer(std::unique_ptr<Model> model);

private:
    void AddEndOfGeneration(TokenId id);  // before anybody else holds the tokenizer

    std::unique_ptr<Model> model_;
    friend class StreamDecoder;
};

// Decodes a stream of tokens so that the concatenation of what Push and Flush give
// is what Decode gives for all, and no piece ends inside a UTF-8 character.
// One stream's own thread.
class StreamDecoder {
public:
    // `kept`: special tokens that are part of the text although the others are not.
    explicit StreamDecoder(const Tokenizer& tokenizer, bool keep_special = false,
                           std::vector<TokenId> kept = {});
    std::string Push(TokenId id);
    std::string Flush();  // what is held back, broken bytes as U+FFFD

private:
    const Tokenizer* tokenizer_;
    bool keep_special_;
    std::vector<TokenId> kept_;
    bool at_start_ = true;
    std::string held_;
};

}  // namespace lathe::tokenizer
