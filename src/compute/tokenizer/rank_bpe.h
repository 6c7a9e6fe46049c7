#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/merge_queue.h"
#include "compute/tokenizer/subword.h"
#include "compute/tokenizer/vocabulary.h"
#include "core/base/result.h"

namespace lathe::tokenizer {

struct RankBpeOptions {
    // Pairs of token texts, the one that was learnt first in front.
    std::vector<std::pair<std::string_view, std::string_view>> merges;
    bool byte_level = false;         // the vocabulary is written in GPT-2's byte alphabet
    bool byte_fallback = false;      // a character without a token becomes its byte tokens
    bool ignore_merges = false;      // a piece that is a token is that token
    bool fuse_unknown = false;       // neighbouring unknown characters give one unknown token
    std::optional<TokenId> unknown;  // without it, unknown characters vanish
};

// Byte-pair encoding by a ranked list of merges: GPT-2 and its heirs (bytes), and
// what Hugging Face makes of SentencePiece models (characters with byte fallback).
class RankBpe final : public Subword {
public:
    // Keeps a reference to `vocabulary`. Errors: a merge whose parts or result are
    // no tokens.
    static Result<std::unique_ptr<RankBpe>> Create(const Vocabulary& vocabulary,
                                                   const RankBpeOptions& options);

    void Encode(std::string_view piece, Workspace& workspace,
                std::vector<TokenId>& out) const override;

private:
    explicit RankBpe(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}
    Status AddMerges(const RankBpeOptions& options);
    void EncodeWord(std::string_view piece, Workspace& workspace, std::vector<TokenId>& out) const;
    // Fills workspace.symbols with one per byte, or per character, that has a token.
    void SplitBytes(std::string_view piece, Workspace& workspace) const;
    void SplitCharacters(std::string_view piece, Workspace& workspace) const;
    bool AppendBytes(std::string_view character, uint32_t begin, Workspace& workspace) const;

    const Vocabulary& vocabulary_;
    bool byte_level_ = false;
    bool byte_fallback_ = false;
    bool ignore_merges_ = false;
    bool fuse_unknown_ = false;
    bool cut_before_space_ = false;
    TokenId unknown_ = -1;
    std::array<TokenId, 256> byte_tokens_;                  // -1: none
    boost::unordered_flat_map<uint64_t, MergeRule> rules_;  // key: left id << 32 | right id
};

}  // namespace lathe::tokenizer
