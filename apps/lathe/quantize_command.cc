#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "calibration.h"
#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "core/telemetry/progress.h"
#include "learn/quant/quantize.h"
#include "learn/quant/search.h"
#include "model_options.h"
#include "quantize_report.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"
#include "stop_on_signal.h"

namespace lathe::app {
namespace {

struct QuantizeArguments {
    std::string source;
    std::string out;
    std::string to;                      // a mix
    std::string target_size;             // as ParseSize reads it
    double target_kld = 0;               // nats; 0: none
    std::vector<std::string> overrides;  // PATTERN=TYPE
    std::string imatrix;                 // a file
    std::string calibrate;               // a file of text
    bool report = false;                 // `out` is a folder then
    std::string report_tasks;
    int64_t report_limit = 0;
    std::string evaluate;  // a file of text
    std::vector<std::string> candidates = {"Q8_0", "Q6_K",   "Q5_K_M", "Q4_K_M",
                                           "Q4_0", "Q3_K_M", "Q2_K"};
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

Result<const quant::Mix*> MixOf(const std::string& name) {
    const quant::Mix* mix = quant::FindMix(name);
    if (mix == nullptr)
        return InvalidParam("to", "the mix {} is not known; choose one of {}", name,
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

// The text that divergence is measured on: the calibration's.
Result<std::vector<std::vector<tokenizer::TokenId>>> SearchWindows(
    const QuantizeArguments& arguments, const modelfile::ModelPackage& package) {
    constexpr size_t kWindow = 128;
    constexpr uint64_t kTextBytesMax = 256u << 20;
    if (arguments.calibrate.empty())
        return InvalidParam("calibrate",
                            "--target-size and --target-kld measure on a text: give --calibrate");
    LATHE_TRY(std::string text, platform::ReadFile(arguments.calibrate, kTextBytesMax));
    LATHE_TRY(auto tokenizer, registry::LoadTokenizer(package));
    return quant::CutText(tokenizer, text, kWindow, quant::Search::kPositionsMax);
}

Result<quant::Plan> Searched(const QuantizeArguments& arguments, const quant::Source& source,
                             const quant::Importance& importance,
                             telemetry::ProgressDisplay& display, std::stop_token stop) {
    LATHE_TRY(auto windows, SearchWindows(arguments, source.package()));
    LATHE_TRY(const quant::EncodeTable* table, quant::SelectEncodeTable());
    uint64_t bytes = 0;
    if (!arguments.target_size.empty()) {
        LATHE_TRY(bytes, quant::ParseSize(arguments.target_size, source));
    }
    platform::Team team(arguments.threads > 0 ? arguments.threads : platform::UsableCores());
    std::optional<telemetry::Progress> bar;
    LATHE_TRY(auto search,
              quant::Search::Create(source, windows, team,
                                    {.table = table,
                                     .importance = importance.empty() ? nullptr : &importance,
                                     .stop = stop,
                                     .progress = [&](uint64_t done, uint64_t total) {
                                         if (!bar)
                                             bar.emplace(display, telemetry::ProgressOptions{
                                                                      .label = "sensitivity",
                                                                      .unit = "matrices",
                                                                      .total = total});
                                         bar->Set(done);
                                     }}));
    if (bar) bar->Finish();
    LATHE_TRY(quant::Plan plan, arguments.target_size.empty()
                                    ? search->ForDivergence(arguments.target_kld)
                                    : search->ForSize(bytes));
    LATHE_TRY(double divergence, search->Measure(plan));
    display.Say(
        fmt::format("found types with a KL divergence of {:.4g} nats from the source", divergence));
    return plan;
}

// The types that the arguments ask for.
Result<quant::Plan> PlanOf(const QuantizeArguments& arguments, const quant::Source& source,
                           const quant::Importance& importance, telemetry::ProgressDisplay& display,
                           std::stop_token stop) {
    LATHE_TRY(auto overrides, OverridesOf(arguments));
    if (!arguments.to.empty()) {
        LATHE_TRY(const quant::Mix* mix, MixOf(arguments.to));
        return quant::PlanMix(source, *mix, overrides, !importance.empty());
    }
    LATHE_TRY(quant::Plan plan, Searched(arguments, source, importance, display, stop));
    LATHE_RETURN_IF_ERROR(quant::ApplyOverrides(source, overrides, plan));
    return plan;
}

uint64_t ElementCount(const quant::Source& source) {
    uint64_t count = 0;
    for (const quant::SourceTensor& tensor : source.tensors())
        count += tensor.rows() * tensor.cols();
    return count;
}

// The matrix of --imatrix, or of --calibrate's text; without entries if neither is given.
Result<quant::ImportanceMatrix> ImportanceOf(const QuantizeArguments& arguments,
                                             const modelfile::ModelPackage& package,
                                             telemetry::ProgressDisplay& display,
                                             std::stop_token stop) {
    if (!arguments.imatrix.empty()) return quant::ImportanceMatrix::Read(arguments.imatrix);
    if (arguments.calibrate.empty()) return quant::ImportanceMatrix{};
    return CalibrateOnFile(package, {.text = arguments.calibrate, .threads = arguments.threads},
                           display, stop);
}

// What files of the field say about the importance they were quantized with.
void DescribeImportance(const quant::ImportanceMatrix& matrix, const std::string& file,
                        modelfile::GgufMetadata& metadata) {
    metadata.SetString("quantize.imatrix.file", file);
    if (!matrix.texts.empty()) metadata.SetString("quantize.imatrix.dataset", matrix.texts.front());
    metadata.SetU32("quantize.imatrix.entries_count", static_cast<uint32_t>(matrix.entries.size()));
    metadata.SetU32("quantize.imatrix.chunks_count", matrix.chunks);
}

// Writes with a bar that shows how far it is.
Status Write(const QuantizeArguments& arguments, const quant::Source& source,
             const quant::Plan& plan, const quant::Importance& importance,
             const modelfile::GgufMetadata& metadata, telemetry::ProgressDisplay& display,
             std::stop_token stop) {
    LATHE_TRY(const quant::EncodeTable* table, quant::SelectEncodeTable());
    platform::Team team(arguments.threads > 0 ? arguments.threads : platform::UsableCores());
    telemetry::Progress bar(display, {.label = std::filesystem::path(arguments.out).filename(),
                                      .unit = "weights",
                                      .total = ElementCount(source)});
    quant::QuantizeOptions options = {.table = table,
                                      .importance = importance.empty() ? nullptr : &importance,
                                      .stop = stop,
                                      .progress = [&](uint64_t done, uint64_t) { bar.Set(done); }};
    LATHE_RETURN_IF_ERROR(
        quant::WriteQuantized(source, plan, metadata, arguments.out, team, options));
    bar.Finish();
    return {};
}

// What is quantized, with what.
struct Opened {
    const quant::Source& source;
    quant::Importance importance{};
    modelfile::GgufMetadata metadata{};
};

// Errors before any work.
Status CheckArguments(const QuantizeArguments& arguments, const std::filesystem::path& source) {
    int targets = int{!arguments.to.empty()} + int{!arguments.target_size.empty()} +
                  int{arguments.target_kld > 0} + int{arguments.report};
    if (targets != 1)
        return InvalidParam("to", "give one of --to, --target-size, --target-kld and --report");
    if (!arguments.to.empty()) LATHE_RETURN_IF_ERROR(MixOf(arguments.to));
    if (!arguments.report) return CheckTarget(arguments, source);
    if (arguments.evaluate.empty())
        return InvalidParam("evaluate", "--report measures on a text: give --evaluate");
    for (const std::string& candidate : arguments.candidates)
        LATHE_RETURN_IF_ERROR(MixOf(candidate));
    return {};
}

Result<int> RunReport(const QuantizeArguments& arguments, const Opened& opened,
                      telemetry::ProgressDisplay& display, std::stop_token stop) {
    auto quiet = telemetry::ProgressDisplay::Silent();
    ReportOptions options{
        .source = opened.source.package().path(),
        .model = opened.source.package().name(),
        .folder = arguments.out,
        .text = arguments.evaluate,
        .candidates = arguments.candidates,
        .tasks = arguments.report_tasks,
        .limit = arguments.report_limit,
        .threads = arguments.threads,
        .quantize = [&](const std::string& mix, const std::filesystem::path& file) -> Status {
            QuantizeArguments one = arguments;
            one.to = mix;
            one.out = file.string();
            LATHE_TRY(quant::Plan plan,
                      PlanOf(one, opened.source, opened.importance, *quiet, stop));
            return Write(one, opened.source, plan, opened.importance, opened.metadata, *quiet,
                         stop);
        }};
    LATHE_TRY(quant::Report report, MakeReport(options, display, stop));
    fmt::print("{}\n{} and report.json hold the same\n", report.AsText(),
               (options.folder / "report.html").string());
    return 0;
}

Result<int> RunOne(const QuantizeArguments& arguments, const Opened& opened,
                   telemetry::ProgressDisplay& display, std::stop_token stop) {
    auto begin = std::chrono::steady_clock::now();
    LATHE_TRY(quant::Plan plan, PlanOf(arguments, opened.source, opened.importance, display, stop));
    LATHE_RETURN_IF_ERROR(
        Write(arguments, opened.source, plan, opened.importance, opened.metadata, display, stop));
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    uint64_t bytes = std::filesystem::file_size(arguments.out);
    fmt::print("{}: {} ({:.2f} bits a weight) in {:.1f} s, {} of memory\n", arguments.out,
               telemetry::FormatCount(static_cast<double>(bytes), "B"),
               8 * static_cast<double>(bytes) / static_cast<double>(ElementCount(opened.source)),
               seconds.count(),
               telemetry::FormatCount(static_cast<double>(platform::PeakResidentBytes()), "B"));
    return 0;
}

Result<int> Run(const QuantizeArguments& arguments) {
    StopOnSignal stop;
    LATHE_TRY(auto path, registry::ResolveModel(arguments.source));
    LATHE_RETURN_IF_ERROR(CheckArguments(arguments, path));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(quant::Source source, quant::Source::Create(package));
    auto display = arguments.quiet ? telemetry::ProgressDisplay::Silent()
                                   : telemetry::ProgressDisplay::ForStandardError();
    if (std::string types = source.QuantizedTypes(); !types.empty())
        display->Say(fmt::format(
            "warning: the source is quantized already ({}); its errors stay and new ones are "
            "added. Quantize the original weights if you have them.",
            types));
    Opened opened{.source = source, .metadata = source.metadata()};
    LATHE_TRY(quant::ImportanceMatrix matrix,
              ImportanceOf(arguments, package, *display, stop.token()));
    if (!matrix.entries.empty()) {
        LATHE_TRY(opened.importance, matrix.ForSource(source));
        DescribeImportance(matrix, arguments.imatrix, opened.metadata);
    }
    return arguments.report ? RunReport(arguments, opened, *display, stop.token())
                            : RunOne(arguments, opened, *display, stop.token());
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
    command->add_option("out", arguments->out, "the GGUF file to write; with --report a folder")
        ->required();
    command->add_option("--to", arguments->to, "the mix of types: " + quant::MixNames());
    command->add_option("--target-size", arguments->target_size,
                        "instead of a mix: the types that lose least in a file of this size (95MB, "
                        "90MiB, or the name of a mix, whose size is meant); needs --calibrate");
    command
        ->add_option("--target-kld", arguments->target_kld,
                     "instead: the smallest file whose predictions are at most this far from the "
                     "source's (mean KL divergence in nats); needs --calibrate")
        ->check(CLI::Range(1e-9, 100.0));
    command->add_option("--tensor-type", arguments->overrides,
                        "PATTERN=TYPE: matrices whose whole name matches get this type; * and ? "
                        "match anything and any character. Repeatable, the last match wins");
    command
        ->add_option("--imatrix", arguments->imatrix,
                     "importance of each column, from `lathe imatrix` or llama.cpp: errors "
                     "then weigh as much as they matter")
        ->check(CLI::ExistingFile);
    command
        ->add_option(
            "--calibrate", arguments->calibrate,
            "a text (UTF-8) to measure the importance on, where no --imatrix gives it, and "
            "divergence for the targets")
        ->check(CLI::ExistingFile);
    command->add_flag("--report", arguments->report,
                      "make and measure each of --candidates: size, memory, speed, perplexity, "
                      "divergence; writes OUT/report.html and OUT/report.json");
    command->add_option("--candidates", arguments->candidates, "mixes for the report")
        ->delimiter(',')
        ->capture_default_str();
    command->add_option("--report-tasks", arguments->report_tasks,
                        "tasks for the report, as `lathe eval --tasks` takes them: which share of "
                        "the source's score each precision keeps");
    command
        ->add_option("--report-limit", arguments->report_limit,
                     "only so many documents of each of these tasks")
        ->check(CLI::PositiveNumber);
    command->add_option("--evaluate", arguments->evaluate, "the report's text, UTF-8")
        ->check(CLI::ExistingFile);
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
