#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/tokenizer/added_tokens.h"
#include "compute/tokenizer/normalizer.h"
#include "compute/tokenizer/pre_tokenizer.h"
#include "compute/tokenizer/subword.h"
#include "compute/tokenizer/tokenizer.h"
#include "compute/tokenizer/vocabulary.h"

namespace lathe::tokenizer {

// How tokens become text.
struct DecodeRules {
    bool byte_level = false;        // normal tokens are written in GPT-2's byte alphabet
    bool byte_fallback = false;     // "<0x41>" is a byte
    std::string space_symbol;       // this stands for a space; "" if none does
    bool drop_first_space = false;  // the one that encoding puts before the text
};

// The steps between text and tokens, whatever file they came from:
//
//   text -> added tokens -> normalizer -> added tokens of normalized text
//        -> pre-tokenizer -> subword -> ids
//
// FromGguf and FromHuggingFace fill it, then call Finish(), then it does not change.
class Tokenizer::Model {
public:
    explicit Model(Vocabulary tokens) : vocabulary(std::move(tokens)) {}

    // Sorts the added tokens in and computes the bytes of every token.
    Status Finish(std::vector<AddedToken> added);

    void EncodeText(std::string_view text, bool parse_special, std::vector<TokenId>& out) const;
    std::string_view Bytes(TokenId id) const {
        return vocabulary.Has(id) ? bytes_[static_cast<size_t>(id)] : std::string_view();
    }

    Vocabulary vocabulary;
    Normalizer normalizer;
    PreTokenizer pre_tokenizer;
    std::unique_ptr<const Subword> subword;
    DecodeRules decode;
    std::vector<TokenId> prefix;  // put before and after the text by add_special
    std::vector<TokenId> suffix;
    std::optional<TokenId> bos;
    std::optional<TokenId> eos;
    std::vector<TokenId> end_of_generation;
    std::string description;  // "BPE (smollm)"

private:
    std::string BytesOf(TokenId id) const;
    void EncodeNormalized(std::string text, bool at_text_start, bool parse_special,
                          Workspace& workspace, std::vector<TokenId>& out) const;

    AddedTokens raw_added_;
    AddedTokens normalized_added_;
    bool any_normalized_added_ = false;
    StringTable bytes_;  // [token]
};

}  // namespace lathe::tokenizer
