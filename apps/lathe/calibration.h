// Calibration on a file of text, with a bar.
#pragma once

#include <stop_token>
#include <string>

#include "core/telemetry/progress.h"
#include "learn/quant/calibrate.h"

namespace lathe::app {

struct CalibrationOptions {
    std::string text;  // a file
    int threads = 0;
    size_t window = 512;
    size_t tokens_max = 0;  // 0: all
};

Result<quant::ImportanceMatrix> CalibrateOnFile(const modelfile::ModelPackage& package,
                                                const CalibrationOptions& options,
                                                telemetry::ProgressDisplay& display,
                                                std::stop_token stop);

}  // namespace lathe::app
