#include "quantize_report.h"

#include <fmt/format.h>

#include <cmath>

#include "child_process.h"
#include "core/json/json.h"
#include "core/platform/files.h"
#include "core/telemetry/progress_file.h"
#include "eval/score_kept.h"

namespace lathe::app {
namespace {

constexpr int kPrompt = 256;

Result<Json> RunJson(const ReportOptions& options, std::vector<std::string> arguments,
                     std::stop_token stop) {
    arguments.push_back("--json");
    if (options.threads > 0)
        arguments.insert(arguments.end(), {"--threads", fmt::format("{}", options.threads)});
    LATHE_TRY(std::string text, RunSelf(arguments, stop));
    return ParseJson(text);
}

double Number(const Json& json, const char* key) {
    auto found = json.find(key);
    return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

Status MeasureSpeed(const ReportOptions& options, const std::filesystem::path& file,
                    std::stop_token stop, quant::ReportRow& row, quant::Report& report) {
    LATHE_TRY(Json bench, RunJson(options,
                                  {"bench", "--model", file.string(), "--works", "prefill,decode",
                                   "--prompt", fmt::format("{}", kPrompt), "--sequences", "1"},
                                  stop));
    row.resident_bytes = static_cast<uint64_t>(Number(bench, "loaded_peak_resident_bytes"));
    if (auto cpu = bench.find("cpu"); cpu != bench.end() && cpu->is_string())
        report.machine =
            fmt::format("{}, {:.0f} threads", cpu->get<std::string>(), Number(bench, "threads"));
    const Json& results = bench.at("results");
    row.prefill_tokens_per_second = Number(results.at(0), "tokens_per_second");
    row.decode_tokens_per_second = Number(results.at(1), "tokens_per_second");
    return {};
}

// Of the file's own float32 path from the source's, so that the types alone are measured.
Status MeasureDivergence(const ReportOptions& options, const std::filesystem::path& file,
                         std::stop_token stop, quant::ReportRow& row, quant::Report& report) {
    bool source = file == options.source;
    std::vector<std::string> arguments = {
        "divergence", "--model", file.string(), "--file", options.text.string(), "--window", "256"};
    if (source)
        arguments.push_back("--reference-only");
    else
        arguments.insert(arguments.end(), {"--reference", options.source.string(), "--activations",
                                           "f32", "--kv-type", "f32"});
    LATHE_TRY(Json measured, RunJson(options, std::move(arguments), stop));
    report.positions = static_cast<uint64_t>(Number(measured, "positions"));
    row.perplexity = Number(measured, source ? "reference_perplexity" : "perplexity");
    row.kl_mean = Number(measured, "kl_mean");
    row.kl_p999 = Number(measured, "kl_p999");
    row.top1_agreement = source ? 1 : Number(measured, "top1_agreement");
    return {};
}

// Of a run and of the source's.
Status MeasureTasks(const ReportOptions& options, const std::filesystem::path& file,
                    std::stop_token stop, quant::ReportRow& row) {
    std::filesystem::path runs = options.folder / "runs";
    std::vector<std::string> arguments = {"eval",
                                          "--model",
                                          file.string(),
                                          "--tasks",
                                          options.tasks,
                                          "--output",
                                          (runs / row.name).string()};
    if (options.limit > 0)
        arguments.insert(arguments.end(), {"--limit", fmt::format("{}", options.limit)});
    LATHE_RETURN_IF_ERROR(RunJson(options, std::move(arguments), stop));
    LATHE_TRY(row.scores, ScoresKept(runs / "source", runs / row.name));
    return {};
}

Result<quant::ReportRow> Measure(const ReportOptions& options, const std::string& name,
                                 const std::filesystem::path& file, std::stop_token stop,
                                 quant::Report& report) {
    quant::ReportRow row{.name = name, .scores = {}};
    std::error_code ignored;
    row.file_bytes = std::filesystem::is_regular_file(file, ignored)
                         ? std::filesystem::file_size(file, ignored)
                         : 0;
    LATHE_RETURN_IF_ERROR(MeasureSpeed(options, file, stop, row, report));
    LATHE_RETURN_IF_ERROR(MeasureDivergence(options, file, stop, row, report));
    if (!options.tasks.empty()) LATHE_RETURN_IF_ERROR(MeasureTasks(options, file, stop, row));
    return row;
}

// Removed with the object.
struct CandidateFile {
    std::filesystem::path path;
    ~CandidateFile() {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
    }
};

Result<quant::Report> MeasureAll(const ReportOptions& options, telemetry::ProgressDisplay& display,
                                 telemetry::ProgressFile& state, std::stop_token stop) {
    quant::Report report{.model = options.model,
                         .text = options.text.filename().string(),
                         .machine = "",
                         .rows = {}};
    uint64_t precisions = options.candidates.size() + 1;
    state.Set(0, precisions, 0);
    telemetry::Progress bar(display,
                            {.label = "report", .unit = "precisions", .total = precisions});
    LATHE_TRY(quant::ReportRow source, Measure(options, "source", options.source, stop, report));
    report.rows.push_back(std::move(source));
    bar.Advance(1);
    state.Set(1, precisions, 0);
    for (const std::string& mix : options.candidates) {
        CandidateFile file{options.folder / fmt::format("candidate-{}.gguf", mix)};
        LATHE_RETURN_IF_ERROR(options.quantize(mix, file.path));
        LATHE_TRY(quant::ReportRow row, Measure(options, mix, file.path, stop, report));
        report.rows.push_back(std::move(row));
        bar.Advance(1);
        state.Set(report.rows.size(), precisions, 0);
    }
    bar.Finish();
    LATHE_RETURN_IF_ERROR(platform::WriteFileAtomically(options.folder / "report.json",
                                                        DumpJson(report.AsJson(), 2) + "\n"));
    LATHE_RETURN_IF_ERROR(
        platform::WriteFileAtomically(options.folder / "report.html", report.AsHtml()));
    return report;
}

}  // namespace

Result<quant::Report> MakeReport(const ReportOptions& options, telemetry::ProgressDisplay& display,
                                 std::stop_token stop) {
    std::error_code error;
    std::filesystem::create_directories(options.folder, error);
    if (error)
        return std::unexpected(
            platform::ErrnoError(error.value(), "cannot make the folder", options.folder));
    telemetry::ProgressFile state(
        options.folder / telemetry::ProgressFile::kFileName,
        {{"kind", "quantization"}, {"model", options.model}, {"tasks", options.candidates}});
    auto report = MeasureAll(options, display, state, stop);
    state.End(report ? Status() : Status(std::unexpected(report.error())));
    return report;
}

}  // namespace lathe::app
