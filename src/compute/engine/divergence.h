// How far one path of a model is from another: Kullback-Leibler divergence of the
// next token's distribution, over the whole vocabulary, at the same positions.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "compute/engine/model_runner.h"
#include "core/base/result.h"

namespace lathe::engine {

// Natural logarithms of the softmax, computed in double.
void LogSoftmax(std::span<const float> logits, std::span<float> logprobs);

// Sum of p (log p - log q), in nats, from log-probabilities. At least 0 but for rounding.
double KlDivergence(std::span<const float> reference, std::span<const float> other);

struct DivergenceReport {
    size_t positions = 0;
    double kl_mean = 0;  // nats
    double kl_p99 = 0;
    double kl_p999 = 0;
    double kl_max = 0;
    double top1_agreement = 0;  // share of positions where the likeliest token is the same
    // Of the tokens that follow in the text: mean negative log-likelihood by each.
    double reference_nll = 0;
    double other_nll = 0;
};

// Receives windows and the reference's log-probabilities, for whoever compares another
// engine with the same reference. Both return an error to stop.
class LogprobWriter {
public:
    virtual ~LogprobWriter() = default;
    virtual Status BeginWindow(std::span<const TokenId> ids) = 0;
    // Of the window's positions in order, [vocab_size] each, several at a time.
    virtual Status Rows(std::span<const float> logprobs) = 0;
};

using DivergenceProgress = std::function<void(size_t done, size_t total)>;  // tokens

// Runs every window from an empty cache through both runners, a few rows at a time so
// that memory does not grow with the vocabulary times the text, and compares what
// they say after each token. Without `other` only `writer` gets the reference, and the
// report holds the reference's likelihood.
//
// One thread, which becomes the runners' engine thread.
class DivergenceMeter {
public:
    struct Options {
        ModelRunner* reference = nullptr;
        ModelRunner* other = nullptr;     // may be null
        LogprobWriter* writer = nullptr;  // may be null
    };

    // Requires: a reference; both runners have its vocabulary.
    explicit DivergenceMeter(const Options& options);

    // Errors: kInvalidArgument for a window that is empty, longer than a context or its
    // pages, or of tokens that the model lacks; the writer's.
    Result<DivergenceReport> Measure(std::span<const std::vector<TokenId>> windows,
                                     const DivergenceProgress& progress);

private:
    // Rows of a chunk, so that two chunks of logits of a large vocabulary take 64 MiB.
    static constexpr size_t kChunkRows = 32;

    Status CheckWindow(std::span<const TokenId> ids) const;
    void RunChunk(ModelRunner& runner, std::span<const TokenId> ids, size_t begin, size_t end,
                  std::vector<float>& logprobs);
    void CompareChunk(std::span<const TokenId> ids, size_t begin, size_t end);
    DivergenceReport Report();

    Options options_;
    size_t vocab_size_ = 0;
    std::vector<float> reference_logprobs_;  // [kChunkRows][vocab_size]
    std::vector<float> other_logprobs_;
    std::vector<double> divergences_;  // [positions]
    size_t positions_ = 0;
    size_t agreements_ = 0;
    size_t followed_ = 0;  // positions that a token of the window follows
    double reference_nll_ = 0;
    double other_nll_ = 0;
};

}  // namespace lathe::engine
