#include "choose/quantized_models.h"

#include <fmt/format.h>

#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "core/platform/team.h"
#include "eval/eval_subject.h"
#include "learn/quant/quantize.h"

namespace lathe::app {
namespace fs = std::filesystem;

Result<fs::path> QuantizedModels::File(const fs::path& source, const std::string& mix,
                                       std::stop_token stop) {
    LATHE_TRY(fs::path home, platform::LatheHome());
    LATHE_TRY(std::string fingerprint, FingerprintOfModel(source));
    std::string name = source.has_extension() && fs::is_regular_file(source)
                           ? source.stem().string()
                           : source.filename().string();
    fs::path file =
        home / "quantized" / fmt::format("{}-{}-{}.gguf", name, fingerprint.substr(0, 12), mix);
    if (!fs::exists(file)) LATHE_RETURN_IF_ERROR(Make(source, mix, file, std::move(stop)));
    return file;
}

Status QuantizedModels::Make(const fs::path& source_path, const std::string& mix_name,
                             const fs::path& file, std::stop_token stop) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error)
        return std::unexpected(
            platform::ErrnoError(error.value(), "cannot make the folder", file.parent_path()));
    const quant::Mix* mix = quant::FindMix(mix_name);
    if (mix == nullptr)
        return InvalidParam("precisions", "the mix {} is not known; choose one of {}", mix_name,
                            quant::MixNames());
    display_.Say(fmt::format("making {}", file.string()));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(source_path));
    LATHE_TRY(quant::Source source, quant::Source::Create(package));
    LATHE_TRY(quant::Plan plan, quant::PlanMix(source, *mix, {}, false));
    LATHE_TRY(const quant::EncodeTable* table, quant::SelectEncodeTable());
    platform::Team team(platform::UsableCores());
    return quant::WriteQuantized(source, plan, source.metadata(), file, team,
                                 {.table = table, .stop = std::move(stop)});
}

}  // namespace lathe::app
