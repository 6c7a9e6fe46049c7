#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::tokenizer {

// A tokenizer.json as the metadata of a GGUF file would say it (`tokenizer.ggml.*`).
struct GgufVocab {
    std::string model;                // "gpt2" (byte-level BPE) or "llama" (SentencePiece BPE)
    std::string pre;                  // preset's name, "default" for "llama"
    std::vector<std::string> tokens;  // by id
    std::vector<int32_t> types;       // TokenKind numbers, one per token
    std::vector<float> scores;        // "llama": the later the merge, the lower
    std::vector<std::string> merges;  // "gpt2": "left right"
    std::optional<uint32_t> bos, eos, unknown, padding;
    bool add_bos = false;
    bool add_eos = false;
    bool add_space_prefix = false;  // "llama"
};

// GGUF files name one of a few published pre-tokenizers instead of describing it. The one
// is found by what it does: every candidate cuts and encodes a set of texts, and must give
// the pieces and ids that the folder's own tokenizer gives. `token_count` is the model's
// vocabulary; ids above the tokenizer's become unused tokens. Errors (kUnimplemented): a tokenizer
// that no GGUF file can state; those of Tokenizer::FromHuggingFace.
Result<GgufVocab> GgufVocabFromHuggingFace(std::string_view tokenizer_json,
                                           std::string_view tokenizer_config_json,
                                           size_t token_count);

}  // namespace lathe::tokenizer
