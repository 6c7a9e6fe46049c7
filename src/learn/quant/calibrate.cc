#include "learn/quant/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "compute/engine/local_runner.h"

namespace lathe::quant {
namespace {

using model::ActivationObserver;
using tokenizer::TokenId;

// Sums of squares of every input of every layer. Workers add to columns of their own.
class SquareSums : public ActivationObserver {
public:
    explicit SquareSums(const model::ModelConfig& config)
        : sums_(config.layer_count * kInputs),
          widths_{config.width, config.query_width(), config.width, config.feed_forward_width} {
        for (size_t i = 0; i < sums_.size(); ++i) sums_[i].resize(widths_[i % kInputs]);
    }

    void Observe(uint32_t layer, Input input, const kernels::Rows& rows, int worker,
                 int workers) override {
        std::vector<double>& sums = sums_[Index(layer, input)];
        auto [begin, end] = platform::Share(sums.size(), worker, workers, 16);
        for (size_t row = 0; row < rows.count; ++row) {
            const float* values = rows.data + row * rows.stride;
            for (size_t i = begin; i < end; ++i)
                sums[i] += static_cast<double>(values[i] * values[i]);
        }
    }

    std::vector<float> Means(uint32_t layer, Input input, size_t rows) const {
        std::vector<float> means;
        for (double sum : sums_[Index(layer, input)])
            means.push_back(static_cast<float>(sum / static_cast<double>(rows)));
        return means;
    }

private:
    static size_t Index(uint32_t layer, Input input) {
        return layer * kInputs + static_cast<size_t>(input);
    }
    std::vector<std::vector<double>> sums_;  // [layer][input][column]
    size_t widths_[kInputs];
};

struct MatrixInput {
    std::string_view name;
    ActivationObserver::Input input;
};
constexpr MatrixInput kMatrices[] = {
    {"attn_q", ActivationObserver::Input::kAttention},
    {"attn_k", ActivationObserver::Input::kAttention},
    {"attn_v", ActivationObserver::Input::kAttention},
    {"attn_output", ActivationObserver::Input::kAttentionOutput},
    {"ffn_gate", ActivationObserver::Input::kFeedForward},
    {"ffn_up", ActivationObserver::Input::kFeedForward},
    {"ffn_down", ActivationObserver::Input::kDown},
};

void RunWindow(engine::ModelRunner& runner, std::span<const TokenId> ids,
               std::span<const uint32_t> pages) {
    auto step = static_cast<size_t>(runner.batch_tokens_max());
    for (size_t at = 0; at < ids.size(); at += step) {
        engine::SequenceSlice slice{.tokens = ids.subspan(at, std::min(step, ids.size() - at)),
                                    .position = static_cast<int32_t>(at),
                                    .pages = pages,
                                    .logits = engine::SequenceSlice::Logits::kNone};
        runner.Forward({&slice, 1}, [](size_t, size_t, const model::LogitsRow&) {});
    }
}

}  // namespace

std::vector<std::vector<TokenId>> CutText(const tokenizer::Tokenizer& tokenizer,
                                          std::string_view text, size_t window, size_t tokens_max) {
    auto begin = tokenizer.Encode("", {.add_special = true});
    bool marked = !begin.empty() && tokenizer.bos() == begin.front();
    auto ids = tokenizer.Encode(text, {.add_special = false, .parse_special = false});
    if (tokens_max > 0 && ids.size() > tokens_max) ids.resize(tokens_max);
    size_t step = std::max<size_t>(1, window - (marked ? 1 : 0));
    std::vector<std::vector<TokenId>> windows;
    for (size_t at = 0; at < ids.size(); at += step) {
        auto& cut = windows.emplace_back();
        if (marked) cut.push_back(begin.front());
        cut.insert(cut.end(), ids.begin() + static_cast<ptrdiff_t>(at),
                   ids.begin() + static_cast<ptrdiff_t>(std::min(ids.size(), at + step)));
    }
    return windows;
}

Result<ImportanceMatrix> Calibrate(const modelfile::ModelPackage& package,
                                   const tokenizer::Tokenizer& tokenizer, std::string_view text,
                                   const CalibrateOptions& options) {
    LATHE_TRY(model::ModelConfig config, model::ConfigFromPackage(package));
    size_t window = std::min<size_t>(options.window, config.context_length);
    auto windows = CutText(tokenizer, text, window, options.tokens_max);
    if (windows.empty())
        return InvalidArgument("the calibration text is empty; give one of some thousand words");
    SquareSums sums(config);
    LATHE_TRY(auto runner,
              engine::LocalRunner::Create(package, {.activations = model::Activations::kF32,
                                                    .kv_type = std::nullopt,
                                                    .kernels = options.kernels,
                                                    .threads = options.threads,
                                                    .context_length = static_cast<uint32_t>(window),
                                                    .observer = &sums}));
    std::vector<uint32_t> pages(static_cast<size_t>(runner->page_count()));
    std::iota(pages.begin(), pages.end(), 0u);
    uint64_t total = 0, done = 0;
    for (const auto& ids : windows) total += ids.size();
    for (const auto& ids : windows) {
        if (options.stop.stop_requested())
            return MakeError(Code::kCancelled, "stopped; nothing was written");
        RunWindow(*runner, ids, pages);
        done += ids.size();
        if (options.progress) options.progress(done, total);
    }
    ImportanceMatrix matrix;
    matrix.texts = {options.text_name};
    matrix.chunks = static_cast<uint32_t>(windows.size());
    matrix.chunk_tokens = static_cast<uint32_t>(window);
    for (uint32_t layer = 0; layer < config.layer_count; ++layer)
        for (const MatrixInput& from : kMatrices)
            matrix.entries[fmt::format("blk.{}.{}.weight", layer, from.name)] = {
                sums.Means(layer, from.input, total), static_cast<uint32_t>(total)};
    return matrix;
}

}  // namespace lathe::quant
