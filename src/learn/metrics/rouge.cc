#include "learn/metrics/rouge.h"

#include <algorithm>

#include "learn/metrics/ngrams.h"
#include "learn/metrics/porter_stemmer.h"
#include "learn/metrics/text.h"
#include "learn/metrics/token_f1.h"

namespace lathe::metrics {
namespace {

std::vector<std::string> RougeTokens(std::string_view text, RougeWords kind) {
    if (kind == RougeWords::kCharacters) return AnswerWords(text, AnswerLanguage::kChinese);
    std::vector<std::string> words;
    std::string word;
    std::string lower = Lowercase(text) + ' ';
    for (char c : lower) {
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            word += c;
        } else if (!word.empty()) {
            bool stem = kind == RougeWords::kStemmed && word.size() > 3;
            words.push_back(stem ? PorterStem(word) : word);
            word.clear();
        }
    }
    return words;
}

size_t LongestCommonSubsequence(std::span<const uint32_t> left, std::span<const uint32_t> right) {
    std::vector<size_t> row(right.size() + 1);  // lengths for the prefix of `left` so far
    for (uint32_t word : left) {
        size_t diagonal = 0;
        for (size_t j = 0; j < right.size(); ++j) {
            size_t above = row[j + 1];
            row[j + 1] = word == right[j] ? diagonal + 1 : std::max(above, row[j]);
            diagonal = above;
        }
    }
    return row.back();
}

Rouge FromCounts(size_t shared, size_t generated, size_t reference) {
    Rouge out;
    if (generated > 0) out.precision = static_cast<double>(shared) / static_cast<double>(generated);
    if (reference > 0) out.recall = static_cast<double>(shared) / static_cast<double>(reference);
    if (out.precision + out.recall > 0)
        out.f1 = 2 * out.precision * out.recall / (out.precision + out.recall);
    return out;
}

}  // namespace

Rouge ScoreRouge(std::string_view generated, std::string_view reference,
                 const RougeOptions& options) {
    std::vector<std::string> given_words = RougeTokens(generated, options.words);
    std::vector<std::string> wanted_words = RougeTokens(reference, options.words);
    WordNumbers numbers;
    std::vector<uint32_t> given = numbers.Of(given_words), wanted = numbers.Of(wanted_words);
    if (options.order == kLongestSubsequence)
        return FromCounts(LongestCommonSubsequence(given, wanted), given.size(), wanted.size());
    size_t n = options.order;
    auto count = [n](const auto& words) { return words.size() >= n ? words.size() - n + 1 : 0; };
    return FromCounts(SharedCount(CountNgrams(std::span<const uint32_t>(given), n),
                                  CountNgrams(std::span<const uint32_t>(wanted), n)),
                      count(given), count(wanted));
}

Rouge ScoreRouge(std::string_view generated, std::span<const std::string> references,
                 const RougeOptions& options) {
    Rouge best;
    for (size_t i = 0; i < references.size(); ++i) {
        Rouge score = ScoreRouge(generated, references[i], options);
        if (i == 0 || score.f1 > best.f1) best = score;
    }
    return best;
}

}  // namespace lathe::metrics
