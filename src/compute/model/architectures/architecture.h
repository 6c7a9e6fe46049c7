// One entry per supported architecture: how its ModelConfig is read from either
// format. Everything that all of them share is read before (gguf_keys.h,
// hf_keys.h) and checked after (CheckConfig in config.cc).
#pragma once

#include <span>
#include <string_view>

#include "compute/model/architectures/gguf_keys.h"
#include "compute/model/architectures/hf_keys.h"
#include "compute/model/config.h"
#include "core/base/result.h"

namespace lathe::model {

struct Architecture {
    std::string_view name;                                // GGUF's general.architecture
    std::span<const std::string_view> huggingface_types;  // config.json's model_type
    HfDefaults huggingface_defaults;                      // of keys a config.json may leave out

    // Fill in what is particular. `config` holds the shared part.
    Status (*from_gguf)(const GgufKeys& keys, ModelConfig& config);
    Status (*from_huggingface)(const HfKeys& keys, ModelConfig& config);
};

extern const Architecture kLlama;   // llama.cc: Llama 1 to 3, SmolLM, Mistral
extern const Architecture kQwen2;   // qwen2.cc: Qwen2, Qwen2.5
extern const Architecture kQwen3;   // qwen3.cc
extern const Architecture kGemma2;  // gemma2.cc
extern const Architecture kGemma3;  // gemma3.cc

}  // namespace lathe::model
