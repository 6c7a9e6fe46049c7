// Requests as token ids: how lm-evaluation-harness cuts text into what is given and what
// is scored. Free functions, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::eval {

using tokenizer::TokenId;

// Tokens of which those behind `context` are scored, one by one. Neither is empty.
struct ScoredTokens {
    std::vector<TokenId> context;
    std::vector<TokenId> continuation;
};

// What stands before a text that has nothing before it: the begin of a sequence, else its
// end. Error (kFailedPrecondition) if the model has neither.
Result<TokenId> PrefixToken(const tokenizer::Tokenizer& tokenizer);

// A text with the sequence's begin, if the model wants one and the text does not say it.
std::vector<TokenId> EncodeText(const tokenizer::Tokenizer& tokenizer, std::string_view text);

// White space at the end of `context` goes to the continuation; both are encoded as one
// text. Cut from the left to `context_length` + 1 tokens, of which the last is not
// computed. Errors: nothing to score; a continuation that is longer.
Result<ScoredTokens> EncodePair(const tokenizer::Tokenizer& tokenizer, std::string_view context,
                                std::string_view continuation, int32_t context_length);

// A whole text in windows that are scored one after the other, each token once.
Result<std::vector<ScoredTokens>> EncodeRolling(const tokenizer::Tokenizer& tokenizer,
                                                std::string_view text, int32_t context_length);

}  // namespace lathe::eval
