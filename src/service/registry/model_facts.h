// What a model is, for people and machines: `lathe inspect`, GET /v1/models and the
// console's page of the model.
//
// Thread-safe: free functions only.
#pragma once

#include <string>

#include "compute/model/config.h"
#include "compute/modelfile/model_package.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::registry {

// What the files say without understanding the architecture:
//   path, format ("gguf" | "huggingface"), architecture, name, license, parameters,
//   file_bytes, tensor_count, types: [{type, tensors, elements, bytes, share}] by
//   bytes (share of all tensor bytes, most first), chat_template (bool).
// Elements and bytes of types of unknown layout are counted as 0.
Json FileFacts(const modelfile::ModelPackage& package);

// FileFacts and:
//   context_length, layers, width, feed_forward_width, heads, kv_heads, head_dim,
//   vocab_size, sliding_window (tokens or null), sliding_layers, tied_head,
//   rope {base, scaling, factor}, tokenizer {description, vocab_size, bos, eos,
//   end_of_generation} (null without one),
//   memory {weight_bytes, kv_bytes_per_token_int8,
//     kv_bytes_per_token_f16, kv_bytes_per_token_f32}.
Json ModelFacts(const modelfile::ModelPackage& package, const model::ModelConfig& config,
                const tokenizer::Tokenizer* tokenizer);

// Everything that can be learned: ModelFacts, or FileFacts where not even the
// configuration can be read; with "problem", a sentence that says why, where the
// model cannot be run.
Json InspectFacts(const modelfile::ModelPackage& package);

// The tokenizer that the model came with.
Result<tokenizer::Tokenizer> LoadTokenizer(const modelfile::ModelPackage& package);

// Facts of any of the above as a table for a terminal, ending in a new line.
std::string FormatFacts(const Json& facts);

// "93.8 MiB", "512 B"; "134.5 M", "1.2 B".
std::string FormatBytes(uint64_t bytes);
std::string FormatCount(uint64_t count);

}  // namespace lathe::registry
