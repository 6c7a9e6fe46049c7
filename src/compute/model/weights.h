#pragma once

#include <vector>

#include "compute/kernels/packed_matrix.h"
#include "compute/model/config.h"
#include "compute/modelfile/model_package.h"
#include "core/base/result.h"
#include "core/platform/team.h"

namespace lathe::model {

// One transformer layer. Shapes as [outputs, inputs]; an empty vector or matrix means
// that the architecture has none.
struct LayerWeights {
    std::vector<float> attention_norm;          // [width]
    kernels::PackedMatrix query;                // [query_width, width]
    kernels::PackedMatrix key;                  // [kv_width, width]
    kernels::PackedMatrix value;                // [kv_width, width]
    std::vector<float> query_bias;              // [query_width]
    std::vector<float> key_bias;                // [kv_width]
    std::vector<float> value_bias;              // [kv_width]
    std::vector<float> query_norm;              // [head_dim]
    std::vector<float> key_norm;                // [head_dim]
    kernels::PackedMatrix attention_output;     // [width, query_width]
    std::vector<float> output_bias;             // [width]
    std::vector<float> post_attention_norm;     // [width]
    std::vector<float> feed_forward_norm;       // [width]
    kernels::PackedMatrix gate;                 // [feed_forward_width, width]
    kernels::PackedMatrix up;                   // [feed_forward_width, width]
    kernels::PackedMatrix down;                 // [width, feed_forward_width]
    std::vector<float> post_feed_forward_norm;  // [width]
};

// All weights of a model, packed for the kernels: the only copy that stays in memory.
struct Weights {
    kernels::PackedMatrix embedding;  // [vocab_size, width]
    kernels::PackedMatrix head;       // [vocab_size, width]; empty if tied to the embedding
    std::vector<float> output_norm;   // [width]
    std::vector<float> rope_factors;  // [rope.dims / 2] divisors of the frequencies, or empty
    std::vector<LayerWeights> layers;

    const kernels::PackedMatrix& logits_matrix() const {
        return head.rows() > 0 ? head : embedding;
    }
    size_t bytes() const;
};

// Reads and packs every tensor the configuration asks for, dropping the file's pages
// behind it. Errors name a tensor that is missing or has another shape.
Result<Weights> LoadWeights(const modelfile::ModelPackage& package, const ModelConfig& config,
                            platform::Team& team);

// One tensor as plain floats. `expected` is its element count.
Result<std::vector<float>> ReadVector(const modelfile::ModelPackage& package,
                                      const std::string& name, size_t expected);

}  // namespace lathe::model
