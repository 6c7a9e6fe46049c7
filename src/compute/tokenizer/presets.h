#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/pre_tokenizer.h"

namespace lathe::tokenizer {

// The published ways to prepare text for byte-level BPE, by the names that GGUF files
// use for them (`tokenizer.ggml.pre`).
struct BpePreset {
    std::string_view name;                      // the first of its family
    std::vector<std::string_view> aliases;      // other names in files
    std::vector<std::string_view> expressions;  // each isolates its matches, in order
    bool nfc = false;                           // text is put into form C first
    bool ignore_merges = false;
    bool add_bos = false;  // unless the file says
};

// nullptr for an unknown name.
const BpePreset* FindBpePreset(std::string_view name);
std::span<const BpePreset> BpePresets();
// "gpt-2, llama-bpe, ..." for error messages.
std::string BpePresetNames();

// GPT-2's expression, which Hugging Face's ByteLevel pre-tokenizer applies.
std::string_view Gpt2Expression();

// The steps that isolate the matches of each expression. Requires: they compile.
std::vector<PreTokenizer::Step> IsolateSteps(std::span<const std::string_view> expressions);

}  // namespace lathe::tokenizer
