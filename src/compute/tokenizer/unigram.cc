#include "compute/tokenizer/unigram.h"

#include <algorithm>
#include <limits>

#include "compute/tokenizer/utf8.h"

namespace lathe::tokenizer {
namespace {

constexpr double kUnknownPenalty = 10.0;
constexpr double kUnreached = -std::numeric_limits<double>::infinity();

}  // namespace

Unigram::Unigram(const Vocabulary& vocabulary, std::span<const double> scores,
                 const Options& options)
    : scores_(scores.begin(), scores.end()), options_(options) {
    double lowest = scores_.empty() ? 0 : *std::min_element(scores_.begin(), scores_.end());
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        auto id = static_cast<TokenId>(i);
        TokenKind kind = vocabulary.Kind(id);
        bool in_text = kind == TokenKind::kNormal || kind == TokenKind::kUserDefined;
        if (!in_text || vocabulary.Text(id).empty()) continue;
        trie_.Insert(vocabulary.Text(id), id);
    }
    unknown_score_ = lowest - kUnknownPenalty;
    for (size_t byte = 0; byte < 256; ++byte)
        byte_tokens_[byte] = vocabulary.FindByte(static_cast<unsigned char>(byte)).value_or(-1);
    for (TokenId id : byte_tokens_) options_.byte_fallback &= id >= 0;
}

void Unigram::FindBest(std::string_view piece, Workspace& workspace) const {
    auto& best = workspace.best;  // [end position]
    best.assign(piece.size() + 1, {kUnreached, 0, -1});
    best[0].score = 0;
    for (size_t at = 0; at < piece.size();) {
        size_t character_end = at + CodePointAt(piece, at).bytes;
        double score = best[at].score;
        auto offer = [&](size_t end, double gain, TokenId id) {
            if (score + gain > best[end].score)
                best[end] = {score + gain, static_cast<uint32_t>(at), id};
        };
        bool character_known = false;
        Trie::Node node = Trie::kRoot;
        for (size_t end = at; end < piece.size();) {
            node = trie_.Step(node, piece[end++]);
            if (node == Trie::kNone) break;
            TokenId id = trie_.Value(node);
            if (id < 0) continue;
            offer(end, scores_[static_cast<size_t>(id)], id);
            character_known |= end == character_end;
        }
        if (!character_known) offer(character_end, unknown_score_, -1);
        at = character_end;
    }
}

void Unigram::Encode(std::string_view piece, Workspace& workspace,
                     std::vector<TokenId>& out) const {
    FindBest(piece, workspace);
    auto& steps = workspace.reversed;  // end positions, last first
    steps.clear();
    for (size_t end = piece.size(); end > 0; end = workspace.best[end].begin)
        steps.push_back(static_cast<TokenId>(end));
    size_t unknown_from = std::string_view::npos;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        const Workspace::Best& token = workspace.best[static_cast<size_t>(*step)];
        if (token.id < 0) {
            unknown_from = std::min(unknown_from, size_t{token.begin});
            continue;
        }
        if (unknown_from != std::string_view::npos)
            AppendUnknown(piece.substr(unknown_from, token.begin - unknown_from), out);
        unknown_from = std::string_view::npos;
        out.push_back(token.id);
    }
    if (unknown_from != std::string_view::npos) AppendUnknown(piece.substr(unknown_from), out);
}

void Unigram::AppendUnknown(std::string_view run, std::vector<TokenId>& out) const {
    if (options_.byte_fallback)
        for (char byte : run) out.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
    else if (options_.unknown >= 0)
        out.push_back(options_.unknown);
}

}  // namespace lathe::tokenizer
