#include "learn/metrics/chrf.h"

#include "core/base/check.h"
#include "learn/metrics/ngrams.h"
#include "learn/metrics/text.h"

namespace lathe::metrics {
namespace {

using Counts = std::map<std::vector<char32_t>, uint64_t>;

// Words joined again by a space: no word contains one, so equal keys are equal n-grams.
Counts CountWordNgrams(const std::vector<std::u32string>& words, size_t n) {
    Counts counts;
    for (size_t i = 0; i + n <= words.size(); ++i) {
        std::vector<char32_t> key;
        for (size_t j = i; j < i + n; ++j) {
            key.insert(key.end(), words[j].begin(), words[j].end());
            key.push_back(U' ');
        }
        ++counts[std::move(key)];
    }
    return counts;
}

// Takes one sign off the end, or else off the beginning, of each word.
std::vector<std::u32string> WordsAndSigns(std::string_view text) {
    std::vector<std::u32string> out;
    for (std::string_view utf8 : SplitWords(text)) {
        std::u32string word = CodePoints(utf8);
        if (word.size() > 1 && IsAsciiPunctuation(word.back())) {
            out.push_back(word.substr(0, word.size() - 1));
            out.push_back(word.substr(word.size() - 1));
        } else if (word.size() > 1 && IsAsciiPunctuation(word.front())) {
            out.push_back(word.substr(0, 1));
            out.push_back(word.substr(1));
        } else {
            out.push_back(std::move(word));
        }
    }
    return out;
}

std::vector<Counts> CountAll(std::string_view text, const ChrfOptions& options) {
    std::string lower;
    if (options.lowercase) text = lower = Lowercase(text);
    std::u32string characters = CodePoints(text);
    std::erase_if(characters, IsSpace);
    std::vector<Counts> counts;
    for (uint32_t n = 1; n <= options.character_order; ++n)
        counts.push_back(CountNgrams(std::span<const char32_t>(characters), n));
    std::vector<std::u32string> words = WordsAndSigns(text);
    for (uint32_t n = 1; n <= options.word_order; ++n) counts.push_back(CountWordNgrams(words, n));
    return counts;
}

uint64_t Total(const Counts& counts) {
    uint64_t total = 0;
    for (const auto& [ngram, count] : counts) total += count;
    return total;
}

}  // namespace

ChrfCounts& ChrfCounts::operator+=(const ChrfCounts& other) {
    if (orders.empty()) orders.resize(other.orders.size());
    LATHE_CHECK(orders.size() == other.orders.size() || other.orders.empty());
    for (size_t i = 0; i < other.orders.size(); ++i) {
        orders[i].generated += other.orders[i].generated;
        orders[i].reference += other.orders[i].reference;
        orders[i].matches += other.orders[i].matches;
    }
    return *this;
}

ChrfCounts CountChrf(std::string_view generated, std::span<const std::string> references,
                     const ChrfOptions& options) {
    LATHE_CHECK(!references.empty());
    std::vector<Counts> given = CountAll(generated, options);
    ChrfCounts best;
    double best_score = -1;
    for (const std::string& reference : references) {
        std::vector<Counts> wanted = CountAll(reference, options);
        ChrfCounts counts;
        for (size_t i = 0; i < given.size(); ++i)
            // Orders that the reference is too short for count on neither side.
            counts.orders.push_back({.generated = wanted[i].empty() ? 0 : Total(given[i]),
                                     .reference = Total(wanted[i]),
                                     .matches = SharedCount(given[i], wanted[i])});
        double score = Chrf(counts);
        if (score <= best_score) continue;
        best_score = score;
        best = std::move(counts);
    }
    return best;
}

double Chrf(const ChrfCounts& counts) {
    constexpr double kBetaSquared = 4;
    double precision = 0, recall = 0, orders = 0;
    for (const ChrfCounts::Order& order : counts.orders) {
        if (order.generated == 0 || order.reference == 0) continue;
        precision += static_cast<double>(order.matches) / static_cast<double>(order.generated);
        recall += static_cast<double>(order.matches) / static_cast<double>(order.reference);
        ++orders;
    }
    if (precision + recall == 0) return 0;
    precision /= orders;
    recall /= orders;
    return 100 * (1 + kBetaSquared) * precision * recall / (kBetaSquared * precision + recall);
}

}  // namespace lathe::metrics
