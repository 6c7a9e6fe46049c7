#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::tokenizer {

// What a GGUF file says about its tokenizer (`tokenizer.ggml.*`), as plain values.
struct VocabSpec {
    std::string model;               // "gpt2", "llama" or "t5"
    std::optional<std::string> pre;  // names a preset; only for "gpt2"
    std::vector<std::string_view> tokens;
    std::vector<float> scores;             // "llama" and "t5": one per token
    std::vector<int64_t> types;            // TokenKind numbers; may be empty: all normal
    std::vector<std::string_view> merges;  // "gpt2": "left right"
    std::optional<int64_t> bos, eos, eot, eom, unknown;
    std::optional<bool> add_bos, add_eos, add_space_prefix, remove_extra_whitespaces;
};

// Borrows the strings only during the call.
Result<Tokenizer> TokenizerFromSpec(const VocabSpec& spec);

}  // namespace lathe::tokenizer
