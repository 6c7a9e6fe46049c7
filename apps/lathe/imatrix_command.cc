#include <fmt/format.h>

#include "calibration.h"
#include "model_options.h"
#include "service/registry/model_store.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct ImatrixArguments {
    std::string model = "smollm2-135m";
    std::string out;
    CalibrationOptions calibration;
    bool quiet = false;
};

Result<int> Run(const ImatrixArguments& arguments) {
    StopOnSignal stop;
    LATHE_TRY(auto path, registry::ResolveModel(arguments.model));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    auto display = arguments.quiet ? telemetry::ProgressDisplay::Silent()
                                   : telemetry::ProgressDisplay::ForStandardError();
    LATHE_TRY(quant::ImportanceMatrix matrix,
              CalibrateOnFile(package, arguments.calibration, *display, stop.token()));
    LATHE_RETURN_IF_ERROR(matrix.Write(arguments.out));
    fmt::print("{}: {} matrices, {} windows of {} tokens\n", arguments.out, matrix.entries.size(),
               matrix.chunks, matrix.chunk_tokens);
    return 0;
}

}  // namespace

void AddImatrixCommand(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<ImatrixArguments>();
    CLI::App* command = app.add_subcommand(
        "imatrix", "Measure on a text which columns of a model's matrices matter, for quantize");
    command->add_option("-m,--model", arguments->model, "a GGUF file, a folder or a name")
        ->capture_default_str();
    command->add_option("-f,--file", arguments->calibration.text, "the calibration text, UTF-8")
        ->required()
        ->check(CLI::ExistingFile);
    command
        ->add_option("out", arguments->out,
                     "the file to write: in GGUF if it ends in .gguf, else in the older form that "
                     "all of llama.cpp's versions read")
        ->required();
    command->add_option("--window", arguments->calibration.window, "tokens run together")
        ->check(CLI::Range(8, 1 << 17))
        ->capture_default_str();
    command->add_option("--tokens", arguments->calibration.tokens_max, "0: the whole text")
        ->check(CLI::Range(0, 1 << 30))
        ->capture_default_str();
    command->add_option("--threads", arguments->calibration.threads, "0: all cores")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    command->add_flag("-q,--quiet", arguments->quiet, "no progress");
    command->callback([arguments, &exit_code] {
        auto result = Run(*arguments);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
