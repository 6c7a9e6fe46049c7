#include "compute/tokenizer/end_markers.h"

#include <algorithm>

namespace lathe::tokenizer {
namespace {

constexpr std::string_view kTurnEnds[] = {
    "<|im_end|>",                               // ChatML: Qwen, SmolLM, ...
    "<|eot_id|>",                               // Llama 3, end of turn
    "<|eom_id|>",                               // Llama 3, end of message: a tool is called
    "<|eot|>",                                  // Llama 4
    "<|eom|>",                                  // Llama 4
    "<end_of_turn>",                            // Gemma
    "<|end|>",                                  // Phi
    "<|endoftext|>",                            // GPT-2, Qwen, SmolLM
    "<|end_of_text|>",                          // Llama 3 base, Granite
    "<|return|>",                               // gpt-oss
    "<|call|>",                                 // gpt-oss: a tool is called
    "<|END_OF_TURN_TOKEN|>",                    // Command R
    "<end_of_utterance>",                       // SmolVLM
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",  // DeepSeek
};
// Also written in ordinary text (HTML, documentation): only if they are control tokens.
constexpr std::string_view kAmbiguousEnds[] = {"</s>", "<eos>", "[EOS]", "<EOT>", "[EOT]"};

}  // namespace

bool IsTurnEndMarker(std::string_view token_text) {
    return std::ranges::find(kTurnEnds, token_text) != std::end(kTurnEnds);
}

std::vector<TokenId> EndOfGeneration(const Vocabulary& vocabulary, std::span<const TokenId> named) {
    std::vector<TokenId> ends(named.begin(), named.end());
    auto add = [&](std::string_view text) {
        auto id = vocabulary.Find(text);
        if (id && vocabulary.Kind(*id) == TokenKind::kControl) ends.push_back(*id);
    };
    // gpt-oss ends each of several messages of one answer with <|end|>.
    bool channels = vocabulary.Find("<|return|>") && vocabulary.Find("<|call|>");
    for (std::string_view text : kTurnEnds)
        if (!(channels && text == "<|end|>")) add(text);
    for (std::string_view text : kAmbiguousEnds) add(text);
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return ends;
}

}  // namespace lathe::tokenizer
