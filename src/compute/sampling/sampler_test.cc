#include "compute/sampling/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "compute/sampling/philox.h"
#include "compute/sampling/reference_sampler.h"

namespace lathe::sampling {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> RandomRow(size_t size, std::mt19937& random, float spread) {
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> row(size);
    for (float& x : row) x = normal(random);
    return row;
}

template <typename T>
T Pick(std::mt19937& random, std::initializer_list<T> values) {
    return values.begin()[random() % values.size()];
}

SamplingParams RandomParams(std::mt19937& random, size_t vocab) {
    SamplingParams params;
    params.temperature = Pick(random, {0.0f, 0.3f, 1.0f, 1.0f, 1.7f});
    params.top_k = Pick(random, {0, 0, 1, 5, 50, 2000});
    params.top_p = Pick(random, {1.0f, 1.0f, 0.1f, 0.6f, 0.95f});
    params.min_p = Pick(random, {0.0f, 0.0f, 0.02f, 0.3f});
    params.typical_p = Pick(random, {1.0f, 1.0f, 0.2f, 0.9f});
    params.repetition_penalty = Pick(random, {1.0f, 1.0f, 1.3f, 0.7f});
    params.frequency_penalty = Pick(random, {0.0f, 0.0f, 0.8f, -0.5f});
    params.presence_penalty = Pick(random, {0.0f, 0.0f, 1.5f});
    if (random() % 3 == 0)
        for (int i = 0; i < 5; ++i)
            params.logit_bias.emplace_back(static_cast<TokenId>(random() % vocab),
                                           Pick(random, {-100.0f, -2.0f, 4.0f}));
    return params;
}

std::vector<TokenId> RandomTokens(std::mt19937& random, size_t vocab, size_t count) {
    std::vector<TokenId> tokens(count);
    for (TokenId& token : tokens) token = static_cast<TokenId>(random() % vocab);
    return tokens;
}

TEST(Sampler, ChoosesWhatTheReferenceChoosesForAnyParameters) {
    std::mt19937 random(11);
    Scratch scratch;
    for (int round = 0; round < 1500; ++round) {
        size_t vocab = Pick(random, {size_t{10}, size_t{64}, size_t{300}, size_t{5000}});
        SamplingParams params = RandomParams(random, vocab);
        ASSERT_TRUE(Validate(params, vocab));
        std::vector<TokenId> prompt = RandomTokens(random, vocab, random() % 30);
        std::vector<TokenId> text = RandomTokens(random, vocab, random() % 30);
        std::vector<TokenId> banned = RandomTokens(random, vocab, random() % 3);
        std::vector<float> row = RandomRow(vocab, random, Pick(random, {0.01f, 1.0f, 5.0f}));

        Sampler sampler(params, static_cast<uint64_t>(round), 3);
        sampler.SetPrompt(prompt);
        for (TokenId token : text) sampler.Accept(token);
        Result<TokenId> token = sampler.Choose(row, banned, scratch);
        ASSERT_TRUE(token);

        auto outcomes =
            reference::Outcomes(reference::Penalize(row, params, prompt, text, banned), params);
        double uniform = UniformDraw(static_cast<uint64_t>(round), 3, text.size());
        ASSERT_THAT(reference::Choices(outcomes, uniform), Contains(*token))
            << "round " << round << " vocab " << vocab << " temperature " << params.temperature
            << " top_k " << params.top_k << " top_p " << params.top_p << " min_p " << params.min_p
            << " typical_p " << params.typical_p;
    }
}

TEST(Sampler, ChoosesTheSameFromTheBestLogitsAsFromTheWholeRow) {
    std::mt19937 random(13);
    Scratch whole, top;
    int decided = 0;
    for (int round = 0; round < 2000; ++round) {
        constexpr size_t kVocab = 300;
        SamplingParams params = RandomParams(random, kVocab);
        Sampler sampler(params, static_cast<uint64_t>(round), 0);
        size_t needed = sampler.TopNeeded(64);
        if (params.temperature == 0 && params.logit_bias.empty() &&
            params.repetition_penalty == 1 && params.frequency_penalty == 0 &&
            params.presence_penalty == 0)
            ASSERT_EQ(needed, 1u);
        if (needed == 0) continue;
        ++decided;
        std::vector<float> row = RandomRow(kVocab, random, Pick(random, {0.01f, 1.0f, 5.0f}));
        if (round % 2)  // ties
            for (float& logit : row) logit = std::round(logit);
        std::vector<float> block_max;
        ScannedRow scanned = ScanRow(row, block_max);
        CollectTop(scanned, needed, top.candidates, top.spare);
        ASSERT_EQ(sampler.ChooseFromTop(top), sampler.Choose(row, {}, whole).value())
            << "round " << round << " top_k " << params.top_k;
    }
    EXPECT_GT(decided, 100);
}

TEST(Sampler, ChoosesWhatTheReferenceChoosesFromAVocabularyOfAQuarterMillion) {
    std::mt19937 random(12);
    Scratch scratch;
    for (int round = 0; round < 6; ++round) {
        SamplingParams params;
        params.top_k = Pick(random, {0, 64});
        params.top_p = Pick(random, {1.0f, 0.9f});
        std::vector<float> row = RandomRow(262144, random, round % 2 ? 4.0f : 0.2f);
        auto outcomes = reference::Outcomes(reference::Penalize(row, params, {}, {}, {}), params);
        Sampler sampler(params, 5, 0);
        for (uint64_t position = 0; position < 20; ++position) {
            Result<TokenId> token = sampler.Choose(row, {}, scratch);
            ASSERT_TRUE(token);
            ASSERT_THAT(reference::Choices(outcomes, UniformDraw(5, 0, position)),
                        Contains(*token));
            sampler.Accept(*token);
        }
    }
}

TEST(Sampler, TakesTheLowestIdAmongEqualsWhenGreedy) {
    SamplingParams params{.temperature = 0};
    std::vector<float> row(1000, 0.5f);
    row[300] = row[301] = row[999] = 7;
    Scratch scratch;
    EXPECT_EQ(Sampler(params, 1, 0).Choose(row, {}, scratch).value(), 300);
}

TEST(Sampler, KeepsExactlyTopKAmongEquals) {
    SamplingParams params{.top_k = 3};
    std::vector<float> row(200, 1.0f);
    row[150] = 2;
    Scratch scratch;
    std::set<TokenId> seen;
    for (uint64_t seed = 0; seed < 200; ++seed)
        seen.insert(Sampler(params, seed, 0).Choose(row, {}, scratch).value());
    EXPECT_THAT(seen, ::testing::ElementsAre(0, 1, 150));
}

TEST(Sampler, DrawsTheSameForTheSameSeedCompletionAndPosition) {
    std::mt19937 random(3);
    std::vector<float> row = RandomRow(4000, random, 1);
    SamplingParams params;
    auto texts = [&](uint64_t seed, uint32_t completion) {
        Scratch scratch;
        Sampler sampler(params, seed, completion);
        std::vector<TokenId> text;
        for (int i = 0; i < 20; ++i) {
            text.push_back(sampler.Choose(row, {}, scratch).value());
            sampler.Accept(text.back());
        }
        return text;
    };
    EXPECT_EQ(texts(1, 0), texts(1, 0));
    EXPECT_NE(texts(1, 0), texts(1, 1));
    EXPECT_NE(texts(1, 0), texts(2, 0));
}

TEST(Sampler, StillHasAChoiceAtTheEdgesOfItsParameters) {
    std::mt19937 random(4);
    std::vector<float> row = RandomRow(3000, random, 3);
    auto best = static_cast<TokenId>(std::max_element(row.begin(), row.end()) - row.begin());
    Scratch scratch;
    for (SamplingParams params : {SamplingParams{.temperature = 1e-30f}, SamplingParams{.top_k = 1},
                                  SamplingParams{.top_p = 1e-30f}, SamplingParams{.min_p = 1}})
        EXPECT_EQ(Sampler(params, 9, 0).Choose(row, {}, scratch).value(), best);
    SamplingParams hot{.temperature = 100, .top_k = 3000, .top_p = 0.9999999f};
    EXPECT_TRUE(Sampler(hot, 9, 0).Choose(row, {}, scratch));
    SamplingParams typical{.typical_p = 1e-30f};
    EXPECT_TRUE(Sampler(typical, 9, 0).Choose(row, {}, scratch));
}

TEST(Sampler, ReportsLogitsThatAreNotNumbers) {
    Scratch scratch;
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity})
        for (float temperature : {0.0f, 1.0f}) {
            SamplingParams params{.temperature = temperature, .repetition_penalty = 1.2f};
            std::vector<float> row(100, -kInfinity);
            row[60] = bad;
            Result<TokenId> token = Sampler(params, 1, 0).Choose(row, {}, scratch);
            ASSERT_FALSE(token);
            EXPECT_EQ(token.error().code, Code::kInternal);
            EXPECT_THAT(token.error().message, HasSubstr("not finite"));
        }
}

TEST(Sampler, ReportsThatNothingIsLeftToChooseFrom) {
    std::vector<float> row(3, 0.0f);
    Scratch scratch;
    std::vector<TokenId> banned = {0, 1, 2};
    SamplingParams params;
    Result<TokenId> token = Sampler(params, 1, 0).Choose(row, banned, scratch);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, Code::kInvalidArgument);
    EXPECT_EQ(Sampler(params, 1, 0).Choose(row, std::span(banned).first(2), scratch).value(), 2);
}

TEST(Sampler, PenalizesByTheDefinitionsOfVllm) {
    // Token 0 only in the prompt, 1 once and 2 twice in the text, 3 never.
    SamplingParams params{.temperature = 0,
                          .repetition_penalty = 2,
                          .frequency_penalty = 0.5f,
                          .presence_penalty = 0.25f};
    Scratch scratch;
    auto winner = [&](std::vector<float> row) {
        Sampler sampler(params, 1, 0);
        sampler.SetPrompt(std::vector<TokenId>{0, 0});
        for (TokenId token : {1, 2, 2}) sampler.Accept(token);
        return sampler.Choose(row, {}, scratch).value();
    };
    EXPECT_EQ(winner({4.0f, 0, 0, 1.99f}), 0) << "positive logits are divided: 2";
    EXPECT_EQ(winner({4.0f, 0, 0, 2.01f}), 3);
    EXPECT_EQ(winner({-9, 4.0f, 0, 1.24f}), 1) << "4 / 2 - 0.5 - 0.25";
    EXPECT_EQ(winner({-9, 4.0f, 0, 1.26f}), 3);
    EXPECT_EQ(winner({-9, -9, 4.0f, 0.74f}), 2) << "4 / 2 - 2 * 0.5 - 0.25";
    EXPECT_EQ(winner({-9, -9, 4.0f, 0.76f}), 3);
    EXPECT_EQ(winner({-1.0f, -9, -9, -2.01f}), 0) << "negative logits are multiplied: -2";
    EXPECT_EQ(winner({-1.0f, -9, -9, -1.99f}), 3);
}

}  // namespace
}  // namespace lathe::sampling
