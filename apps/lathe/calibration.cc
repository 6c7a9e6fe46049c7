#include "calibration.h"

#include <filesystem>
#include <optional>

#include "core/platform/files.h"
#include "service/registry/model_facts.h"

namespace lathe::app {

Result<quant::ImportanceMatrix> CalibrateOnFile(const modelfile::ModelPackage& package,
                                                const CalibrationOptions& options,
                                                telemetry::ProgressDisplay& display,
                                                std::stop_token stop) {
    constexpr uint64_t kTextBytesMax = 256u << 20;
    LATHE_TRY(std::string text, platform::ReadFile(options.text, kTextBytesMax));
    LATHE_TRY(auto tokenizer, registry::LoadTokenizer(package));
    std::optional<telemetry::Progress> bar;
    quant::CalibrateOptions calibrate{
        .text_name = std::filesystem::path(options.text).filename().string(),
        .threads = options.threads,
        .window = options.window,
        .tokens_max = options.tokens_max,
        .stop = stop,
        .progress = [&](uint64_t done, uint64_t total) {
            if (!bar)
                bar.emplace(display, telemetry::ProgressOptions{
                                         .label = "calibration", .unit = "tokens", .total = total});
            bar->Set(done);
        }};
    auto matrix = quant::Calibrate(package, tokenizer, text, calibrate);
    if (!matrix) return std::unexpected(WithContext(matrix.error(), options.text));
    if (bar) bar->Finish();
    return matrix;
}

}  // namespace lathe::app
