#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "core/platform/cpu.h"
#include "core/telemetry/progress.h"
#include "learn/quant/quantize.h"
#include "model_options.h"
#include "service/registry/model_store.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct QuantizeArguments {
    std::string source;
    std::string out;
    std::string to;
    std::vector<std::string> overrides;  // PATTERN=TYPE
    int threads = 0;
    bool quiet = false;
};

Status CheckTarget(const QuantizeArguments& arguments, const std::filesystem::path& source) {
    std::error_code ignored;
    if (std::filesystem::equivalent(source, arguments.out, ignored))
        return InvalidParam("out", "{} is the source itself; name another file", arguments.out);
    if (std::filesystem::path(arguments.out).extension() != ".gguf")
        return InvalidParam("out", "{}: name a file that ends in .gguf", arguments.out);
    return {};
}

Result<const quant::Mix*> MixOf(const QuantizeArguments& arguments) {
    const quant::Mix* mix = quant::FindMix(arguments.to);
    if (mix == nullptr)
        return InvalidParam("to", "--to {} is not known; choose one of {}", arguments.to,
                            quant::MixNames());
    return mix;
}

Result<std::vector<quant::TypeOverride>> OverridesOf(const QuantizeArguments& arguments) {
    std::vector<quant::TypeOverride> overrides;
    for (const std::string& text : arguments.overrides) {
        LATHE_TRY(quant::TypeOverride override, quant::ParseOverride(text));
        overrides.push_back(std::move(override));
    }
    return overrides;
}

uint64_t ElementCount(const quant::Source& source) {
    uint64_t count = 0;
    for (const quant::SourceTensor& tensor : source.tensors())
        count += tensor.rows() * tensor.cols();
    return count;
}

// Writes with a bar that shows how far it is.
Status Write(const QuantizeArguments& arguments, const quant::Source& source,
             const quant::Plan& plan, telemetry::ProgressDisplay& display, std::stop_token stop) {
    LATHE_TRY(const quant::EncodeTable* table, quant::SelectEncodeTable());
    platform::Team team(arguments.threads > 0 ? arguments.threads : platform::UsableCores());
    telemetry::Progress bar(display, {.label = std::filesystem::path(arguments.out).filename(),
                                      .unit = "weights",
                                      .total = ElementCount(source)});
    quant::QuantizeOptions options = {.table = table,
                                      .importance = nullptr,
                                      .stop = stop,
                                      .progress = [&](uint64_t done, uint64_t) { bar.Set(done); }};
    LATHE_RETURN_IF_ERROR(
        quant::WriteQuantized(source, plan, source.metadata(), arguments.out, team, options));
    bar.Finish();
    return {};
}

Result<int> Run(const QuantizeArguments& arguments) {
    StopOnSignal stop;
    auto begin = std::chrono::steady_clock::now();
    LATHE_TRY(const quant::Mix* mix, MixOf(arguments));
    LATHE_TRY(auto overrides, OverridesOf(arguments));
    LATHE_TRY(auto path, registry::ResolveModel(arguments.source));
    LATHE_RETURN_IF_ERROR(CheckTarget(arguments, path));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(quant::Source source, quant::Source::Create(package));
    LATHE_TRY(quant::Plan plan, quant::PlanMix(source, *mix, overrides, false));
    auto display = arguments.quiet ? telemetry::ProgressDisplay::Silent()
                                   : telemetry::ProgressDisplay::ForStandardError();
    if (std::string types = source.QuantizedTypes(); !types.empty())
        display->Say(fmt::format(
            "warning: the source is quantized already ({}); its errors stay and new ones are "
            "added. Quantize the original weights if you have them.",
            types));
    LATHE_RETURN_IF_ERROR(Write(arguments, source, plan, *display, stop.token()));
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    uint64_t bytes = std::filesystem::file_size(arguments.out);
    fmt::print("{}: {} ({:.2f} bits a weight) in {:.1f} s, {} of memory\n", arguments.out,
               telemetry::FormatCount(static_cast<double>(bytes), "B"),
               8 * static_cast<double>(bytes) / static_cast<double>(ElementCount(source)),
               seconds.count(),
               telemetry::FormatCount(static_cast<double>(platform::PeakResidentBytes()), "B"));
    return 0;
}

}  // namespace

void AddQuantizeCommand(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<QuantizeArguments>();
    CLI::App* command = app.add_subcommand(
        "quantize", "Write a model as a GGUF file of smaller, or other, weight types");
    command
        ->add_option("source", arguments->source,
                     "a GGUF file, a Hugging Face folder (config.json, safetensors), or the name "
                     "of a model here")
        ->required();
    command->add_option("out", arguments->out, "the GGUF file to write")->required();
    command->add_option("--to", arguments->to, "the mix of types: " + quant::MixNames())
        ->required();
    command->add_option("--tensor-type", arguments->overrides,
                        "PATTERN=TYPE: matrices whose whole name matches get this type; * and ? "
                        "match anything and any character. Repeatable, the last match wins");
    command->add_option("--threads", arguments->threads, "0: all cores")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    command->add_flag("-q,--quiet", arguments->quiet, "no progress, no warnings");
    command->footer(
        "The file appears when it is whole: stopped or failed, nothing is left. Where a mix's\n"
        "type has no whole blocks in a row (576 or 896 elements), the type of 32-element blocks\n"
        "that is next in size takes its place.");
    command->callback([arguments, &exit_code] {
        auto result = Run(*arguments);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
