// What a model costs a machine: bytes to keep and to read, multiply-adds to do.
//
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "compute/model/config.h"
#include "compute/modelfile/model_package.h"

namespace lathe::advise {

// A way to store weights. The mixes (Q4_K_M) are means over the tensors of common models;
// a model's own mix differs by a few percent.
struct Precision {
    std::string_view name;
    double layer_bits;  // of an element of the layers' matrices
    double head_bits;   // of the embedding and the head
};

std::span<const Precision> Precisions();
std::optional<Precision> FindPrecision(std::string_view name);

struct ModelWork {
    std::string precision;  // a Precision's name, or "as in the file"
    bool quantized = true;  // most of the layers' weights have fewer than 16 bits
    double layer_elements = 0;
    double head_elements = 0;
    double weight_bytes = 0;      // all that stays in memory
    double step_bytes = 0;        // of weights that every step reads: without looked-up ones
    double kv_token_bytes = 0;    // of keys and values of one token
    double attention_width = 0;   // query widths of all layers
    double activation_bytes = 0;  // of one row of a step
    uint32_t layer_count = 0;

    // Multiply-adds, two operations each, of a row through the layers, and of its logits.
    double row_operations() const { return 2 * layer_elements; }
    double head_operations() const { return 2 * head_elements; }
    // Of one row's scores and values over `depth` tokens.
    double attention_operations(double depth) const { return 4 * attention_width * depth; }
};

// `kv_element_bytes`: 2 for f16.
ModelWork WorkAt(const model::ModelConfig& config, const Precision& precision,
                 double kv_element_bytes = 2);
// With the types that the file has.
ModelWork WorkOf(const model::ModelConfig& config, const modelfile::ModelPackage& package,
                 double kv_element_bytes = 2);

struct MemoryNeed {
    double weights = 0;
    double kv = 0;
    double activations = 0;
    double total() const { return weights + kv + activations; }
};

struct MemoryLoad {
    double context = 4096;  // tokens of a sequence, prompt and answer
    double sequences = 1;   // at a time
    double step_rows = 256;
};

// Bytes that a model needs to serve a load. Not counted: the program itself, about 60 MB.
MemoryNeed MemoryFor(const ModelWork& work, const MemoryLoad& load);

}  // namespace lathe::advise
