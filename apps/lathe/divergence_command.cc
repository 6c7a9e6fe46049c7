#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compute/engine/divergence.h"
#include "compute/engine/local_runner.h"
#include "core/json/json.h"
#include "core/platform/files.h"
#include "core/telemetry/progress.h"
#include "logprob_file.h"
#include "model_options.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

constexpr uint64_t kTextBytesMax = 64u << 20;

struct DivergenceOptions {
    ModelOptions model;
    std::string reference;  // another model; "": the same one
    std::string text_file;
    std::string ids_file;
    std::string logprobs_file;
    int window = 512;
    bool reference_only = false;
    bool json = false;
};

using Windows = std::vector<std::vector<tokenizer::TokenId>>;

// Disjoint windows of the text; the sequence's begin, if the model wants one, goes
// before each.
Result<Windows> WindowsOfText(const DivergenceOptions& options,
                              const tokenizer::Tokenizer& tokenizer) {
    LATHE_TRY(std::string text, platform::ReadFile(options.text_file, kTextBytesMax));
    auto begin = tokenizer.Encode("", {.add_special = true});
    if (begin.empty() || tokenizer.bos() != begin.front()) begin.clear();
    auto ids = tokenizer.Encode(text, {.add_special = false, .parse_special = false});
    auto step = static_cast<size_t>(options.window) - std::min<size_t>(begin.size(), 1);
    Windows windows;
    for (size_t at = 0; at < ids.size(); at += step) {
        auto first = ids.begin() + static_cast<ptrdiff_t>(at);
        auto last = ids.begin() + static_cast<ptrdiff_t>(std::min(ids.size(), at + step));
        auto& window = windows.emplace_back();
        if (!begin.empty()) window.push_back(begin.front());
        window.insert(window.end(), first, last);
    }
    return windows;
}

Result<Windows> WindowsOfIds(const std::string& path) {
    LATHE_TRY(std::string text, platform::ReadFile(path, kTextBytesMax));
    LATHE_TRY(Json json, ParseJson(text));
    auto wrong = [&] {
        return InvalidParam("ids", "{} is no list of lists of token ids, as [[1, 2], [3]]", path);
    };
    if (!json.is_array()) return wrong();
    Windows windows;
    for (const Json& row : json) {
        if (!row.is_array()) return wrong();
        auto& window = windows.emplace_back();
        for (const Json& id : row) {
            if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)
                return wrong();
            window.push_back(id.get<tokenizer::TokenId>());
        }
    }
    return windows;
}

Result<std::unique_ptr<engine::LocalRunner>> LoadRunner(const modelfile::ModelPackage& package,
                                                        const ModelOptions& options,
                                                        model::Activations activations,
                                                        std::optional<kernels::KvType> kv_type) {
    return engine::LocalRunner::Create(package,
                                       {.activations = activations,
                                        .kv_type = kv_type,
                                        .kernels = options.kernels,
                                        .threads = options.threads,
                                        .context_length = static_cast<uint32_t>(options.context),
                                        .kv_bytes = options.kv_bytes});
}

Json AsJson(const engine::DivergenceReport& report, const DivergenceOptions& options,
            size_t windows) {
    Json out{{"model", options.model.model},
             {"reference", options.reference.empty() ? options.model.model : options.reference},
             {"windows", windows},
             {"positions", report.positions},
             {"reference_perplexity", std::exp(report.reference_nll)}};
    if (options.reference_only) return out;
    out["path"] = options.model.activations;
    out["kv_type"] = options.model.kv_type;
    out["kl_mean"] = report.kl_mean;
    out["kl_p99"] = report.kl_p99;
    out["kl_p999"] = report.kl_p999;
    out["kl_max"] = report.kl_max;
    out["top1_agreement"] = report.top1_agreement;
    out["perplexity"] = std::exp(report.other_nll);
    return out;
}

std::string AsText(const engine::DivergenceReport& report, const DivergenceOptions& options) {
    if (options.reference_only)
        return fmt::format("f32 path: perplexity {:.4f} over {} positions\n",
                           std::exp(report.reference_nll), report.positions);
    return fmt::format(
        "{} against {} over {} positions: KL divergence mean {:.3g}, p99 {:.3g}, p99.9 {:.3g}, "
        "max {:.3g} nats; same likeliest token {:.2f} %; perplexity {:.4f} against {:.4f}\n",
        options.model.activations,
        options.reference.empty() ? "f32" : fmt::format("f32 of {}", options.reference),
        report.positions, report.kl_mean, report.kl_p99, report.kl_p999, report.kl_max,
        report.top1_agreement * 100, std::exp(report.other_nll), std::exp(report.reference_nll));
}

Result<int> Run(const DivergenceOptions& options) {
    if (options.text_file.empty() == options.ids_file.empty())
        return InvalidParam("file", "give either --file with a text or --ids with token ids");
    LATHE_TRY(auto path, registry::ResolveModel(options.model.model));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(auto tokenizer, registry::LoadTokenizer(package));
    LATHE_TRY(Windows windows, options.ids_file.empty() ? WindowsOfText(options, tokenizer)
                                                        : WindowsOfIds(options.ids_file));
    std::optional<modelfile::ModelPackage> original;
    if (!options.reference.empty()) {
        LATHE_TRY(auto original_path, registry::ResolveModel(options.reference));
        LATHE_TRY(original, modelfile::ModelPackage::Open(original_path));
    }
    LATHE_TRY(auto reference, LoadRunner(original ? *original : package, options.model,
                                         model::Activations::kF32, std::nullopt));
    std::unique_ptr<engine::LocalRunner> other;
    if (!options.reference_only) {
        LATHE_TRY(other, LoadRunner(package, options.model,
                                    options.model.activations == "f32" ? model::Activations::kF32
                                                                       : model::Activations::kInt8,
                                    KvTypeOf(options.model)));
        if (other->vocab_size() != reference->vocab_size())
            return InvalidParam("reference", "{} has {} tokens, {} has {}; they cannot be compared",
                                options.reference, reference->vocab_size(), options.model.model,
                                other->vocab_size());
    }
    std::unique_ptr<LogprobFile> file;
    if (!options.logprobs_file.empty()) {
        LATHE_TRY(file, LogprobFile::Create(options.logprobs_file,
                                            static_cast<uint32_t>(reference->vocab_size())));
    }
    auto display = telemetry::ProgressDisplay::ForStandardError();
    std::optional<telemetry::Progress> bar;
    engine::DivergenceMeter meter(
        {.reference = reference.get(), .other = other.get(), .writer = file.get()});
    LATHE_TRY(auto report, meter.Measure(windows, [&](size_t done, size_t total) {
        if (!bar)
            bar.emplace(*display, telemetry::ProgressOptions{
                                      .label = "divergence", .unit = "tokens", .total = total});
        bar->Set(done);
    }));
    if (bar) bar->Finish();
    if (file) LATHE_RETURN_IF_ERROR(file->Finish());
    fmt::print("{}", options.json ? DumpJson(AsJson(report, options, windows.size()), 2) + "\n"
                                  : AsText(report, options));
    return 0;
}

}  // namespace

void AddDivergenceCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<DivergenceOptions>();
    CLI::App* command = app.add_subcommand(
        "divergence", "How far the fast path's predictions are from the exact float32 path's");
    AddModelOptions(*command, options->model);
    command->add_option("--reference", options->reference,
                        "Compare with the float32 path of this model instead, say the one that "
                        "--model was quantized from");
    command->add_option("-f,--file", options->text_file, "The text, UTF-8")
        ->check(CLI::ExistingFile);
    command
        ->add_option("--ids", options->ids_file,
                     "Instead of a text: a JSON list of windows, each a list of token ids")
        ->check(CLI::ExistingFile);
    command->add_option("--window", options->window, "Tokens of the text seen at once")
        ->check(CLI::Range(2, 1 << 20))
        ->capture_default_str();
    command->add_option("--logprobs", options->logprobs_file,
                        "Write the float32 path's log-probabilities here, a file or a pipe "
                        "(4 bytes a position and vocabulary entry)");
    command->add_flag("--reference-only", options->reference_only,
                      "Run the float32 path alone, for --logprobs");
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback([options, &exit_code] {
        auto result = Run(*options);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
