#include "compute/tokenizer/score_bpe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "compute/tokenizer/space_cutter.h"
#include "compute/tokenizer/utf8.h"

namespace lathe::tokenizer {
namespace {

constexpr uint32_t kNotMergeable = UINT32_MAX;

bool Mergeable(TokenKind kind) {
    return kind == TokenKind::kNormal || kind == TokenKind::kUserDefined ||
           kind == TokenKind::kUnused;
}

// Equal scores get equal ranks, so that the leftmost of them goes first.
std::vector<uint32_t> RanksByScore(const Vocabulary& vocabulary, std::span<const float> scores) {
    auto score = [&](TokenId id) {
        float value = scores[static_cast<size_t>(id)];
        return std::isnan(value) ? -std::numeric_limits<float>::infinity() : value;
    };
    std::vector<TokenId> order(vocabulary.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](TokenId a, TokenId b) { return score(a) > score(b); });
    std::vector<uint32_t> ranks(vocabulary.size(), kNotMergeable);
    uint32_t rank = 0;
    for (size_t i = 0; i < order.size(); ++i) {
        if (i > 0 && score(order[i]) != score(order[i - 1])) ++rank;
        if (Mergeable(vocabulary.Kind(order[i]))) ranks[static_cast<size_t>(order[i])] = rank;
    }
    return ranks;
}

}  // namespace

ScoreBpe::ScoreBpe(const Vocabulary& vocabulary, std::span<const float> scores, TokenId unknown)
    : vocabulary_(vocabulary), ranks_(RanksByScore(vocabulary, scores)), unknown_(unknown) {
    for (size_t byte = 0; byte < 256; ++byte) {
        auto id = vocabulary.FindByte(static_cast<unsigned char>(byte));
        bool is_byte = id && vocabulary.Kind(*id) == TokenKind::kByte;
        byte_tokens_[byte] = is_byte ? *id : -1;
    }
    for (size_t i = 0; i < vocabulary.size(); ++i)
        token_bytes_max_ =
            std::max(token_bytes_max_, vocabulary.Text(static_cast<TokenId>(i)).size());
    cut_before_space_ = CanCutBeforeSpace(vocabulary);
}

void ScoreBpe::Encode(std::string_view piece, Workspace& workspace,
                      std::vector<TokenId>& out) const {
    if (!cut_before_space_) return EncodeWord(piece, workspace, out);
    ForEachSpaceCut(piece, [&](std::string_view word) { EncodeWord(word, workspace, out); });
}

void ScoreBpe::EncodeWord(std::string_view word, Workspace& workspace,
                          std::vector<TokenId>& out) const {
    auto find = [&](std::string_view text) -> TokenId {
        if (text.size() > token_bytes_max_) return -1;
        auto id = vocabulary_.Find(text);
        return id && ranks_[static_cast<size_t>(*id)] != kNotMergeable ? *id : -1;
    };
    auto& symbols = workspace.symbols;
    symbols.clear();
    for (size_t at = 0; at < word.size();) {
        std::string_view character = word.substr(at, CodePointAt(word, at).bytes);
        auto index = static_cast<int32_t>(symbols.size());
        symbols.push_back({static_cast<uint32_t>(at), find(character), index - 1, index + 1});
        at += character.size();
    }
    symbols.back().next = -1;
    MergeSymbols(word, workspace,
                 [&](TokenId, TokenId, std::string_view text) -> std::optional<MergeRule> {
                     TokenId id = find(text);
                     if (id < 0) return std::nullopt;
                     return MergeRule{ranks_[static_cast<size_t>(id)], id};
                 });
    bool after_unknown = false;
    for (int32_t i = 0; i >= 0; i = symbols[static_cast<size_t>(i)].next) {
        const auto& symbol = symbols[static_cast<size_t>(i)];
        if (symbol.id >= 0) {
            out.push_back(symbol.id);
            after_unknown = false;
            continue;
        }
        std::string_view character = word.substr(symbol.begin);
        character = character.substr(0, CodePointAt(character, 0).bytes);
        for (char byte : character) {
            TokenId id = byte_tokens_[static_cast<unsigned char>(byte)];
            if (id >= 0)
                out.push_back(id);
            else if (!after_unknown && unknown_ >= 0)
                out.push_back(unknown_);
            after_unknown = id < 0;
        }
    }
}

}  // namespace lathe::tokenizer
