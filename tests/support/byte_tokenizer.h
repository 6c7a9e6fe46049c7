#pragma once

#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"

namespace lathe::testing_support {

// A tokenizer in which token b is the byte b, and kEndToken ("<|end|>", special) ends
// a generation.
inline constexpr tokenizer::TokenId kEndToken = 256;
inline constexpr int32_t kByteVocabulary = 257;
tokenizer::Tokenizer MakeByteTokenizer();

// SentencePiece: words with their leading spaces, kEndToken's place is 2 ("</s>").
tokenizer::Tokenizer MakeWordTokenizer(const std::vector<std::string_view>& words);

// The tokens of a text in the byte tokenizer.
std::vector<tokenizer::TokenId> Bytes(std::string_view text);

}  // namespace lathe::testing_support
