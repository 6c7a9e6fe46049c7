#pragma once

#include <span>
#include <vector>

#include "compute/tokenizer/vocabulary.h"

namespace lathe::tokenizer {

// The tokens after which a model of this vocabulary has nothing more to say: `named`
// (those that the file itself calls end of sequence, turn or message), and control
// tokens whose text is one of the well-known end markers ("<|im_end|>", "<|eot_id|>",
// "<end_of_turn>", ...), since files often name only one of several. Sorted.
std::vector<TokenId> EndOfGeneration(const Vocabulary& vocabulary, std::span<const TokenId> named);

// A well-known end of turn that nobody writes as ordinary text: a control token even
// where the file lists it as a user-defined one.
bool IsTurnEndMarker(std::string_view token_text);

}  // namespace lathe::tokenizer
