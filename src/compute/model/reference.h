#pragma once

#include <functional>
#include <span>

#include "compute/model/batch.h"
#include "compute/model/config.h"
#include "compute/modelfile/model_package.h"
#include "core/base/result.h"
#include "core/platform/team.h"

namespace lathe::model {

// The oracle: the plainest forward pass that can be written, float32 over weights
// dequantized row by row straight from the file, no packing, no pages, no cache.
// Everything fast is measured against it. Slow: every call computes all tokens anew.
//
// Const-safe; `package` outlives it.
class ReferenceModel {
public:
    // Errors as Model::Load's.
    static Result<ReferenceModel> Create(const modelfile::ModelPackage& package);

    // Logits [vocab_size] of the positions from `first` on, in order.
    Status Run(std::span<const TokenId> tokens, size_t first, platform::Team& team,
               const std::function<void(size_t position, std::span<const float>)>& visit) const;

    const ModelConfig& config() const { return config_; }

private:
    ReferenceModel(const modelfile::ModelPackage& package, ModelConfig config)
        : package_(&package), config_(std::move(config)) {}

    const modelfile::ModelPackage* package_;
    ModelConfig config_;
};

}  // namespace lathe::model
