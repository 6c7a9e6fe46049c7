#pragma once

#include "compute/model/config.h"
#include "compute/modelfile/gguf_writer.h"
#include "compute/modelfile/hf_folder.h"
#include "core/base/result.h"

namespace lathe::quant {

// The metadata of a GGUF file of a Hugging Face folder: architecture, tokenizer, chat
// template. Errors (kUnimplemented): what the format has no key for. Thread-safe.
Result<modelfile::GgufMetadata> FolderMetadata(const modelfile::HfFolder& folder,
                                               const model::ModelConfig& config);

}  // namespace lathe::quant
