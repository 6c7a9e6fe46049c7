#pragma once

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "compute/tokenizer/subword.h"
#include "compute/tokenizer/trie.h"
#include "compute/tokenizer/vocabulary.h"

namespace lathe::tokenizer {

// SentencePiece's unigram model: of all ways to cut the piece into tokens the one with
// the greatest sum of scores (Viterbi; of equal ones the one whose last token is the
// longest). A character that no token covers costs the lowest score less 10; a run of
// such characters is one unknown token, or byte tokens.
//
// Time: at most the longest token per character. (Kudo 2018, "Subword Regularization".)
class Unigram final : public Subword {
public:
    struct Options {
        TokenId unknown = -1;
        bool byte_fallback = false;
    };
    // Keeps a reference to `vocabulary`; `scores` one per token, finite.
    Unigram(const Vocabulary& vocabulary, std::span<const double> scores, const Options& options);

    void Encode(std::string_view piece, Workspace& workspace,
                std::vector<TokenId>& out) const override;

private:
    void FindBest(std::string_view piece, Workspace& workspace) const;
    void AppendUnknown(std::string_view run, std::vector<TokenId>& out) const;

    Trie trie_;
    std::vector<double> scores_;
    Options options_;
    double unknown_score_ = 0;
    std::array<TokenId, 256> byte_tokens_;
};

}  // namespace lathe::tokenizer
