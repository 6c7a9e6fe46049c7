#include "learn/eval/corpus_score.h"

#include <cmath>
#include <string>
#include <vector>

#include "learn/eval/python_random.h"
#include "learn/metrics/bleu.h"
#include "learn/metrics/chrf.h"
#include "learn/metrics/estimate.h"

namespace lathe::eval {
namespace {

struct Pair {
    std::vector<std::string> right;
    std::string said;
};

Result<Pair> PairOf(const Json& item) {
    Pair pair;
    bool fits = item.is_array() && item.size() == 2 && item[1].is_string();
    if (fits && item[0].is_string()) pair.right = {item[0].get<std::string>()};
    if (fits && item[0].is_array())
        for (const Json& one : item[0])
            if (one.is_string()) pair.right.push_back(one.get<std::string>());
    if (pair.right.empty())
        return InvalidParam("aggregation", "it takes pairs [right, said] of texts");
    pair.said = item[1].get<std::string>();
    return pair;
}

template <typename Counts, typename Score>
double ScoreAll(const std::vector<Counts>& documents, Score score) {
    Counts all = documents[0];
    for (size_t i = 1; i < documents.size(); ++i) all += documents[i];
    return score(all);
}

template <typename Counts, typename Score>
std::optional<double> ErrorOf(const std::vector<Counts>& documents, Score score) {
    if (documents.size() < 2) return std::nullopt;
    PythonRandom random(0);
    std::vector<double> drawn;
    auto draw = [&]() -> const Counts& {
        return documents[static_cast<size_t>(
            std::floor(random.Random() * static_cast<double>(documents.size())))];
    };
    for (int i = 0; i < kCorpusDraws; ++i) {
        Counts sum = draw();
        for (size_t j = 1; j < documents.size(); ++j) sum += draw();
        drawn.push_back(score(sum));
    }
    return metrics::EstimateMean(drawn).deviation;
}

Result<std::vector<Pair>> PairsOf(std::string_view name, std::span<const Json> items) {
    std::vector<Pair> pairs;
    for (const Json& item : items) {
        auto pair = PairOf(item);
        if (!pair)
            return std::unexpected(WithContext(std::move(pair).error(), fmt::format("{}", name)));
        pairs.push_back(*std::move(pair));
    }
    return pairs;
}

// What `use` makes of the documents' counts and the score of a sum of them.
template <typename Use>
auto WithCounts(std::string_view name, const std::vector<Pair>& pairs, Use use) {
    if (name == "chrf") {
        std::vector<metrics::ChrfCounts> counts;
        for (const Pair& pair : pairs) counts.push_back(metrics::CountChrf(pair.said, pair.right));
        return use(counts, [](const metrics::ChrfCounts& sum) { return metrics::Chrf(sum); });
    }
    auto tokenizer =
        name == "bleu_zh" ? metrics::BleuTokenizer::kChinese : metrics::BleuTokenizer::k13a;
    std::vector<metrics::BleuCounts> counts;
    for (const Pair& pair : pairs)
        counts.push_back(metrics::CountBleu(pair.said, pair.right, {.tokenizer = tokenizer}));
    return use(counts, [](const metrics::BleuCounts& sum) { return metrics::Bleu(sum); });
}

}  // namespace

bool IsCorpusScore(std::string_view name) {
    return name == "bleu" || name == "bleu_zh" || name == "chrf";
}

Result<double> CorpusScore(std::string_view name, std::span<const Json> items) {
    LATHE_TRY(std::vector<Pair> pairs, PairsOf(name, items));
    return WithCounts(name, pairs,
                      [](const auto& counts, auto score) { return ScoreAll(counts, score); });
}

Result<std::optional<double>> CorpusError(std::string_view name, std::span<const Json> items) {
    LATHE_TRY(std::vector<Pair> pairs, PairsOf(name, items));
    return WithCounts(name, pairs,
                      [](const auto& counts, auto score) { return ErrorOf(counts, score); });
}

}  // namespace lathe::eval
