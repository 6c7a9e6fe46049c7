#include "learn/metrics/bleu.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "learn/metrics/ngrams.h"
#include "learn/metrics/text.h"

namespace lathe::metrics {
namespace {

// Of two references equally near, the shorter.
uint64_t NearestLength(uint64_t length, std::span<const std::vector<uint32_t>> references) {
    uint64_t nearest = references.front().size();
    auto distance = [length](uint64_t other) {
        return other > length ? other - length : length - other;
    };
    for (const auto& reference : references) {
        uint64_t candidate = reference.size();
        if (distance(candidate) < distance(nearest) ||
            (distance(candidate) == distance(nearest) && candidate < nearest))
            nearest = candidate;
    }
    return nearest;
}

}  // namespace

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) {
    for (size_t n = 0; n < kOrderMax; ++n) {
        matches[n] += other.matches[n];
        totals[n] += other.totals[n];
    }
    generated_length += other.generated_length;
    reference_length += other.reference_length;
    return *this;
}

BleuCounts CountBleu(std::string_view generated, std::span<const std::string> references,
                     const BleuOptions& options) {
    LATHE_CHECK(!references.empty());
    auto prepared = [&](std::string_view text) {
        return TokenizeForBleu(options.lowercase ? Lowercase(text) : std::string(text),
                               options.tokenizer);
    };
    std::vector<std::string> texts{prepared(generated)};
    for (const std::string& reference : references) texts.push_back(prepared(reference));
    WordNumbers numbers;
    std::vector<std::vector<uint32_t>> words;
    for (const std::string& text : texts) words.push_back(numbers.Of(SplitWords(text)));

    BleuCounts counts;
    std::span all(words);
    counts.generated_length = words[0].size();
    counts.reference_length = NearestLength(words[0].size(), all.subspan(1));
    for (size_t n = 1; n <= BleuCounts::kOrderMax; ++n) {
        // A reference n-gram may be matched as often as the reference that has most of it.
        auto allowed = CountNgrams(std::span<const uint32_t>(words[1]), n);
        for (const auto& reference : all.subspan(2))
            for (const auto& [ngram, count] : CountNgrams(std::span<const uint32_t>(reference), n))
                allowed[ngram] = std::max(allowed[ngram], count);
        auto given = CountNgrams(std::span<const uint32_t>(words[0]), n);
        counts.matches[n - 1] = SharedCount(given, allowed);
        counts.totals[n - 1] = words[0].size() >= n ? words[0].size() - n + 1 : 0;
    }
    return counts;
}

double Bleu(const BleuCounts& counts, BleuOrder order) {
    if (std::ranges::all_of(counts.matches, [](uint64_t match) { return match == 0; })) return 0;
    double brevity = 1;
    auto generated = static_cast<double>(counts.generated_length);
    auto reference = static_cast<double>(counts.reference_length);
    if (generated < reference) brevity = std::exp(1 - reference / generated);

    double smoothing = 1, log_sum = 0;
    size_t orders = BleuCounts::kOrderMax;
    for (size_t n = 0; n < BleuCounts::kOrderMax; ++n) {
        if (counts.totals[n] == 0) {
            // No n-gram of this order exists: a precision of 0, unless it is left out.
            if (order == BleuOrder::kFixed) return 0;
            break;
        }
        if (order == BleuOrder::kEffective) orders = n + 1;
        auto total = static_cast<double>(counts.totals[n]);
        double precision = 100 * static_cast<double>(counts.matches[n]) / total;
        if (counts.matches[n] == 0) {
            smoothing *= 2;
            precision = 100 / (smoothing * total);
        }
        log_sum += std::log(precision);
    }
    return brevity * std::exp(log_sum / static_cast<double>(orders));
}

}  // namespace lathe::metrics
