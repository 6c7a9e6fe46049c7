#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "compute/tokenizer/merge_queue.h"
#include "compute/tokenizer/subword.h"
#include "compute/tokenizer/vocabulary.h"

namespace lathe::tokenizer {

// SentencePiece's byte-pair encoding: any two neighbours whose joint text is a token
// may merge, the token of the highest score first. A character that is in no token
// becomes its byte tokens, or one unknown token for a run of such characters if the
// vocabulary has no byte tokens.
//
// Control, unknown and byte tokens are never spelt by merging.
class ScoreBpe final : public Subword {
public:
    // Keeps a reference to `vocabulary`; `scores` one per token, NaN counts as lowest.
    ScoreBpe(const Vocabulary& vocabulary, std::span<const float> scores, TokenId unknown);

    void Encode(std::string_view piece, Workspace& workspace,
                std::vector<TokenId>& out) const override;

private:
    void EncodeWord(std::string_view word, Workspace& workspace, std::vector<TokenId>& out) const;

    const Vocabulary& vocabulary_;
    std::vector<uint32_t> ranks_;  // [token]; kNotMergeable, or place by falling score
    std::array<TokenId, 256> byte_tokens_;
    TokenId unknown_;
    size_t token_bytes_max_ = 0;
    bool cut_before_space_ = false;
};

}  // namespace lathe::tokenizer
