// Prompts for measuring: pieces of a real text, so that speculation and prefix sharing
// meet what they would meet in use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::app {

// bench/text.txt: about 2,000 characters of English.
extern const std::string_view kBenchText;

// Cuts prompts out of a text. No two begin with the same two tokens, so that none has a
// prefix in common with another unless `shared` asks for it. bench/peers/prompts.py
// does the same for other engines.
class PromptCutter {
public:
    // `text` as token ids; it is repeated as often as a prompt needs. Error
    // (kInvalidArgument) for fewer than 16 tokens.
    static Result<PromptCutter> Create(std::vector<tokenizer::TokenId> text);

    // The next prompt of `length` tokens.
    std::vector<tokenizer::TokenId> Next(int length);
    // `count` prompts of which the first `shared` tokens are the same.
    std::vector<std::vector<tokenizer::TokenId>> Next(int count, int length, int shared);

private:
    explicit PromptCutter(std::vector<tokenizer::TokenId> text) : text_(std::move(text)) {}
    std::vector<tokenizer::TokenId> text_;
    size_t cut_ = 0;  // prompts so far
};

}  // namespace lathe::app
