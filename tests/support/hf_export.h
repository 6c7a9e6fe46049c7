#pragma once

#include <filesystem>

#include "compute/modelfile/gguf.h"
#include "compute/tensor/dtype.h"

namespace lathe::testing_support {

// Writes the model of a GGUF file (llama, qwen2 or gemma3) as a Hugging Face folder:
// weights expanded to `type` (F32, F16 or BF16), query and key rows of llama back in
// their own order, Gemma's norms without the 1 that GGUF adds; config.json,
// generation_config.json, tokenizer_config.json; and for SmolLM tokenizer.json.
// Aborts where it cannot. Link lathe_test_hf_export.
void ExportHfFolder(const modelfile::Gguf& gguf, tensor::DType type,
                    const std::filesystem::path& folder);

}  // namespace lathe::testing_support
