// Tokens and their log-probabilities as the two completion APIs show them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "compute/engine/generation.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/json/json.h"

namespace lathe::api {

struct TokenStyle {
    bool keep_special = false;  // special tokens are part of the text
    bool as_ids = false;        // "token_id:123" in place of the text
};

// The text of one token for a list: its bytes if they are whole characters, else
// "bytes:\xe4\xbd", so that different tokens stay different.
std::string TokenLabel(const tokenizer::Tokenizer& tokenizer, tokenizer::TokenId id,
                       const TokenStyle& style);

// The `content` of a chat choice's logprobs.
Json ChatLogprobs(const tokenizer::Tokenizer& tokenizer,
                  std::span<const engine::ScoredToken> tokens, const TokenStyle& style);

// The logprobs of a completion: {tokens, token_logprobs, top_logprobs, text_offset}, for
// one choice from its first token (of the prompt, with echo) to its last, over any number of
// calls. One choice's own thread.
class LegacyLogprobs {
public:
    LegacyLogprobs(const tokenizer::Tokenizer& tokenizer, const TokenStyle& style);

    // The object for these tokens, which follow those of earlier calls.
    Json Append(std::span<const engine::ScoredToken> tokens);

private:
    const tokenizer::Tokenizer& tokenizer_;
    TokenStyle style_;
    tokenizer::StreamDecoder decoder_;
    size_t offset_ = 0;  // in characters, of the next token
};

// Number of code points of UTF-8 text.
size_t CharacterCount(std::string_view text);

}  // namespace lathe::api
