#include "bench/bench_text.h"

#include <algorithm>

namespace lathe::app {

const std::string_view kBenchText =
    "The harbour of the old town lies on the west side of the bay, where the river has carried "
    "sand for longer than anybody remembers. Ships that drew more than four metres had to wait "
    "outside for the tide, and while they waited their captains rowed ashore to learn the prices. "
    "In the winter of the great frost the water between the quays stood still for eleven weeks. "
    "People walked across it to market, and a baker set up his oven on the ice. When it thawed, "
    "the first vessel to come in was a small one with timber from the north, and its crew said "
    "that they had seen the lights of the town from thirty miles away.\n\n"
    "A lathe turns a piece of work about its own axis while a tool is held against it. The idea is "
    "very old: two people could make one from a tree, a rope and a sharp stone. What changed over "
    "the centuries was how the turning was done and how the tool was guided. A slide rest moves "
    "the tool along a straight line, so that the hand no longer decides how round the result is. "
    "Once screws could be cut with the same machine, every screw could be like the one before, and "
    "parts from one workshop fitted machines from another. That was the beginning of most of what "
    "we now call industry.\n\n"
    "Question: why does bread rise? Answer: yeast eats part of the sugar in the dough and gives "
    "off carbon dioxide, which is caught in the network that the flour's proteins form when they "
    "are kneaded. Heat makes the bubbles grow, then sets the walls around them. If the dough is "
    "left too long the walls tear and the loaf falls; if it is not left long enough it stays "
    "heavy. Salt slows the yeast, warmth speeds it up, and a cold night in the cellar gives the "
    "taste time to develop.\n\n"
    "for (size_t i = 0; i < count; ++i) total += values[i] * weights[i];\n"
    "return count == 0 ? 0 : total / count;\n";

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
