// What this machine can do, measured, and what Lathe makes of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "compute/kernels/table.h"
#include "compute/modelfile/model_package.h"
#include "core/base/result.h"
#include "core/platform/team.h"
#include "learn/advise/speed.h"

namespace lathe::app {

// Measures rates of this machine when they are asked for. One thread.
class MachineHere {
public:
    // Error: unknown kernels.
    static Result<MachineHere> Create(const std::string& kernels, int threads);

    // As it is for a step that reads `step_bytes`: what fits the caches is read faster.
    advise::Machine For(double step_bytes);

    int threads() const { return team_->size(); }
    std::string_view kernels() const { return table_->name; }
    uint64_t memory_bytes() const { return memory_bytes_; }  // that it has, in all

private:
    MachineHere() = default;

    const kernels::Table* table_ = nullptr;
    std::unique_ptr<platform::Team> team_;
    uint64_t memory_bytes_ = 0;
    std::map<size_t, advise::Machine> measured_;  // by the bytes that were read
};

struct MeasuredModel {
    advise::ModelWork work;
    advise::SpeedMeasurement speed;  // the best of a few runs, which is the least disturbed
};

// Loads a model and measures what a calibration needs, by processor time, so that a busy
// machine shows what it could do: a few seconds.
Result<MeasuredModel> MeasureModel(const modelfile::ModelPackage& package,
                                   const std::string& kernels, int threads);

}  // namespace lathe::app
