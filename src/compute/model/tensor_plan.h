#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compute/model/config.h"
#include "core/base/result.h"

namespace lathe::modelfile {
class ModelPackage;
}

namespace lathe::model {

// A tensor that a model of some configuration has, by its canonical (GGUF) name.
struct PlannedTensor {
    std::string name;
    std::vector<uint64_t> shape;  // outermost first
    bool required = true;
};

// Every tensor of the model, embedding first, then layer by layer, then the head.
std::vector<PlannedTensor> TensorPlan(const ModelConfig& config);

// Whether the package has them all with these shapes, and no tensor in its layers
// beyond them (which would change what the model computes). Errors name the tensor.
Status CheckTensors(const modelfile::ModelPackage& package, const ModelConfig& config);

}  // namespace lathe::model
