#include "edge/api/token_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lathe::api {
namespace {

// JSON has no infinity; no client tells this from it.
constexpr float kLowestLogprob = -9999;

Json LogprobJson(float logprob) {
    if (std::isnan(logprob)) return nullptr;
    return std::max(logprob, kLowestLogprob);
}

// Whether the bytes are whole UTF-8 characters. Counts only lengths: a token's bytes are parts of
// valid text, so that wrong ones are cut ones.
bool IsWholeUtf8(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size();) {
        auto lead = static_cast<unsigned char>(bytes[i]);
        size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
        if (length == 0 || i + length > bytes.size()) return false;
        for (size_t k = 1; k < length; ++k)
            if ((static_cast<unsigned char>(bytes[i + k]) & 0xc0) != 0x80) return false;
        i += length;
    }
    return true;
}

Json Bytes(std::string_view bytes) {
    Json out = Json::array();
    for (char c : bytes) out.push_back(static_cast<unsigned char>(c));
    return out;
}

}  // namespace

size_t CharacterCount(std::string_view text) {
    return static_cast<size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string TokenLabel(const tokenizer::Tokenizer& tokenizer, tokenizer::TokenId id,
                       const TokenStyle& style) {
    if (style.as_ids) return fmt::format("token_id:{}", id);
    auto bytes = tokenizer.TokenBytes(id);
    if (IsWholeUtf8(bytes)) return bytes;
    std::string out = "bytes:";
    for (char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return out;
}

Json ChatLogprobs(const tokenizer::Tokenizer& tokenizer,
                  std::span<const engine::ScoredToken> tokens, const TokenStyle& style) {
    auto entry = [&](tokenizer::TokenId id, float logprob) {
        Json out;
        out["token"] = TokenLabel(tokenizer, id, style);
        out["logprob"] = LogprobJson(logprob);
        out["bytes"] = Bytes(tokenizer.TokenBytes(id));
        return out;
    };
    Json content = Json::array();
    for (const auto& token : tokens) {
        Json one = entry(token.token, token.logprob);
        one["top_logprobs"] = Json::array();
        for (const auto& top : token.top)
            one["top_logprobs"].push_back(entry(top.token, top.logprob));
        content.push_back(std::move(one));
    }
    return content;
}

LegacyLogprobs::LegacyLogprobs(const tokenizer::Tokenizer& tokenizer, const TokenStyle& style)
    : tokenizer_(tokenizer), style_(style), decoder_(tokenizer, style.keep_special) {}

Json LegacyLogprobs::Append(std::span<const engine::ScoredToken> tokens) {
    Json names = Json::array(), logprobs = Json::array(), tops = Json::array(),
         offsets = Json::array();
    for (const auto& token : tokens) {
        auto name = TokenLabel(tokenizer_, token.token, style_);
        offsets.push_back(offset_);
        offset_ += CharacterCount(decoder_.Push(token.token));
        logprobs.push_back(LogprobJson(token.logprob));
        if (std::isnan(token.logprob)) {
            tops.push_back(nullptr);  // nothing comes before the first token
        } else {
            Json top;
            for (const auto& best : token.top) {
                auto label = TokenLabel(tokenizer_, best.token, style_);
                if (!top.contains(label)) top[label] = LogprobJson(best.logprob);  // best first
            }
            // The chosen token is there even if it is none of the best.
            if (!top.contains(name)) top[name] = LogprobJson(token.logprob);
            tops.push_back(std::move(top));
        }
        names.push_back(std::move(name));
    }
    return {{"tokens", std::move(names)},
            {"token_logprobs", std::move(logprobs)},
            {"top_logprobs", std::move(tops)},
            {"text_offset", std::move(offsets)}};
}

}  // namespace lathe::api
