#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "choose/quantized_models.h"
#include "fit/machine_here.h"
#include "learn/choose/workbench.h"

namespace lathe::app {

// This machine as the chooser's workbench: models are resolved, quantized, loaded and
// evaluated in this process; their speed and memory are measured in one of their own
// (`lathe bench`). Servers are asked over the network, and nothing is predicted of them.
class MachineWorkbench : public choose::Workbench {
public:
    // Errors: a candidate's model that is not here (with its line in the brief).
    static Result<std::unique_ptr<MachineWorkbench>> Create(const choose::Brief& brief,
                                                            telemetry::ProgressDisplay& display,
                                                            std::stop_token stop);

    std::string machine() const override;
    Result<Json> Identity(const choose::Candidate& candidate) override;
    std::string Remark(const choose::Candidate& candidate) override;
    Result<std::optional<choose::Predictions>> Predict(const choose::Candidate& candidate) override;
    Result<std::unique_ptr<choose::OpenCandidate>> Open(const choose::Candidate& candidate,
                                                        std::stop_token stop) override;
    Result<choose::Costs> MeasureCosts(const choose::Candidate& candidate,
                                       std::stop_token stop) override;

private:
    MachineWorkbench(const choose::Brief& brief, telemetry::ProgressDisplay& display,
                     std::stop_token stop)
        : brief_(brief), stop_(std::move(stop)), quantized_(display) {}

    // What is loaded: the model's own files, or the quantized one, made if need be.
    Result<std::filesystem::path> File(const choose::Candidate& candidate);
    Status MeasureMachine();
    Result<choose::Costs> MeasureRemote(const choose::Candidate& candidate, std::stop_token stop);
    Result<bool> AsksServersAsChat() const;
    Result<choose::Costs> MeasureOnce(const choose::Candidate& candidate, std::stop_token stop);
    Result<advise::ModelWork> WorkOf(const choose::Candidate& candidate);
    choose::Prediction PredictOn(const advise::Machine& machine, const advise::ModelWork& work,
                                 const advise::EngineShares& shares,
                                 const advise::ErrorFactor& error) const;

    const choose::Brief& brief_;
    std::stop_token stop_;
    QuantizedModels quantized_;
    std::map<std::string, std::filesystem::path> sources_;  // by the brief's name of the model
    std::optional<MachineHere> here_;                       // once it was measured
    advise::EngineShares shares_;
};

}  // namespace lathe::app
