#include <fmt/format.h>

#include <memory>

#include "core/platform/cpu.h"
#include "fit/machine_here.h"
#include "learn/advise/machine.h"
#include "learn/advise/model_work.h"
#include "learn/advise/speed.h"
#include "model_options.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

using advise::ErrorFactor;
using advise::Machine;
using advise::ModelWork;
using advise::Speed;

struct FitOptions {
    std::string model;
    std::string measure;  // the model to calibrate with; "": the same
    std::vector<std::string> machines;
    std::string kernels;
    double context = 4096;
    double sequences = 1;
    int threads = 0;
    bool json = false;
};

// A line of a table: a precision on a machine.
struct FitLine {
    ModelWork work;
    advise::MemoryNeed memory;
    bool fits = false;
    Speed speed;
};

struct FitTable {
    Machine machine;
    ErrorFactor error;
    std::vector<FitLine> lines;  // as in the file, then by falling size
};

struct FitReport {
    std::string model;
    int threads = 0;
    MeasuredModel calibration;
    std::string calibration_model;
    advise::EngineShares shares;
    std::vector<FitTable> tables;  // this machine first
};

// A tenth of the memory is left to the system and to the program.
constexpr double kUsableMemory = 0.9;

struct Candidate {
    const model::ModelConfig& config;
    const modelfile::ModelPackage& package;
};

std::vector<ModelWork> Works(const Candidate& candidate) {
    std::vector<ModelWork> works{advise::WorkOf(candidate.config, candidate.package)};
    for (const advise::Precision& precision : advise::Precisions())
        works.push_back(advise::WorkAt(candidate.config, precision));
    return works;
}

template <typename MachineFor>
FitTable MakeTable(const Candidate& candidate, const FitOptions& options,
                   const advise::EngineShares& shares, MachineFor&& machine_for) {
    FitTable table;
    for (ModelWork& work : Works(candidate)) {
        Machine machine = machine_for(work.step_bytes);
        if (table.lines.empty()) table.machine = machine;
        FitLine line{.work = std::move(work), .memory = {}, .fits = false, .speed = {}};
        line.memory = advise::MemoryFor(
            line.work, {.context = options.context, .sequences = options.sequences});
        line.fits = line.memory.total() <= kUsableMemory * machine.memory_gib * (1 << 30);
        line.speed = advise::PredictSpeed(line.work, machine, shares,
                                          {.sequences = options.sequences,
                                           .depth = options.context / 2,
                                           .prompt = std::min(512.0, options.context)});
        table.lines.push_back(std::move(line));
    }
    return table;
}

Result<std::vector<Machine>> WantedMachines(const FitOptions& options) {
    std::vector<Machine> machines;
    for (const std::string& name : options.machines) {
        if (name == "all") {
            auto all = advise::NamedMachines();
            machines.insert(machines.end(), all.begin(), all.end());
            continue;
        }
        LATHE_TRY(Machine machine, advise::FindMachine(name));
        machines.push_back(machine);
    }
    return machines;
}

Result<FitReport> MakeReport(const FitOptions& options) {
    LATHE_TRY(std::vector<Machine> machines, WantedMachines(options));
    LATHE_TRY(auto path, registry::ResolveModel(options.model));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(auto config, model::ConfigFromPackage(package));
    LATHE_TRY(MachineHere here, MachineHere::Create(options.kernels, options.threads));

    FitReport report;
    report.model = options.model;
    report.threads = here.threads();
    report.calibration_model = options.measure.empty() ? options.model : options.measure;
    LATHE_TRY(auto measured_path, registry::ResolveModel(report.calibration_model));
    LATHE_TRY(auto measured_package, modelfile::ModelPackage::Open(measured_path));
    LATHE_TRY(report.calibration, MeasureModel(measured_package, options.kernels, options.threads));
    const MeasuredModel& calibration = report.calibration;
    report.shares = advise::Calibrate(calibration.work, here.For(calibration.work.step_bytes),
                                      calibration.speed);

    Candidate candidate{.config = config, .package = package};
    report.tables.push_back(MakeTable(candidate, options, report.shares,
                                      [&](double bytes) { return here.For(bytes); }));
    report.tables.back().error = advise::kCalibratedError;
    for (const Machine& machine : machines) {
        report.tables.push_back(MakeTable(candidate, options, advise::TypicalShares(machine.kind),
                                          [&](double) { return machine; }));
        report.tables.back().error = advise::PredictionError(machine.kind);
    }
    return report;
}

std::string TableAsText(const FitTable& table) {
    std::string text =
        fmt::format("{:<16} {:>9} {:>9} {:>9}  {:<4} {:>14} {:>14}\n", "precision", "weights", "KV",
                    "memory", "fits", fmt::format("decode (x/:{})", table.error.decode),
                    fmt::format("prefill (x/:{})", table.error.prefill));
    auto bytes = [](double count) { return registry::FormatBytes(static_cast<uint64_t>(count)); };
    for (const FitLine& line : table.lines)
        text += fmt::format("{:<16} {:>9} {:>9} {:>9}  {:<4} {:>14.1f} {:>14.1f}\n",
                            line.work.precision, bytes(line.memory.weights), bytes(line.memory.kv),
                            bytes(line.memory.total()), line.fits ? "yes" : "no", line.speed.decode,
                            line.speed.prefill);
    return text;
}

std::string AsText(const FitReport& report, const FitOptions& options) {
    const advise::SpeedMeasurement& speed = report.calibration.speed;
    const Machine& here = report.tables[0].machine;
    std::string text = fmt::format(
        "this machine: {}, {} threads: int8 {:.2f} TOPS, f32 {:.2f} TFLOPS, memory {:.1f} GB/s "
        "(measured)\n",
        platform::CpuModelName(), report.threads, here.product_tops, here.float_tflops,
        here.memory_gbps);
    text += fmt::format(
        "{} here, measured: 1 sequence {:.1f} tokens/s, {} sequences {:.1f}, prompt of {} {:.1f}\n"
        "that is {:.0f} % of reading memory, {:.0f} and {:.0f} % of int8 (decode, prefill)\n\n",
        report.calibration_model, 1 / speed.one_row_seconds, advise::kCalibrationRows,
        advise::kCalibrationRows / speed.more_rows_seconds, speed.prompt_tokens,
        speed.prompt_tokens / speed.prompt_seconds, report.shares.bandwidth * 100,
        report.shares.decode_products * 100, report.shares.prefill_products * 100);
    text += fmt::format(
        "{} at a context of {} for {} sequence{}: predicted tokens/s, of all "
        "sequences together,\nhalf of the context deep; the truth lies within the "
        "factor given\n",
        report.model, options.context, options.sequences, options.sequences == 1 ? "" : "s");
    for (const FitTable& table : report.tables) {
        bool named = &table != &report.tables.front();
        text +=
            fmt::format("\n{}{}\n", named ? std::string(table.machine.title) : "this machine",
                        named ? fmt::format(" ({}, prediction from published figures: {} GB/s, "
                                            "{} TOPS, {} GiB)",
                                            advise::MachineKindName(table.machine.kind),
                                            table.machine.memory_gbps, table.machine.product_tops,
                                            table.machine.memory_gib)
                              : " (prediction from what was measured)");
        text += TableAsText(table);
    }
    return text;
}

Json TableAsJson(const FitTable& table) {
    Json lines = Json::array();
    for (const FitLine& line : table.lines)
        lines.push_back({{"precision", line.work.precision},
                         {"weight_bytes", line.memory.weights},
                         {"kv_bytes", line.memory.kv},
                         {"memory_bytes", line.memory.total()},
                         {"fits", line.fits},
                         {"decode_tokens_per_second", line.speed.decode},
                         {"prefill_tokens_per_second", line.speed.prefill}});
    return {{"machine", table.machine.name},
            {"title", table.machine.title},
            {"kind", advise::MachineKindName(table.machine.kind)},
            {"source", table.machine.source},
            {"memory_gb_per_second", table.machine.memory_gbps},
            {"product_tops", table.machine.product_tops},
            {"float_tflops", table.machine.float_tflops},
            {"memory_gib", table.machine.memory_gib},
            {"error_factor", {{"decode", table.error.decode}, {"prefill", table.error.prefill}}},
            {"predicted", lines}};
}

Json AsJson(const FitReport& report, const FitOptions& options) {
    const advise::SpeedMeasurement& speed = report.calibration.speed;
    Json out{{"model", report.model},
             {"cpu", platform::CpuModelName()},
             {"threads", report.threads},
             {"context", options.context},
             {"sequences", options.sequences},
             {"measured",
              {{"model", report.calibration_model},
               {"decode_tokens_per_second", 1 / speed.one_row_seconds},
               {"decode_8_tokens_per_second", advise::kCalibrationRows / speed.more_rows_seconds},
               {"prefill_tokens_per_second", speed.prompt_tokens / speed.prompt_seconds},
               {"depth", speed.depth},
               {"prompt", speed.prompt_tokens}}},
             {"shares",
              {{"bandwidth", report.shares.bandwidth},
               {"decode_products", report.shares.decode_products},
               {"prefill_products", report.shares.prefill_products}}},
             {"machines", Json::array()}};
    for (const FitTable& table : report.tables) out["machines"].push_back(TableAsJson(table));
    return out;
}

Result<int> Fit(const FitOptions& options) {
    LATHE_TRY(FitReport report, MakeReport(options));
    fmt::print(
        "{}", options.json ? DumpJson(AsJson(report, options), 2) + "\n" : AsText(report, options));
    return 0;
}

}  // namespace

void AddFitCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<FitOptions>();
    CLI::App* command = app.add_subcommand(
        "fit", "Which precisions of a model fit a machine, and how fast they would run");
    command
        ->add_option("model", options->model,
                     "A GGUF file, a Hugging Face folder, or a name `lathe list` shows")
        ->required();
    command->add_option("--context", options->context, "Tokens of a sequence, prompt and answer")
        ->check(CLI::Range(16, 1 << 24))
        ->capture_default_str();
    command->add_option("--sequences", options->sequences, "Sequences at a time")
        ->check(CLI::Range(1, 1 << 16))
        ->capture_default_str();
    command
        ->add_option("--machine", options->machines,
                     "Also predict for a machine of docs/hardware.md, or for `all`")
        ->delimiter(',');
    command->add_option("--measure", options->measure,
                        "Calibrate with this model instead (a smaller one loads sooner)");
    command->add_option("--threads", options->threads, "Threads that compute (default: all cores)")
        ->check(CLI::Range(1, 1024));
    command->add_option("--kernels", options->kernels, "Force an instruction set");
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback([options, &exit_code] {
        auto result = Fit(*options);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
