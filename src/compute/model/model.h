#pragma once

#include "compute/kernels/table.h"
#include "compute/model/config.h"
#include "compute/model/weights.h"
#include "compute/modelfile/model_package.h"
#include "core/base/result.h"
#include "core/platform/team.h"

namespace lathe::model {

// A loaded model: what it is, its packed weights, and the kernels they were chosen for.
// Const-safe: several runners may share it.
struct Model {
    ModelConfig config;
    Weights weights;
    const kernels::Table* table = nullptr;

    // Packs on all of `team`. The package may go afterwards.
    static Result<Model> Load(const modelfile::ModelPackage& package, const kernels::Table& table,
                              platform::Team& team);
};

}  // namespace lathe::model
