// The fast encoders against slow ones that follow the definition.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "compute/tokenizer/pre_tokenizer.h"
#include "compute/tokenizer/rank_bpe.h"
#include "compute/tokenizer/score_bpe.h"
#include "compute/tokenizer/space_cutter.h"
#include "compute/tokenizer/unigram.h"

namespace lathe::tokenizer {
namespace {

using Strings = std::vector<std::string>;

// A random vocabulary over a small alphabet, with the tokens it was merged from.
struct RandomModel {
    Strings texts = {"<unk>", "\u2581", "a", "b", "c", "我"};
    std::vector<std::pair<std::string, std::string>> merges;
    std::vector<float> scores;

    explicit RandomModel(std::mt19937& random, size_t merge_count) {
        while (merges.size() < merge_count) {
            const std::string& left = texts[1 + random() % (texts.size() - 1)];
            const std::string& right = texts[1 + random() % (texts.size() - 1)];
            std::string joined = left + right;
            // Most vocabularies keep spaces at the front; some do not.
            bool inner_space = joined.find("\u2581", 3) != std::string::npos;
            if (joined.size() > 12 || (inner_space && merge_count % 2 == 0)) continue;
            if (std::ranges::find(texts, joined) != texts.end()) continue;
            merges.emplace_back(left, right);
            texts.push_back(joined);
        }
        for (size_t i = 0; i < texts.size(); ++i)
            scores.push_back(-static_cast<float>(random() % 8));
    }

    Vocabulary MakeVocabulary() const {
        std::vector<std::string_view> views(texts.begin(), texts.end());
        std::vector<TokenKind> kinds(views.size(), TokenKind::kNormal);
        kinds[0] = TokenKind::kUnknown;
        return std::move(*Vocabulary::Create(views, kinds));
    }
    TokenId Find(const std::string& text) const {
        auto found = std::ranges::find(texts, text);
        return found == texts.end() ? 0 : static_cast<TokenId>(found - texts.begin());
    }
};

std::string RandomText(std::mt19937& random) {
    const char* units[] = {"a", "b", "c", "\u2581", "我", "é"};
    std::string text = "a";
    for (size_t i = random() % 40; i > 0; --i) text += units[random() % std::size(units)];
    return text;
}

Strings Characters(const std::string& text) {
    Strings characters;
    for (size_t at = 0; at < text.size();) {
        size_t length = CodePointAt(text, at).bytes;
        characters.push_back(text.substr(at, length));
        at += length;
    }
    return characters;
}

// Merges the best pair of all, the leftmost of equals, until `rank` knows none.
template <typename Rank>
Strings SlowMerge(Strings symbols, const Rank& rank) {
    while (true) {
        double best = std::numeric_limits<double>::infinity();
        size_t at = 0;
        for (size_t i = 0; i + 1 < symbols.size(); ++i)
            if (rank(symbols[i], symbols[i + 1]) < best) {
                best = rank(symbols[i], symbols[i + 1]);
                at = i;
            }
        if (best == std::numeric_limits<double>::infinity()) return symbols;
        symbols[at] += symbols[at + 1];
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
}

std::vector<TokenId> Encode(const Subword& subword, std::string_view text) {
    Workspace workspace;
    std::vector<TokenId> ids;
    subword.Encode(text, workspace, ids);
    return ids;
}

TEST(RankBpe, MergesAsTheSlowWayDoes) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        RandomModel model(random, 10 + random() % 20);
        Vocabulary vocabulary = model.MakeVocabulary();
        RankBpeOptions options;
        options.unknown = 0;
        options.merges.assign(model.merges.begin(), model.merges.end());
        auto bpe = RankBpe::Create(vocabulary, options);
        ASSERT_TRUE(bpe) << bpe.error().message;
        for (int i = 0; i < 10; ++i) {
            std::string text = RandomText(random);
            auto rank = [&](const std::string& left, const std::string& right) {
                auto found = std::ranges::find(model.merges, std::pair(left, right));
                return found == model.merges.end()
                           ? std::numeric_limits<double>::infinity()
                           : static_cast<double>(found - model.merges.begin());
            };
            std::vector<TokenId> expected;
            for (const std::string& symbol : SlowMerge(Characters(text), rank))
                expected.push_back(model.Find(symbol));
            EXPECT_EQ(Encode(**bpe, text), expected) << text;
        }
    }
}

TEST(ScoreBpe, MergesAsTheSlowWayDoes) {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        RandomModel model(random, 10 + random() % 20);
        Vocabulary vocabulary = model.MakeVocabulary();
        ScoreBpe bpe(vocabulary, model.scores, /*unknown=*/0);
        for (int i = 0; i < 10; ++i) {
            std::string text = RandomText(random);
            auto rank = [&](const std::string& left, const std::string& right) {
                TokenId id = model.Find(left + right);
                return id == 0 ? std::numeric_limits<double>::infinity()
                               : -double{model.scores[static_cast<size_t>(id)]};
            };
            std::vector<TokenId> expected;
            for (const std::string& symbol : SlowMerge(Characters(text), rank)) {
                TokenId id = model.Find(symbol);
                bool fused = id == 0 && !expected.empty() && expected.back() == 0;
                if (!fused) expected.push_back(id);
            }
            EXPECT_EQ(Encode(bpe, text), expected) << text;
        }
    }
}

// The greatest sum of scores over all ways to cut `text`.
double BestScore(const RandomModel& model, const std::string& text, double unknown) {
    Strings characters = Characters(text);
    std::vector<double> best(characters.size() + 1, -std::numeric_limits<double>::infinity());
    best[0] = 0;
    for (size_t end = 1; end <= characters.size(); ++end) {
        std::string token;
        for (size_t begin = end; begin-- > 0;) {
            token = characters[begin] + token;
            TokenId id = model.Find(token);
            double gain = id != 0            ? double{model.scores[static_cast<size_t>(id)]}
                          : begin + 1 == end ? unknown
                                             : -std::numeric_limits<double>::infinity();
            best[end] = std::max(best[end], best[begin] + gain);
        }
    }
    return best.back();
}

TEST(Unigram, FindsTheGreatestSumOfScores) {
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        RandomModel model(random, 10 + random() % 20);
        Vocabulary vocabulary = model.MakeVocabulary();
        std::vector<double> scores(model.scores.begin(), model.scores.end());
        double unknown = *std::ranges::min_element(scores) - 10;
        Unigram unigram(vocabulary, scores, {.unknown = 0});
        for (int i = 0; i < 10; ++i) {
            std::string text = RandomText(random);
            double sum = 0;
            std::string joined;
            for (TokenId id : Encode(unigram, text)) {
                joined += id == 0 ? "é" : model.texts[static_cast<size_t>(id)];
                sum += id == 0 ? 0 : scores[static_cast<size_t>(id)];
            }
            // A run of unknown characters is one token, each of them costs.
            std::string fused = text;
            double unknown_cost = 0;
            for (size_t at = 0; (at = fused.find("é", at)) != std::string::npos; ++at) {
                unknown_cost += unknown;
                while (fused.substr(at + 2).starts_with("é")) {
                    fused.erase(at, 2);
                    unknown_cost += unknown;
                }
            }
            EXPECT_EQ(joined, fused);
            EXPECT_DOUBLE_EQ(sum + unknown_cost, BestScore(model, text, unknown)) << text;
        }
    }
}

TEST(SpaceCutter, CutsBeforeEachFirstSpaceOfARun) {
    Strings parts;
    ForEachSpaceCut("a▁b▁▁c", [&](std::string_view part) { parts.emplace_back(part); });
    EXPECT_EQ(parts, (Strings{"a", "▁b", "▁▁c"}));
    parts.clear();
    ForEachSpaceCut("▁▁", [&](std::string_view part) { parts.emplace_back(part); });
    EXPECT_EQ(parts, (Strings{"▁▁"}));
}

TEST(SplitText, EachBehaviorTreatsTheMatchesInItsWay) {
    std::string text = "-the-final--count";
    auto split = [&](SplitBehavior behavior, bool invert = false) {
        std::vector<TextRange> pieces;
        SplitText({SplitPattern::Literal("-"), behavior, invert}, text, pieces);
        Strings parts;
        for (TextRange piece : pieces)
            parts.push_back(text.substr(piece.begin, piece.end - piece.begin));
        return parts;
    };
    EXPECT_EQ(split(SplitBehavior::kRemoved), (Strings{"the", "final", "count"}));
    EXPECT_EQ(split(SplitBehavior::kRemoved, true), (Strings{"-", "-", "-", "-"}));
    EXPECT_EQ(split(SplitBehavior::kIsolated),
              (Strings{"-", "the", "-", "final", "-", "-", "count"}));
    EXPECT_EQ(split(SplitBehavior::kMergedWithPrevious),
              (Strings{"-", "the-", "final-", "-", "count"}));
    EXPECT_EQ(split(SplitBehavior::kMergedWithNext), (Strings{"-the", "-final", "-", "-count"}));
    EXPECT_EQ(split(SplitBehavior::kContiguous),
              (Strings{"-", "the", "-", "final", "--", "count"}));
}

}  // namespace
}  // namespace lathe::tokenizer
