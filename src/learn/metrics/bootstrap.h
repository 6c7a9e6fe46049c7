// The bootstrap (Efron & Tibshirani 1993): how much a statistic of a set of documents would
// vary with other documents, learnt by drawing the documents anew with replacement.
//
// Deterministic: the draws depend on the seed and the replicate's number alone, and are the
// same on every machine. Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "learn/metrics/estimate.h"

namespace lathe::metrics {

struct BootstrapOptions {
    uint32_t replicates = 10'000;
    uint64_t seed = 1234;
};

// Uniform 64-bit numbers (Steele, Lea & Flood 2014, SplitMix64). One thread.
class SplitMix64 {
public:
    // A stream of its own for each (seed, stream).
    SplitMix64(uint64_t seed, uint64_t stream) : state_(Mix(seed) ^ Mix(~stream)) {}

    uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }
    // 0..bound-1; the bias is below bound / 2^64.
    uint32_t Below(uint32_t bound) {
        return static_cast<uint32_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
    }

private:
    static uint64_t Mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    uint64_t state_;
};

// A statistic of a selection of documents, by their numbers; a number may come repeatedly.
using Statistic = std::function<double(std::span<const uint32_t> documents)>;

// The statistic of every replicate, in the order they were drawn. For statistics that are
// no means (BLEU, F1); keep sums per document so that each call is cheap.
std::vector<double> BootstrapReplicates(uint32_t document_count, const Statistic& statistic,
                                        const BootstrapOptions& options = {});
// The same draws for the mean of `values`.
std::vector<double> BootstrapMeans(std::span<const double> values,
                                   const BootstrapOptions& options = {});

// The statistic without each document in turn: the jackknife, for BcaInterval.
std::vector<double> LeaveOneOut(uint32_t document_count, const Statistic& statistic);
std::vector<double> LeaveOneOutMeans(std::span<const double> values);

// The middle `level` of the replicates. Requires: there are some, 0 < level < 1.
Interval PercentileInterval(std::vector<double> replicates, double level = 0.95);

// Bias-corrected and accelerated (Efron 1987): closer to its level for skewed statistics
// and few documents. Falls back on PercentileInterval where the correction is infinite
// (`observed` lies outside all replicates) or there is nothing to correct (all equal).
Interval BcaInterval(double observed, std::vector<double> replicates,
                     std::span<const double> leave_one_out, double level = 0.95);

// Two-sided p-value of the hypothesis that a difference is 0: the share of replicates that
// lie at least as far from their mean as `observed` lies from 0 (Riezler & Maxwell 2005, as
// in sacrebleu's paired bootstrap). Never 0: counts the observation itself.
double BootstrapPValue(double observed, std::span<const double> replicates);

}  // namespace lathe::metrics
