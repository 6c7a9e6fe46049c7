#include "bench/bench_text.h"

#include <algorithm>

namespace lathe::app {

Result<PromptCutter> PromptCutter::Create(std::vector<tokenizer::TokenId> text) {
    constexpr size_t kTokensMin = 16;
    if (text.size() < kTokensMin)
        return InvalidParam("text", "the text has {} tokens; give --text at least {}", text.size(),
                            kTokensMin);
    return PromptCutter(std::move(text));
}

std::vector<tokenizer::TokenId> PromptCutter::Next(int length) {
    size_t size = text_.size();
    size_t index = cut_++;
    std::vector<tokenizer::TokenId> prompt(static_cast<size_t>(length));
    for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = text_[(index * 37 + i) % size];
    prompt[0] = text_[index % size];
    if (length > 1) prompt[1] = text_[index / size % size];
    return prompt;
}

std::vector<std::vector<tokenizer::TokenId>> PromptCutter::Next(int count, int length, int shared) {
    std::vector<tokenizer::TokenId> common = Next(std::max(shared, 1));
    std::vector<std::vector<tokenizer::TokenId>> prompts;
    for (int i = 0; i < count; ++i) {
        std::vector<tokenizer::TokenId> prompt = Next(length - shared);
        prompt.insert(prompt.begin(), common.begin(), common.begin() + shared);
        prompts.push_back(std::move(prompt));
    }
    return prompts;
}

}  // namespace lathe::app
