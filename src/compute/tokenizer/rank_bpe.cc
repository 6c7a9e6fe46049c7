#include "compute/tokenizer/rank_bpe.h"

#include "compute/tokenizer/byte_level.h"
#include "compute/tokenizer/space_cutter.h"
#include "compute/tokenizer/utf8.h"

namespace lathe::tokenizer {
namespace {

uint64_t PairKey(TokenId left, TokenId right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

}  // namespace

Result<std::unique_ptr<RankBpe>> RankBpe::Create(const Vocabulary& vocabulary,
                                                 const RankBpeOptions& options) {
    std::unique_ptr<RankBpe> bpe(new RankBpe(vocabulary));
    bpe->byte_level_ = options.byte_level;
    bpe->byte_fallback_ = options.byte_fallback;
    bpe->ignore_merges_ = options.ignore_merges;
    bpe->fuse_unknown_ = options.fuse_unknown;
    bpe->unknown_ = options.unknown.value_or(-1);
    for (size_t byte = 0; byte < 256; ++byte) {
        auto b = static_cast<unsigned char>(byte);
        bpe->byte_tokens_[byte] =
            (options.byte_level ? vocabulary.Find(ByteLevelCharacter(b)) : vocabulary.FindByte(b))
                .value_or(-1);
    }
    bpe->cut_before_space_ = !options.byte_level && CanCutBeforeSpace(vocabulary);
    LATHE_RETURN_IF_ERROR(bpe->AddMerges(options));
    return bpe;
}

Status RankBpe::AddMerges(const RankBpeOptions& options) {
    rules_.reserve(options.merges.size());
    std::string joined;
    for (size_t rank = 0; rank < options.merges.size(); ++rank) {
        auto [left, right] = options.merges[rank];
        joined.assign(left).append(right);
        auto find = [&](std::string_view text) -> Result<TokenId> {
            if (auto id = vocabulary_.Find(text)) return *id;
            return InvalidArgument(
                "merge {} of the tokenizer (`{}` `{}`) names `{}`, which is not in its "
                "vocabulary; vocabulary and merges are not of the same model",
                rank, left, right, text);
        };
        LATHE_TRY(TokenId left_id, find(left));
        LATHE_TRY(TokenId right_id, find(right));
        LATHE_TRY(TokenId id, find(joined));
        // Merges must not spell a control token where control tokens are not parsed.
        if (vocabulary_.Kind(id) == TokenKind::kControl) continue;
        rules_[PairKey(left_id, right_id)] = {static_cast<uint32_t>(rank), id};
    }
    return {};
}

void RankBpe::Encode(std::string_view piece, Workspace& workspace,
                     std::vector<TokenId>& out) const {
    if (ignore_merges_) {
        std::string_view text = piece;
        if (byte_level_) {
            workspace.text.clear();
            AppendByteLevel(piece, workspace.text);
            text = workspace.text;
        }
        auto id = vocabulary_.Find(text);
        if (id && vocabulary_.Kind(*id) == TokenKind::kNormal) {
            out.push_back(*id);
            return;
        }
    }
    if (!cut_before_space_) return EncodeWord(piece, workspace, out);
    ForEachSpaceCut(piece, [&](std::string_view word) { EncodeWord(word, workspace, out); });
}

void RankBpe::EncodeWord(std::string_view piece, Workspace& workspace,
                         std::vector<TokenId>& out) const {
    workspace.symbols.clear();
    if (byte_level_)
        SplitBytes(piece, workspace);
    else
        SplitCharacters(piece, workspace);
    if (workspace.symbols.empty()) return;
    for (size_t i = 0; i < workspace.symbols.size(); ++i) {
        workspace.symbols[i].previous = static_cast<int32_t>(i) - 1;
        workspace.symbols[i].next =
            i + 1 < workspace.symbols.size() ? static_cast<int32_t>(i) + 1 : -1;
    }
    MergeSymbols(piece, workspace,
                 [&](TokenId left, TokenId right, std::string_view) -> std::optional<MergeRule> {
                     auto found = rules_.find(PairKey(left, right));
                     if (found == rules_.end()) return std::nullopt;
                     return found->second;
                 });
    for (int32_t i = 0; i >= 0; i = workspace.symbols[static_cast<size_t>(i)].next)
        out.push_back(workspace.symbols[static_cast<size_t>(i)].id);
}

void RankBpe::SplitBytes(std::string_view piece, Workspace& workspace) const {
    for (size_t i = 0; i < piece.size(); ++i) {
        TokenId id = byte_tokens_[static_cast<unsigned char>(piece[i])];
        if (id < 0) id = unknown_;
        if (id >= 0) workspace.symbols.push_back({static_cast<uint32_t>(i), id, -1, -1});
    }
}

void RankBpe::SplitCharacters(std::string_view piece, Workspace& workspace) const {
    bool after_unknown = false;
    for (size_t at = 0; at < piece.size();) {
        std::string_view character = piece.substr(at, CodePointAt(piece, at).bytes);
        auto begin = static_cast<uint32_t>(at);
        at += character.size();
        if (auto id = vocabulary_.Find(character)) {
            workspace.symbols.push_back({begin, *id, -1, -1});
            after_unknown = false;
        } else if (byte_fallback_ && AppendBytes(character, begin, workspace)) {
            after_unknown = false;
        } else if (unknown_ >= 0 && !(fuse_unknown_ && after_unknown)) {
            workspace.symbols.push_back({begin, unknown_, -1, -1});
            after_unknown = true;
        }
    }
}

// All bytes of `character` as tokens, or nothing if one has none.
bool RankBpe::AppendBytes(std::string_view character, uint32_t begin, Workspace& workspace) const {
    for (char byte : character)
        if (byte_tokens_[static_cast<unsigned char>(byte)] < 0) return false;
    for (char byte : character)
        workspace.symbols.push_back(
            {begin++, byte_tokens_[static_cast<unsigned char>(byte)], -1, -1});
    return true;
}

}  // namespace lathe::tokenizer
