#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::tokenizer {

// Numbers as in GGUF's `tokenizer.ggml.token_type` (and SentencePiece's protobuf).
enum class TokenKind : uint8_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6,
};

// Texts stored back to back, addressed by number.
class StringTable {
public:
    static constexpr size_t kBytesMax = UINT32_MAX;

    void Append(std::string_view text);
    std::string_view operator[](size_t index) const {
        return std::string_view(bytes_).substr(ends_[index], ends_[index + 1] - ends_[index]);
    }
    size_t size() const { return ends_.size() - 1; }
    size_t total_bytes() const { return bytes_.size(); }

private:
    std::string bytes_;
    std::vector<uint32_t> ends_ = {0};
};

// The tokens of a model as their texts stand in the model file ("Ġhello", "▁hello",
// "<0x0A>", "<|im_end|>"), and their kinds. Ids are 0 .. size()-1; a gap in the ids is
// an unused token with an empty text.
//
// Const-safe.
class Vocabulary {
public:
    static constexpr size_t kTokensMax = size_t{1} << 22;

    // Errors: too many tokens or bytes. Of tokens with the same text Find gives the last.
    static Result<Vocabulary> Create(std::span<const std::string_view> texts,
                                     std::vector<TokenKind> kinds);

    Vocabulary(Vocabulary&&) noexcept = default;
    Vocabulary& operator=(Vocabulary&&) noexcept = default;

    size_t size() const { return texts_->size(); }
    bool Has(TokenId id) const { return id >= 0 && static_cast<size_t>(id) < size(); }
    // Requires: Has(id).
    std::string_view Text(TokenId id) const { return (*texts_)[static_cast<size_t>(id)]; }
    TokenKind Kind(TokenId id) const { return kinds_[static_cast<size_t>(id)]; }
    std::optional<TokenId> Find(std::string_view text) const;
    // The token that stands for a single byte: "<0x41>".
    std::optional<TokenId> FindByte(unsigned char byte) const;

private:
    Vocabulary() = default;

    std::unique_ptr<const StringTable> texts_;  // the keys of ids_ point into it
    std::vector<TokenKind> kinds_;
    boost::unordered_flat_map<std::string_view, TokenId> ids_;
};

}  // namespace lathe::tokenizer
