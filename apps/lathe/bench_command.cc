#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "bench/bench_report.h"
#include "bench/bench_text.h"
#include "bench/serve_bench.h"
#include "bench/step_bench.h"
#include "compute/engine/local_runner.h"
#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "model_options.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

struct BenchOptions {
    ModelOptions model;
    std::vector<std::string> works{"prefill", "decode", "mixed", "serve"};
    std::vector<int> prompt{128, 512};
    std::vector<int> sequences{1, 8, 32};
    int mixed = 16;  // sequences that decode beside a chunk of a prompt
    std::vector<int> chunks{64, 240};
    std::vector<std::string> serve{"1x512/65", "32x120/64"};
    int depth = 128;    // tokens before the decoding starts
    int generate = 32;  // steps
    int rows = 512;     // of a step
    int repeat = 3;
    std::string text_file;
    bool speculation = false;
    bool json = false;

    bool Wants(std::string_view work) const {
        return std::ranges::find(works, work) != works.end();
    }
};

Result<std::vector<tokenizer::TokenId>> TextTokens(const BenchOptions& options,
                                                   const tokenizer::Tokenizer& tokenizer) {
    std::string text(kBenchText);
    if (!options.text_file.empty()) {
        LATHE_TRY(text, platform::ReadFile(options.text_file));
    }
    return tokenizer.Encode(text, {.add_special = false, .parse_special = false});
}

// The median of `repeat` runs after one to warm up.
template <typename Run>
double MedianOf(int repeat, Run&& run) {
    run();
    std::vector<double> values;
    for (int i = 0; i < repeat; ++i) values.push_back(run());
    std::ranges::sort(values);
    return values[values.size() / 2];
}

Status CheckRoom(const BenchOptions& options, const engine::LocalRunner& runner, int tokens_each) {
    if ((options.Wants("decode") || options.Wants("mixed")) &&
        options.depth + options.generate > tokens_each)
        return InvalidParam("depth",
                            "--depth and --generate together exceed the {} tokens that the KV "
                            "cache holds for each of {} sequences; give more --kv-memory",
                            tokens_each, StepBench::kSequencesMax);
    int longest = std::ranges::max(options.prompt);
    if (options.Wants("prefill") && longest > runner.context_length())
        return InvalidParam("prompt", "--prompt {} exceeds the context of {}", longest,
                            runner.context_length());
    if (options.Wants("mixed")) {
        int chunk = std::ranges::max(options.chunks);
        if (options.mixed + chunk > runner.batch_tokens_max() || chunk > tokens_each)
            return InvalidParam("chunks",
                                "{} sequences and a chunk of {} exceed a step of {} rows; give "
                                "smaller --chunks or more --rows",
                                options.mixed, chunk, runner.batch_tokens_max());
    }
    return {};
}

void MeasureSteps(StepBench& bench, const BenchOptions& options, const Roofline& roofline,
                  BenchReport& report) {
    auto add = [&](std::string what, double tokens, Work work) {
        report.steps.push_back({.work = std::move(what),
                                .tokens_per_second = tokens / work.seconds,
                                .step_ms = work.seconds / work.steps * 1e3,
                                .shares = roofline.Of(work)});
    };
    double steps = options.generate;
    double depth = options.depth + steps / 2;
    if (options.Wants("prefill"))
        for (int length : options.prompt)
            add(fmt::format("prefill {}", length), length,
                {.rows = static_cast<double>(length),
                 .head_rows = 1,
                 .steps = static_cast<double>((length + options.rows - 1) / options.rows),
                 .kv_tokens = static_cast<double>(length),
                 .seconds = MedianOf(options.repeat, [&] { return bench.Prefill(length); })});
    if (options.Wants("decode"))
        for (int count : options.sequences)
            add(fmt::format("decode, {} sequences at {}", count, options.depth), count * steps,
                {.rows = count * steps,
                 .head_rows = count * steps,
                 .steps = steps,
                 .kv_tokens = count * steps * depth,
                 .seconds = MedianOf(options.repeat, [&] {
                     return bench.Decode(count, options.depth, options.generate);
                 })});
    if (options.Wants("mixed"))
        for (int chunk : options.chunks) {
            double rows = (options.mixed + chunk) * steps;
            add(fmt::format("{} at {} + {} of a prompt", options.mixed, options.depth, chunk), rows,
                {.rows = rows,
                 .head_rows = (options.mixed + 1) * steps,
                 .steps = steps,
                 .kv_tokens = options.mixed * steps * depth,
                 .seconds = MedianOf(options.repeat, [&] {
                     return bench.Mixed(options.mixed, options.depth, chunk, options.generate);
                 })});
        }
}

// The run of median duration.
Status MeasureServing(engine::Engine& engine, PromptCutter& prompts, const BenchOptions& options,
                      const Roofline& roofline, BenchReport& report) {
    for (const std::string& text : options.serve) {
        LATHE_TRY(ServeJob job, ServeJob::Parse(text));
        ServeJob warm_up{.requests = 1, .prompt = job.prompt, .generate = 4};
        if (auto warm = RunServeJob(engine, prompts, warm_up); !warm)
            return std::unexpected(std::move(warm).error());
        std::vector<ServeLine> runs;
        for (int i = 0; i < options.repeat; ++i) {
            auto steps_before = static_cast<double>(engine.stats().steps);
            LATHE_TRY(ServeResult result, RunServeJob(engine, prompts, job));
            Work work{
                .rows = static_cast<double>(result.prompt_tokens - result.cached_prompt_tokens +
                                            result.generated_tokens - job.requests),
                .head_rows = static_cast<double>(result.generated_tokens),
                .steps = static_cast<double>(engine.stats().steps) - steps_before,
                .kv_tokens = static_cast<double>(result.generated_tokens) *
                             (job.prompt + job.generate / 2.0),
                .seconds = result.seconds};
            runs.push_back({.job = job, .result = result, .shares = roofline.Of(work)});
        }
        std::ranges::sort(runs, {}, [](const ServeLine& line) { return line.result.seconds; });
        report.serves.push_back(runs[runs.size() / 2]);
    }
    return {};
}

Result<std::unique_ptr<engine::LocalRunner>> LoadRunner(const BenchOptions& options,
                                                        const modelfile::ModelPackage& package) {
    return engine::LocalRunner::Create(
        package, {.activations = options.model.activations == "f32" ? model::Activations::kF32
                                                                    : model::Activations::kInt8,
                  .kv_type = KvTypeOf(options.model),
                  .kernels = options.model.kernels,
                  .threads = options.model.threads,
                  .context_length = static_cast<uint32_t>(options.model.context),
                  .batch_tokens_max = static_cast<uint32_t>(options.rows),
                  .kv_bytes = options.model.kv_bytes});
}

Result<int> Run(const BenchOptions& options) {
    LATHE_TRY(auto path, registry::ResolveModel(options.model.model));
    for (const std::string& job : options.serve) LATHE_RETURN_IF_ERROR(ServeJob::Parse(job));
    auto start = std::chrono::steady_clock::now();
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(auto tokenizer, registry::LoadTokenizer(package));
    LATHE_TRY(auto runner, LoadRunner(options, package));
    BenchReport report;
    report.load_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report.loaded_peak_resident_bytes = platform::PeakResidentBytes();
    const model::Model& loaded = runner->model();
    report.model = path.filename().string();
    report.cpu = platform::CpuModelName();
    report.kernels = loaded.table->name;
    report.activations = options.model.activations;
    report.threads = runner->threads();
    std::error_code not_a_file;
    if (auto bytes = std::filesystem::file_size(path, not_a_file); !not_a_file)
        report.file_bytes = bytes;
    report.weight_bytes = loaded.weights.bytes();
    {
        platform::Team team(runner->threads());
        report.peak = kernels::MeasurePeaks(*loaded.table, team, {});
    }
    LATHE_TRY(auto text, TextTokens(options, tokenizer));
    LATHE_TRY(PromptCutter prompts, PromptCutter::Create(text));
    bool int8 = options.model.activations != "f32";
    uint64_t kv_bytes_per_token =
        model::Runner::PageBytes(loaded.config, runner->runner().options().kv_type) /
        kernels::kPageTokens;
    Roofline roofline(loaded, int8, kv_bytes_per_token, report.peak);
    StepBench steps(*runner, std::move(text));
    LATHE_RETURN_IF_ERROR(CheckRoom(options, *runner, steps.TokensEach()));
    MeasureSteps(steps, options, roofline, report);
    if (options.Wants("serve")) {
        LATHE_TRY(auto engine, engine::Engine::Create(*runner, tokenizer,
                                                      {.tokens_per_step_max = options.rows,
                                                       .speculates = options.speculation}));
        LATHE_RETURN_IF_ERROR(MeasureServing(*engine, prompts, options, roofline, report));
    }
    report.peak_resident_bytes = platform::PeakResidentBytes();
    fmt::print("{}", options.json ? DumpJson(AsJson(report), 2) + "\n" : AsText(report));
    return 0;
}

void AddWorkOptions(CLI::App& command, BenchOptions& options) {
    command.add_option("--works", options.works, "What to measure")
        ->delimiter(',')
        ->check(CLI::IsMember({"prefill", "decode", "mixed", "serve"}))
        ->capture_default_str();
    command.add_option("--prompt", options.prompt, "prefill: lengths of the prompt")
        ->delimiter(',')
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    command.add_option("--sequences", options.sequences, "decode: sequences together")
        ->delimiter(',')
        ->check(CLI::Range(1, StepBench::kSequencesMax))
        ->capture_default_str();
    command.add_option("--mixed", options.mixed, "mixed: sequences that decode")
        ->check(CLI::Range(1, StepBench::kSequencesMax - 1))
        ->capture_default_str();
    command.add_option("--chunks", options.chunks, "mixed: rows of a prompt beside them")
        ->delimiter(',')
        ->check(CLI::Range(1, 1 << 16))
        ->capture_default_str();
    command
        .add_option("--serve", options.serve,
                    "serve: jobs as REQUESTSxPROMPT/GENERATE[@ATONCE][+SHARED]: requests through "
                    "the engine, at most ATONCE at a time, the first SHARED tokens in common")
        ->delimiter(',')
        ->capture_default_str();
    command.add_option("--depth", options.depth, "Tokens before each decoded one")
        ->check(CLI::Range(0, 1 << 20))
        ->capture_default_str();
    command.add_option("--generate", options.generate, "decode, mixed: steps a run")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
}

}  // namespace

void AddBenchCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<BenchOptions>();
    CLI::App* command = app.add_subcommand(
        "bench", "Prefill and decode speed of a model, with this machine's measured peak");
    AddModelOptions(*command, options->model);
    AddWorkOptions(*command, *options);
    command->add_option("--rows", options->rows, "Most rows of a step")
        ->check(CLI::Range(64, 4096))
        ->capture_default_str();
    command->add_option("--repeat", options->repeat, "Runs of each, of which the median is given")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->add_option("--text", options->text_file, "Prompts are cut from this file")
        ->check(CLI::ExistingFile);
    command->add_flag("--speculation", options->speculation,
                      "serve: guessed tokens are tried as `lathe serve` does");
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback([options, &exit_code] {
        auto result = Run(*options);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
