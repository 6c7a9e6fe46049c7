// Two runs on the same documents: which is better, and may one say so?
//
// Thread-safe: free functions only. Deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "learn/metrics/bootstrap.h"
#include "learn/metrics/estimate.h"

namespace lathe::metrics {

// Scores of both runs, document by document in the same order and number.
struct PairedScores {
    std::span<const double> baseline;
    std::span<const double> candidate;
};

// Exact two-sided McNemar test (1947): of the documents whose 0/1 score changed, `better`
// went up and `worse` down; the p-value that chance alone divides them so unevenly.
double McNemarPValue(uint64_t better, uint64_t worse);

// Two-sided sign-flip test: how often are the differences' signs, given at random, as
// one-sided as they are? All 2^n flips while at most kFlipsExactMax documents differ, else
// `draws` random ones, the observation counted among them so that p is never 0.
inline constexpr size_t kFlipsExactMax = 16;
double PermutationPValue(const PairedScores& scores, const BootstrapOptions& draws = {});

// Holm's step-down correction (1979): p-values such that calling every one below alpha a
// finding is wrong at all with probability alpha at most. In the order given.
std::vector<double> HolmCorrection(std::span<const double> p_values);

enum class PairedTest { kMcNemar, kPermutation };

struct Comparison {
    uint64_t documents = 0;
    uint64_t higher = 0;  // documents on which the candidate scored higher
    uint64_t lower = 0;
    double baseline_mean = 0;
    double candidate_mean = 0;
    MeanEstimate difference;  // candidate - baseline
    Interval interval;        // of the difference: BCa bootstrap over documents
    double level = 0.95;
    PairedTest test = PairedTest::kMcNemar;  // where all scores are 0 or 1
    double p_value = 1;
    // Set by the caller if this is one of several comparisons.
    std::optional<double> p_value_corrected;
    uint64_t comparisons = 1;
};

struct ComparisonOptions {
    BootstrapOptions bootstrap;
    double level = 0.95;
};

// Requires: both sides have the same number of scores.
Comparison Compare(const PairedScores& scores, const ComparisonOptions& options = {});

// What may be said of the candidate.
enum class Verdict {
    kBetter,
    kWorse,
    kOpen,           // the documents do not tell the two apart
    kSameEverywhere  // no document has another score
};

// The rule by which everything that compares speaks.
struct Finding {
    Verdict verdict = Verdict::kOpen;
    double alpha = 0.05;  // p-values up to here tell apart: 1 - level
    // Of kOpen: how many documents show a difference of this size with probability 0.8,
    // where there is one and they are no more than kDocumentsMax.
    std::optional<uint64_t> documents_needed;
    // Of kSameEverywhere: if more than this share of all documents differed, documents without a
    // difference would be rarer than alpha.
    std::optional<double> share_differing_max;
};
inline constexpr double kDocumentsMax = 1e9;
Finding FindingOf(const Comparison& comparison, bool higher_is_better);
// "better", "worse", "open", "same".
std::string_view VerdictName(Verdict verdict);

struct ConclusionWords {
    std::string_view baseline = "the baseline";
    std::string_view candidate = "the candidate";
    bool higher_is_better = true;
};

// The finding as one sentence: better, worse, or not told apart, with the interval, the
// test, and how many documents it would take to tell. Differences of scores
// within 0..1 are given in points, hundredths.
std::string Conclusion(const Comparison& comparison, const ConclusionWords& words = {});

}  // namespace lathe::metrics
