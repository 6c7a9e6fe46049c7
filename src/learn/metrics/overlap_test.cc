// BLEU, chrF, ROUGE and answer overlap against sacrebleu, rouge_score and SQuAD's rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/metrics/bleu.h"
#include "learn/metrics/chrf.h"
#include "learn/metrics/golden.h"
#include "learn/metrics/porter_stemmer.h"
#include "learn/metrics/rouge.h"
#include "learn/metrics/token_f1.h"

namespace lathe::metrics {
namespace {

TEST(Bleu, CorporaAndSentencesScoreAsSacrebleuScoresThem) {
    size_t sentences = 0;
    for (const Json& golden : ReadGolden("overlap")["bleu"]) {
        BleuOptions options{
            .tokenizer = *BleuTokenizerByName(golden["tokenizer"].get<std::string>()),
            .lowercase = golden["lowercase"]};
        BleuCounts corpus;
        for (size_t i = 0; i < golden["pairs"].size(); ++i, ++sentences) {
            const Json& pair = golden["pairs"][i];
            std::vector<std::string> references = pair[1];
            BleuCounts counts = CountBleu(pair[0].get<std::string>(), references, options);
            EXPECT_NEAR(Bleu(counts, BleuOrder::kEffective), golden["sentences"][i].get<double>(),
                        1e-9)
                << golden["tokenizer"] << pair;
            corpus += counts;
        }
        EXPECT_NEAR(Bleu(corpus), golden["corpus"].get<double>(), 1e-9) << golden["tokenizer"];
    }
    EXPECT_GT(sentences, 100u);
}

TEST(Bleu, TokenizersCutAsSacrebleuCuts) {
    for (const Json& golden : ReadGolden("overlap")["tokens"]) {
        for (std::string_view name : {"13a", "zh", "none"})
            EXPECT_EQ(
                TokenizeForBleu(golden["text"].get<std::string>(), *BleuTokenizerByName(name)),
                golden[name].get<std::string>())
                << name;
    }
    EXPECT_FALSE(BleuTokenizerByName("13b"));
}

TEST(Bleu, ATextOfOneWordHasNoCorpusScoreButAnEffectiveOne) {
    std::vector<std::string> references{"word"};
    EXPECT_EQ(Bleu(CountBleu("word", references)), 0);
    EXPECT_DOUBLE_EQ(Bleu(CountBleu("word", references), BleuOrder::kEffective), 100);
    EXPECT_EQ(Bleu(BleuCounts{}), 0);
}

TEST(Chrf, CorporaAndSentencesScoreAsSacrebleuScoresThem) {
    size_t sentences = 0;
    for (const Json& golden : ReadGolden("overlap")["chrf"]) {
        ChrfOptions options{.word_order = golden["word_order"], .lowercase = golden["lowercase"]};
        ChrfCounts corpus;
        for (size_t i = 0; i < golden["pairs"].size(); ++i, ++sentences) {
            const Json& pair = golden["pairs"][i];
            std::vector<std::string> references = pair[1];
            ChrfCounts counts = CountChrf(pair[0].get<std::string>(), references, options);
            EXPECT_NEAR(Chrf(counts), golden["sentences"][i].get<double>(), 1e-9) << pair;
            corpus += counts;
        }
        EXPECT_NEAR(Chrf(corpus), golden["corpus"].get<double>(), 1e-9);
    }
    EXPECT_GT(sentences, 50u);
}

TEST(Rouge, ScoresAsThePythonPackageDoes) {
    size_t scores = 0;
    for (const Json& golden : ReadGolden("overlap")["rouge"]) {
        RougeWords words = golden["stemmed"] ? RougeWords::kStemmed : RougeWords::kPlain;
        std::vector<std::string> references = golden["references"];
        for (auto [name, order] :
             {std::pair{"rouge1", 1u}, {"rouge2", 2u}, {"rougeL", kLongestSubsequence}}) {
            Rouge rouge = ScoreRouge(golden["generated"].get<std::string>(), references,
                                     {.order = order, .words = words});
            EXPECT_NEAR(rouge.precision, golden[name][0].get<double>(), 1e-12) << name << golden;
            EXPECT_NEAR(rouge.recall, golden[name][1].get<double>(), 1e-12) << name << golden;
            EXPECT_NEAR(rouge.f1, golden[name][2].get<double>(), 1e-12) << name << golden;
            ++scores;
        }
    }
    EXPECT_GT(scores, 50u);
}

TEST(Rouge, ComparesChineseByCharactersWhenAskedTo) {
    EXPECT_EQ(ScoreRouge("猫坐在垫子上", "猫睡在垫子上").f1, 0);
    Rouge rouge = ScoreRouge("猫坐在垫子上。", "猫睡在垫子上",
                             {.order = kLongestSubsequence, .words = RougeWords::kCharacters});
    EXPECT_DOUBLE_EQ(rouge.f1, 5.0 / 6);
}

TEST(PorterStem, StemsAsNltkDoes) {
    size_t count = 0;
    for (const auto& [word, stem] : ReadGolden("overlap")["stems"].items()) {
        EXPECT_EQ(PorterStem(word), stem.get<std::string>()) << word;
        ++count;
    }
    EXPECT_GT(count, 1000u);
}

TEST(TokenF1, CutsAndScoresAsTheReferenceRulesDo) {
    size_t count = 0;
    for (const Json& golden : ReadGolden("overlap")["answers"]) {
        std::string generated = golden["generated"];
        std::vector<std::string> references = golden["references"];
        EXPECT_EQ(AnswerWords(generated, AnswerLanguage::kEnglish),
                  golden["english_words"].get<std::vector<std::string>>());
        EXPECT_EQ(AnswerWords(generated, AnswerLanguage::kChinese),
                  golden["chinese_words"].get<std::vector<std::string>>());
        EXPECT_NEAR(TokenF1(generated, references, AnswerLanguage::kEnglish),
                    golden["english_f1"].get<double>(), 1e-12)
            << golden;
        EXPECT_NEAR(TokenF1(generated, references, AnswerLanguage::kChinese),
                    golden["chinese_f1"].get<double>(), 1e-12)
            << golden;
        ++count;
    }
    EXPECT_GT(count, 15u);
}

TEST(TokenF1, SameWordsNeedTheirOrder) {
    std::vector<std::string> expected{"the big cat", "dog"};
    EXPECT_TRUE(SameWords("Big cat!", expected, AnswerLanguage::kEnglish));
    EXPECT_FALSE(SameWords("cat big", expected, AnswerLanguage::kEnglish));
    EXPECT_DOUBLE_EQ(TokenF1("cat big", expected, AnswerLanguage::kEnglish), 1);
    EXPECT_EQ(TokenF1("cat", std::span<const std::string>{}, AnswerLanguage::kEnglish), 0);
}

}  // namespace
}  // namespace lathe::metrics
