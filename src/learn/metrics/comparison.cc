#include "learn/metrics/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/base/check.h"

namespace lathe::metrics {
namespace {

std::vector<double> Differences(const PairedScores& scores) {
    LATHE_CHECK(scores.baseline.size() == scores.candidate.size());
    std::vector<double> out;
    for (size_t i = 0; i < scores.baseline.size(); ++i)
        out.push_back(scores.candidate[i] - scores.baseline[i]);
    return out;
}

bool AllZeroOrOne(std::span<const double> scores) {
    return std::ranges::all_of(scores, [](double score) { return score == 0 || score == 1; });
}

// Sums in another order differ in their last bits; such ones are as far, too.
bool AsFar(double sum, double observed) {
    return std::abs(sum) >= std::abs(observed) * (1 - 1e-12);
}

double ExactFlips(std::span<const double> differences, double observed) {
    uint64_t as_far = 0, flips = uint64_t{1} << differences.size();
    for (uint64_t signs = 0; signs < flips; ++signs) {
        double sum = 0;
        for (size_t i = 0; i < differences.size(); ++i)
            sum += (signs >> i & 1) ? -differences[i] : differences[i];
        if (AsFar(sum, observed)) ++as_far;
    }
    return static_cast<double>(as_far) / static_cast<double>(flips);
}

double RandomFlips(std::span<const double> differences, double observed,
                   const BootstrapOptions& draws) {
    uint64_t as_far = 0;
    for (uint32_t draw = 0; draw < draws.replicates; ++draw) {
        SplitMix64 random(draws.seed, draw);
        double sum = 0;
        uint64_t signs = 0;
        for (size_t i = 0; i < differences.size(); ++i, signs >>= 1) {
            if (i % 64 == 0) signs = random.Next();
            sum += (signs & 1) ? -differences[i] : differences[i];
        }
        if (AsFar(sum, observed)) ++as_far;
    }
    return static_cast<double>(as_far + 1) / (static_cast<double>(draws.replicates) + 1);
}

std::optional<uint64_t> DocumentsNeeded(const Comparison& comparison) {
    const MeanEstimate& difference = comparison.difference;
    if (difference.mean == 0 || !difference.deviation) return std::nullopt;
    double z = NormalQuantile((1 + comparison.level) / 2) + NormalQuantile(0.8);
    double needed = std::pow(z * *difference.deviation / difference.mean, 2);
    if (needed > kDocumentsMax) return std::nullopt;
    return std::max(static_cast<uint64_t>(std::ceil(needed)), comparison.documents + 1);
}

std::string DocumentCount(uint64_t count) {
    return count == 1 ? "1 document" : fmt::format("{} documents", count);
}

std::string Evidence(const Comparison& comparison) {
    bool in_points =
        std::max(std::abs(comparison.baseline_mean), std::abs(comparison.candidate_mean)) <= 1;
    double scale = in_points ? 100 : 1;
    std::string text = fmt::format(
        "{:+.2f}{} ({:.0f} % interval {:+.2f} to {:+.2f}, {} p = {:.2g}",
        comparison.difference.mean * scale, in_points ? " points" : "", comparison.level * 100,
        comparison.interval.low * scale, comparison.interval.high * scale,
        comparison.test == PairedTest::kMcNemar ? "McNemar" : "permutation test",
        comparison.p_value);
    if (comparison.p_value_corrected)
        text += fmt::format(", {:.2g} after Holm's correction for {} comparisons",
                            *comparison.p_value_corrected, comparison.comparisons);
    return text + ")";
}

std::string SameEverywhere(const Comparison& comparison, double share,
                           const ConclusionWords& words) {
    return fmt::format(
        "{} and {} score the same on {}{}; elsewhere they may still differ on up to {:.2g} % of "
        "documents.",
        words.candidate, words.baseline, comparison.documents == 1 ? "" : "each of ",
        DocumentCount(comparison.documents), share * 100);
}

}  // namespace

double McNemarPValue(uint64_t better, uint64_t worse) {
    uint64_t changed = better + worse, fewer = std::min(better, worse);
    // Twice the lower tail of a fair coin's binomial, term by term in logarithms.
    double log_term = -static_cast<double>(changed) * std::numbers::ln2;
    double tail = std::exp(log_term);
    for (uint64_t i = 1; i <= fewer; ++i) {
        log_term += std::log(static_cast<double>(changed - i + 1) / static_cast<double>(i));
        tail += std::exp(log_term);
    }
    return std::min(1.0, 2 * tail);
}

double PermutationPValue(const PairedScores& scores, const BootstrapOptions& draws) {
    std::vector<double> differences = Differences(scores);
    std::erase(differences, 0.0);  // no sign to flip
    double observed = std::accumulate(differences.begin(), differences.end(), 0.0);
    return differences.size() <= kFlipsExactMax ? ExactFlips(differences, observed)
                                                : RandomFlips(differences, observed, draws);
}

std::vector<double> HolmCorrection(std::span<const double> p_values) {
    std::vector<size_t> order(p_values.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, {}, [&](size_t i) { return p_values[i]; });
    std::vector<double> out(p_values.size());
    double least = 0;
    for (size_t rank = 0; rank < order.size(); ++rank) {
        double factor = static_cast<double>(order.size() - rank);
        least = std::max(least, std::min(1.0, factor * p_values[order[rank]]));
        out[order[rank]] = least;
    }
    return out;
}

Comparison Compare(const PairedScores& scores, const ComparisonOptions& options) {
    std::vector<double> differences = Differences(scores);
    Comparison out;
    out.documents = differences.size();
    out.level = options.level;
    bool binary = AllZeroOrOne(scores.baseline) && AllZeroOrOne(scores.candidate);
    out.test = binary ? PairedTest::kMcNemar : PairedTest::kPermutation;
    if (differences.empty()) return out;
    for (double difference : differences) {
        if (difference > 0) ++out.higher;
        if (difference < 0) ++out.lower;
    }
    out.baseline_mean = EstimateMean(scores.baseline).mean;
    out.candidate_mean = EstimateMean(scores.candidate).mean;
    out.difference = EstimateMean(differences);
    out.interval = {.low = out.difference.mean, .high = out.difference.mean};
    if (differences.size() > 1)
        out.interval =
            BcaInterval(out.difference.mean, BootstrapMeans(differences, options.bootstrap),
                        LeaveOneOutMeans(differences), options.level);
    out.p_value = binary ? McNemarPValue(out.higher, out.lower)
                         : PermutationPValue(scores, options.bootstrap);
    return out;
}

Finding FindingOf(const Comparison& comparison, bool higher_is_better) {
    Finding finding{.verdict = Verdict::kOpen,
                    .alpha = 1 - comparison.level,
                    .documents_needed = {},
                    .share_differing_max = {}};
    if (comparison.documents == 0) return finding;
    if (comparison.higher + comparison.lower == 0) {
        finding.verdict = Verdict::kSameEverywhere;
        finding.share_differing_max =
            1 - std::pow(finding.alpha, 1 / static_cast<double>(comparison.documents));
    } else if (comparison.p_value_corrected.value_or(comparison.p_value) <= finding.alpha) {
        bool better = (comparison.difference.mean > 0) == higher_is_better;
        finding.verdict = better ? Verdict::kBetter : Verdict::kWorse;
    } else {
        finding.documents_needed = DocumentsNeeded(comparison);
    }
    return finding;
}

std::string_view VerdictName(Verdict verdict) {
    switch (verdict) {
        case Verdict::kBetter:
            return "better";
        case Verdict::kWorse:
            return "worse";
        case Verdict::kSameEverywhere:
            return "same";
        case Verdict::kOpen:
            break;
    }
    return "open";
}

std::string Conclusion(const Comparison& comparison, const ConclusionWords& words) {
    if (comparison.documents == 0)
        return "There is nothing to compare: no document is in both runs.";
    Finding finding = FindingOf(comparison, words.higher_is_better);
    if (finding.verdict == Verdict::kSameEverywhere)
        return SameEverywhere(comparison, *finding.share_differing_max, words);
    if (finding.verdict != Verdict::kOpen)
        return fmt::format("{} is {} than {} on documents like these {}: {}.", words.candidate,
                           VerdictName(finding.verdict), words.baseline, comparison.documents,
                           Evidence(comparison));
    std::string text =
        fmt::format("{} {} tell {} and {} apart: {}", DocumentCount(comparison.documents),
                    comparison.documents == 1 ? "does not" : "do not", words.candidate,
                    words.baseline, Evidence(comparison));
    if (finding.documents_needed)
        text += fmt::format("; a difference of this size, if it is real, takes about {} documents",
                            *finding.documents_needed);
    return text + ".";
}

}  // namespace lathe::metrics
