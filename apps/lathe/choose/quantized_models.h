#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "core/base/result.h"
#include "core/telemetry/progress.h"

namespace lathe::app {

// Models at other precisions than they came in, made when they are asked for and kept for
// the next time:
//
//   $LATHE_HOME/quantized/NAME-FINGERPRINT-MIX.gguf
//
// where the fingerprint is the source's, so that another source of the same name makes a
// file of its own. One thread; several processes may make the same file, the last one wins.
class QuantizedModels {
public:
    explicit QuantizedModels(telemetry::ProgressDisplay& display) : display_(display) {}

    // The file of `source` in `mix`. Errors: those of quantizing; kCancelled.
    Result<std::filesystem::path> File(const std::filesystem::path& source, const std::string& mix,
                                       std::stop_token stop);

private:
    Status Make(const std::filesystem::path& source, const std::string& mix,
                const std::filesystem::path& file, std::stop_token stop);

    telemetry::ProgressDisplay& display_;
};

}  // namespace lathe::app
