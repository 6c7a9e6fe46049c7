// How well a model predicts a text: exp of the mean negative log-likelihood per token.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "compute/engine/engine.h"
#include "compute/tokenizer/tokenizer.h"
#include "core/base/result.h"

namespace lathe::engine {

struct PerplexityOptions {
    int32_t window = 0;  // tokens seen at once; 0: the context, at most 2048
    int32_t stride = 0;  // how far the window moves; 0: the window (disjoint windows)
    // Put before every window, for models whose text starts with it.
    std::optional<TokenId> prefix{};
};

// Part of a text: tokens [begin, end) are run, those from `scored` on are counted. With
// a stride below the window the others are context only (each token is counted once).
struct ScoreWindow {
    size_t begin = 0;
    size_t end = 0;
    size_t scored = 0;
};

// Covers [0, count): the first token of the text is never counted unless `has_prefix`.
std::vector<ScoreWindow> CutWindows(size_t count, size_t window, size_t stride, bool has_prefix);

struct PerplexityReport {
    size_t tokens = 0;  // counted
    size_t windows = 0;
    double nll = 0;  // sum, natural logarithm
    double perplexity = 0;
    double standard_error = 0;  // of the perplexity, tokens taken as independent
    int32_t window = 0;
    int32_t stride = 0;
};

// Log-probabilities of ids[1..] given what stands before each, in order.
using WindowScorer = std::function<Result<std::vector<float>>(std::span<const TokenId> ids)>;
// Tokens run so far, and of how many.
using ScoreProgress = std::function<void(size_t done, size_t total)>;

// Several windows at once through the engine. Errors: kInvalidArgument for a text of
// fewer than two tokens, a window beyond the context, a stride beyond the window.
Result<PerplexityReport> MeasurePerplexity(Engine& engine, std::span<const TokenId> text,
                                           const PerplexityOptions& options,
                                           const ScoreProgress& progress);

// One window after the other through `scorer`; `context` bounds the window.
Result<PerplexityReport> MeasurePerplexity(const WindowScorer& scorer, int32_t context,
                                           std::span<const TokenId> text,
                                           const PerplexityOptions& options,
                                           const ScoreProgress& progress);

}  // namespace lathe::engine
