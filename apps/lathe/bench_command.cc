#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "compute/engine/local_runner.h"
#include "compute/kernels/peak.h"
#include "core/platform/cpu.h"
#include "model_options.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

struct BenchOptions {
    ModelOptions model;
    std::vector<int> prompt{128, 512};
    std::vector<int> sequences{1, 8, 32};
    int depth = 128;    // tokens before the decoding starts
    int generate = 32;  // steps
    int repeat = 3;
    bool json = false;
};

double Seconds(std::chrono::steady_clock::time_point since) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

double Median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

// Runs slices of made-up tokens; what they say does not change how long they take.
class Driver {
public:
    static constexpr int kSequencesMax = 64;

    static int TokensEach(const engine::LocalRunner& runner) {
        return runner.page_count() / kSequencesMax * runner.page_tokens();
    }

    explicit Driver(engine::LocalRunner& runner) : runner_(runner) {
        tokens_.resize(static_cast<size_t>(runner.batch_tokens_max()));
        for (size_t i = 0; i < tokens_.size(); ++i)
            tokens_[i] = static_cast<tokenizer::TokenId>(
                1 + i * 7919 % static_cast<size_t>(runner.vocab_size() - 1));
        pages_.resize(static_cast<size_t>(runner.page_count()));
        std::iota(pages_.begin(), pages_.end(), 0u);
    }

    // Tokens a second of a prompt of `length`, the logits of its last token included.
    double Prefill(int length) {
        auto start = std::chrono::steady_clock::now();
        for (int done = 0; done < length;) {
            int count = std::min(length - done, runner_.batch_tokens_max());
            engine::SequenceSlice slice = Slice(0, done, count);
            if (done + count < length) slice.logits = engine::SequenceSlice::Logits::kNone;
            runner_.Forward({&slice, 1}, [](size_t, size_t, std::span<const float>) {});
            done += count;
        }
        return length / Seconds(start);
    }

    // Tokens a second of `count` sequences that generate `steps` each from `depth` on.
    double Decode(int count, int depth, int steps) {
        auto start = std::chrono::steady_clock::now();
        for (int step = 0; step < steps; ++step) {
            std::vector<engine::SequenceSlice> batch;
            for (int i = 0; i < count; ++i) batch.push_back(Slice(i, depth + step, 1));
            runner_.Forward(batch, [](size_t, size_t, std::span<const float>) {});
        }
        return count * steps / Seconds(start);
    }

private:
    engine::SequenceSlice Slice(int sequence, int position, int count) {
        size_t pages_each = pages_.size() / kSequencesMax;
        return {.tokens = std::span(tokens_).first(static_cast<size_t>(count)),
                .position = position,
                .pages = std::span(pages_).subspan(static_cast<size_t>(sequence) * pages_each)};
    }

    engine::LocalRunner& runner_;
    std::vector<tokenizer::TokenId> tokens_;
    std::vector<uint32_t> pages_;
};

struct Row {
    std::string what;
    double tokens_per_second;
};

std::vector<Row> Measure(Driver& driver, const BenchOptions& options) {
    std::vector<Row> rows;
    auto median_of = [&](auto&& run) {
        run();  // warm up
        std::vector<double> speeds;
        for (int i = 0; i < options.repeat; ++i) speeds.push_back(run());
        return Median(std::move(speeds));
    };
    for (int length : options.prompt)
        rows.push_back(
            {fmt::format("prefill {}", length), median_of([&] { return driver.Prefill(length); })});
    for (int count : options.sequences)
        rows.push_back(
            {fmt::format("decode, {} sequences at {}", count, options.depth),
             median_of([&] { return driver.Decode(count, options.depth, options.generate); })});
    return rows;
}

Result<int> Run(const BenchOptions& options) {
    LATHE_TRY(auto path, registry::ResolveModel(options.model.model));
    auto start = std::chrono::steady_clock::now();
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(
        auto runner,
        engine::LocalRunner::Create(
            package, {.activations = options.model.activations == "f32" ? model::Activations::kF32
                                                                        : model::Activations::kInt8,
                      .kv_type = KvTypeOf(options.model),
                      .kernels = options.model.kernels,
                      .threads = options.model.threads,
                      .context_length = static_cast<uint32_t>(options.model.context),
                      .kv_bytes = options.model.kv_bytes}));
    double load_s = Seconds(start);
    const model::Model& loaded = runner->model();
    platform::Team team(runner->threads());
    kernels::MachinePeaks peak = kernels::MeasurePeaks(*loaded.table, team, {});
    if (int room = Driver::TokensEach(*runner); options.depth + options.generate > room)
        return InvalidParam("depth",
                            "--depth and --generate together exceed the {} tokens that the "
                            "KV cache holds for each of {} sequences; give more --kv-memory",
                            room, Driver::kSequencesMax);
    Driver driver(*runner);
    std::vector<Row> rows = Measure(driver, options);
    if (options.json) {
        Json results = Json::array();
        for (const Row& row : rows)
            results.push_back({{"work", row.what}, {"tokens_per_second", row.tokens_per_second}});
        Json out{{"model", path.filename().string()},
                 {"cpu", platform::CpuModelName()},
                 {"kernels", loaded.table->name},
                 {"threads", runner->threads()},
                 {"activations", options.model.activations},
                 {"load_seconds", load_s},
                 {"weight_bytes", loaded.weights.bytes()},
                 {"peak_resident_bytes", platform::PeakResidentBytes()},
                 {"machine_peak",
                  {{"int8_gops", peak.int8_gops},
                   {"f32_gflops", peak.f32_gflops},
                   {"memory_gb_per_second", peak.read_gbps}}},
                 {"results", results}};
        fmt::print("{}\n", DumpJson(out, 2));
        return 0;
    }
    fmt::print("{}  {}  {} kernels, {} threads, activations {}\n", path.filename().string(),
               platform::CpuModelName(), loaded.table->name, runner->threads(),
               options.model.activations);
    fmt::print("loaded in {:.2f} s, weights {:.1f} MiB, peak resident {:.1f} MiB\n", load_s,
               static_cast<double>(loaded.weights.bytes()) / 1048576,
               static_cast<double>(platform::PeakResidentBytes()) / 1048576);
    fmt::print("this machine now: int8 {:.0f} GOPS, f32 {:.0f} GFLOPS, memory {:.1f} GB/s\n\n",
               peak.int8_gops, peak.f32_gflops, peak.read_gbps);
    for (const Row& row : rows)
        fmt::print("{:<32} {:>10.1f} tok/s\n", row.what, row.tokens_per_second);
    return 0;
}

}  // namespace

void AddBenchCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<BenchOptions>();
    CLI::App* command = app.add_subcommand(
        "bench", "Prefill and decode speed of a model, with this machine's measured peak");
    AddModelOptions(*command, options->model);
    command->add_option("--prompt", options->prompt, "Prompt lengths")
        ->delimiter(',')
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    command->add_option("--sequences", options->sequences, "Sequences that decode together")
        ->delimiter(',')
        ->check(CLI::Range(1, Driver::kSequencesMax))
        ->capture_default_str();
    command->add_option("--depth", options->depth, "Tokens before each decoded one")
        ->check(CLI::Range(0, 1 << 20))
        ->capture_default_str();
    command->add_option("--generate", options->generate, "Decoded steps a run")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    command->add_option("--repeat", options->repeat, "Runs of each, of which the median is given")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback([options, &exit_code] {
        auto result = Run(*options);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
