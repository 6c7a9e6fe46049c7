#include "compute/tokenizer/model.h"

#include "compute/tokenizer/byte_level.h"
#include "compute/tokenizer/utf8.h"
#include "core/base/check.h"

namespace lathe::tokenizer {
namespace {

// "<0x41>" -> 0x41.
std::optional<char> ByteOf(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
    int value = 0;
    for (char c : text.substr(3, 2)) {
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                           : -1;
        if (digit < 0) return std::nullopt;
        value = value * 16 + digit;
    }
    return static_cast<char>(value);
}

}  // namespace

Status Tokenizer::Model::Finish(std::vector<AddedToken> added) {
    std::vector<AddedToken> raw, normalized;
    for (AddedToken& token : added) {
        if (!token.normalized || normalizer.empty()) {
            raw.push_back(std::move(token));
        } else if (IsValidUtf8(token.content)) {
            token.content = normalizer.Run(std::move(token.content));
            normalized.push_back(std::move(token));
        }
    }
    any_normalized_added_ = !normalized.empty();
    LATHE_TRY(raw_added_, AddedTokens::Create(std::move(raw)));
    LATHE_TRY(normalized_added_, AddedTokens::Create(std::move(normalized)));
    for (size_t i = 0; i < vocabulary.size(); ++i) {
        std::string bytes = BytesOf(static_cast<TokenId>(i));
        if (bytes.size() > StringTable::kBytesMax - bytes_.total_bytes())
            return InvalidArgument("the tokens' texts take more than {} bytes",
                                   StringTable::kBytesMax);
        bytes_.Append(bytes);
    }
    return {};
}

std::string Tokenizer::Model::BytesOf(TokenId id) const {
    std::string_view text = vocabulary.Text(id);
    switch (vocabulary.Kind(id)) {
        case TokenKind::kUnknown:
        case TokenKind::kControl:
            return std::string(text);
        case TokenKind::kUnused:
            return {};
        case TokenKind::kUserDefined:
        case TokenKind::kByte:
        case TokenKind::kNormal:
            break;
    }
    bool written_as_is = vocabulary.Kind(id) == TokenKind::kUserDefined;
    if (decode.byte_level && !written_as_is)
        if (auto bytes = FromByteLevel(text)) return *bytes;
    if ((decode.byte_fallback && !written_as_is) || vocabulary.Kind(id) == TokenKind::kByte)
        if (auto byte = ByteOf(text)) return std::string(1, *byte);
    if (decode.space_symbol.empty()) return std::string(text);
    std::string out;
    for (size_t at = 0; at < text.size();) {
        bool space = text.substr(at).starts_with(decode.space_symbol);
        out += space ? ' ' : text[at];
        at += space ? decode.space_symbol.size() : 1;
    }
    return out;
}

void Tokenizer::Model::EncodeText(std::string_view text, bool parse_special,
                                  std::vector<TokenId>& out) const {
    Workspace workspace;
    std::vector<AddedTokens::Section> sections;
    raw_added_.Split(text, parse_special, sections);
    for (const auto& section : sections) {
        if (section.id >= 0) {
            out.push_back(section.id);
            continue;
        }
        std::string normalized =
            normalizer.Run(std::string(text.substr(section.begin, section.end - section.begin)));
        EncodeNormalized(std::move(normalized), section.begin == 0, parse_special, workspace, out);
    }
}

void Tokenizer::Model::EncodeNormalized(std::string text, bool at_text_start, bool parse_special,
                                        Workspace& workspace, std::vector<TokenId>& out) const {
    std::vector<AddedTokens::Section> sections;
    if (any_normalized_added_)
        normalized_added_.Split(text, parse_special, sections);
    else
        sections.push_back({0, text.size(), -1});
    std::vector<TextRange> pieces;
    for (const auto& section : sections) {
        if (section.id >= 0) {
            out.push_back(section.id);
            continue;
        }
        std::string part = text.substr(section.begin, section.end - section.begin);
        pre_tokenizer.Run(part, at_text_start && section.begin == 0, pieces);
        for (TextRange piece : pieces)
            subword->Encode(std::string_view(part).substr(piece.begin, piece.end - piece.begin),
                            workspace, out);
    }
}

}  // namespace lathe::tokenizer
