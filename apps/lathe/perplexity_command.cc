#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "compute/engine/perplexity.h"
#include "compute/model/reference.h"
#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "core/telemetry/progress.h"
#include "model_options.h"
#include "service/registry/model_facts.h"
#include "service/registry/model_store.h"

namespace lathe::app {
namespace {

struct PerplexityCommandOptions {
    ModelOptions model;
    std::string file;
    engine::PerplexityOptions perplexity;
    bool reference = false;
    bool json = false;
};

using TokenIds = std::vector<tokenizer::TokenId>;

// The text's tokens; the sequence's begin, if the model wants one, goes before every window.
TokenIds Tokenize(const tokenizer::Tokenizer& tokenizer, const std::string& text,
                  engine::PerplexityOptions& options) {
    TokenIds with = tokenizer.Encode("", {.add_special = true});
    if (!with.empty() && tokenizer.bos() == with.front()) options.prefix = with.front();
    return tokenizer.Encode(text, {.add_special = false, .parse_special = false});
}

double LogprobOf(std::span<const float> logits, size_t token) {
    double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - highest);
    return logits[token] - highest - std::log(sum);
}

Result<engine::PerplexityReport> MeasureByReference(const PerplexityCommandOptions& options,
                                                    const std::string& text,
                                                    const engine::ScoreProgress& progress) {
    LATHE_TRY(auto path, registry::ResolveModel(options.model.model));
    LATHE_TRY(auto package, modelfile::ModelPackage::Open(path));
    LATHE_TRY(auto tokenizer, registry::LoadTokenizer(package));
    LATHE_TRY(auto reference, model::ReferenceModel::Create(package));
    platform::Team team(options.model.threads ? options.model.threads : platform::UsableCores());
    auto scorer = [&](std::span<const tokenizer::TokenId> ids) -> Result<std::vector<float>> {
        std::vector<float> logprobs;
        LATHE_RETURN_IF_ERROR(
            reference.Run(ids, 0, team, [&](size_t position, std::span<const float> logits) {
                if (position + 1 < ids.size())
                    logprobs.push_back(static_cast<float>(
                        LogprobOf(logits, static_cast<size_t>(ids[position + 1]))));
            }));
        return logprobs;
    };
    engine::PerplexityOptions measure = options.perplexity;
    TokenIds ids = Tokenize(tokenizer, text, measure);
    return engine::MeasurePerplexity(
        scorer, static_cast<int32_t>(reference.config().context_length), ids, measure, progress);
}

Result<engine::PerplexityReport> MeasureByEngine(const PerplexityCommandOptions& options,
                                                 const std::string& text,
                                                 const engine::ScoreProgress& progress) {
    LATHE_TRY(auto model, LoadModel(options.model));
    engine::PerplexityOptions measure = options.perplexity;
    TokenIds ids = Tokenize(model->tokenizer(), text, measure);
    return engine::MeasurePerplexity(model->engine(), ids, measure, progress);
}

Result<int> Run(const PerplexityCommandOptions& options) {
    LATHE_TRY(std::string text, platform::ReadFile(options.file));
    auto start = std::chrono::steady_clock::now();
    auto display = telemetry::ProgressDisplay::ForStandardError();
    std::optional<telemetry::Progress> bar;
    auto progress = [&](size_t done, size_t total) {
        if (!bar)
            bar.emplace(*display, telemetry::ProgressOptions{
                                      .label = "perplexity", .unit = "tokens", .total = total});
        bar->Set(done);
    };
    LATHE_TRY(auto report, options.reference ? MeasureByReference(options, text, progress)
                                             : MeasureByEngine(options, text, progress));
    if (bar) bar->Finish();
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    double bits_per_byte = report.nll / std::log(2.0) / static_cast<double>(text.size());
    if (options.json) {
        Json out{{"perplexity", report.perplexity},
                 {"standard_error", report.standard_error},
                 {"nll", report.nll},
                 {"tokens", report.tokens},
                 {"bits_per_byte", bits_per_byte},
                 {"windows", report.windows},
                 {"window", report.window},
                 {"stride", report.stride},
                 {"path", options.reference ? "reference" : options.model.activations},
                 {"seconds", seconds}};
        fmt::print("{}\n", DumpJson(out, 2));
    } else {
        fmt::print(
            "perplexity {:.4f} +- {:.4f}  ({} tokens, windows of {} moved by {}; {:.4f} bits "
            "per byte; {:.1f} s)\n",
            report.perplexity, report.standard_error, report.tokens, report.window, report.stride,
            bits_per_byte, seconds);
    }
    return 0;
}

}  // namespace

void AddPerplexityCommand(CLI::App& app, int& exit_code) {
    auto options = std::make_shared<PerplexityCommandOptions>();
    CLI::App* command =
        app.add_subcommand("perplexity", "How well a model predicts a text, per token");
    AddModelOptions(*command, options->model);
    command->add_option("-f,--file", options->file, "The text, UTF-8")->required();
    command->add_option("--window", options->perplexity.window,
                        "Tokens seen at once (default: the context, at most 2048)");
    command->add_option("--stride", options->perplexity.stride,
                        "How far the window moves (default: the window, disjoint windows)");
    command->add_flag("--reference", options->reference,
                      "By the slow float32 reference path, to compare with");
    command->add_flag("--json", options->json, "Print one JSON object");
    command->callback([options, &exit_code] {
        auto result = Run(*options);
        exit_code = result ? *result : Fail(result.error());
    });
}

}  // namespace lathe::app
