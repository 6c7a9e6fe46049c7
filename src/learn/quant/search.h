#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "compute/model/batch.h"
#include "core/base/result.h"
#include "core/platform/team.h"
#include "learn/quant/plan.h"
#include "learn/quant/quantize.h"

namespace lathe::quant {

// What a matrix costs as one of the types that fit it.
struct TypeChoice {
    tensor::DType type = tensor::DType::kF16;
    uint64_t bytes = 0;
    double divergence = 0;  // predicted share of the model's KL divergence, nats
};

// The choices worth taking: each larger one is better, and the gain for a byte falls (the
// lower convex hull). Sorted by size.
std::vector<TypeChoice> WorthTaking(std::vector<TypeChoice> choices);

// One index into each matrix's choices (each as WorthTaking gives them): from the smallest
// of all on, the step with the greatest gain for a byte is taken, until `enough` says so;
// steps that do not fit `bytes_max` are passed over. Source: Lagrangian bit allocation
// (Shoham and Gersho 1988).
std::vector<size_t> Allocate(std::span<const std::vector<TypeChoice>> choices, uint64_t bytes_max,
                             double divergence_wanted);

// Finds the types that lose least for their bytes. For every matrix on its own it measures
// how far the model's predictions move when that matrix alone is coarse (KL divergence on
// a text); for every type, how large the weighted error is. Errors of matrices add up, and
// divergence grows with their squares, so that one measurement predicts all types.
//
// Works on GGUF sources. Holds the model twice in memory. One thread at a time; the team
// helps.
class Search {
public:
    static constexpr size_t kPositionsMax = 256;  // of the text that are compared

    struct Options {
        const EncodeTable* table = nullptr;
        const Importance* importance = nullptr;  // may be null
        std::string kernels{};                   // "": the fastest here
        std::stop_token stop{};
        std::function<void(uint64_t done, uint64_t total)> progress{};  // matrices
    };

    // `windows` of token ids, run from an empty cache. Errors: kInvalidArgument for no
    // windows or a folder; those of loading; kCancelled.
    static Result<std::unique_ptr<Search>> Create(
        const Source& source, std::span<const std::vector<model::TokenId>> windows,
        platform::Team& team, const Options& options);
    ~Search();

    // The best plan of at most `file_bytes`. Error (kOutOfRange): the smallest there is.
    Result<Plan> ForSize(uint64_t file_bytes) const;
    // The smallest plan whose divergence, as measured, is at most `divergence`. Error
    // (kOutOfRange): the least that can be had.
    Result<Plan> ForDivergence(double divergence);

    // KL divergence of the model with a plan's types from the source, on the windows.
    Result<double> Measure(const Plan& plan);

private:
    struct State;
    explicit Search(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// "100MB", "95.5MiB", "1.2GB", a number of bytes, or a mix, whose size is meant. Error
// names the option.
Result<uint64_t> ParseSize(std::string_view text, const Source& source);

}  // namespace lathe::quant
