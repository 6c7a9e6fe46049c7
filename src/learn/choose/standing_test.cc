#include "learn/choose/standing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace lathe::choose {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Made {
    const char* name;
    std::vector<size_t> right;  // of 100 documents of each task
    double first_token_ms = 100;
    double tokens_per_second = 50;
    double memory_gib = 1;
};

std::vector<Contestant> Make(const std::vector<Made>& all,
                             const std::vector<double>& weights = {1, 1}) {
    std::vector<Contestant> out;
    for (const Made& made : all) {
        Contestant one{.name = made.name, .tasks = {}, .costs = {}};
        for (size_t t = 0; t < made.right.size(); ++t) {
            TaskScores task{.task = std::to_string(t), .weight = weights[t], .scores = {}};
            for (size_t i = 0; i < 100; ++i) task.scores.push_back(i < made.right[t] ? 1 : 0);
            one.tasks.push_back(std::move(task));
        }
        one.costs = {.first_token_ms = made.first_token_ms,
                     .tokens_per_second = made.tokens_per_second,
                     .memory_gib = made.memory_gib};
        out.push_back(std::move(one));
    }
    return out;
}

// The winner after a change, a hair before and past it.
std::string WinnerAfter(const std::vector<Contestant>& contestants, Limits limits,
                        const Change& change, double past) {
    std::vector<double> weights;
    for (const TaskScores& task : contestants[0].tasks) weights.push_back(task.weight);
    double to = change.to;
    if (change.kind == Change::Kind::kWeight)
        weights[change.task] = to * (to > *change.from ? 1 + past : 1 - past);
    else
        SetValue(
            limits, change.limit,
            to * ((change.kind == Change::Kind::kTighten) == IsLeast(change.limit) ? 1 + past
                                                                                   : 1 - past));
    auto winner = WinnerOf(contestants, limits, weights);
    return winner ? contestants[*winner].name : "";
}

TEST(WinnerOf, IsTheBestOfThoseThatKeepTheLimits) {
    auto all = Make({{"large", {90, 90}, 100, 10, 8},
                     {"middle", {70, 70}, 100, 30, 3},
                     {"small", {50, 50}, 100, 90, 1}});
    EXPECT_EQ(WinnerOf(all, {}), 0u);
    EXPECT_EQ(WinnerOf(all, {.memory_gib = 4}), 1u);
    EXPECT_EQ(WinnerOf(all, {.tokens_per_second = 40}), 2u);
    EXPECT_EQ(WinnerOf(all, {.first_token_ms = 50}), std::nullopt);
    EXPECT_EQ(WinnerOf({}, {}), std::nullopt);
}

TEST(WinnerOf, PrefersTheFasterThenTheSmallerOfEquals) {
    EXPECT_EQ(WinnerOf(Make({{"slow", {60, 60}, 100, 20, 1}, {"fast", {60, 60}, 100, 40, 2}}), {}),
              1u);
    EXPECT_EQ(WinnerOf(Make({{"fat", {60, 60}, 100, 40, 2}, {"thin", {60, 60}, 100, 40, 1}}), {}),
              1u);
}

TEST(WinnerOf, TakesWhatIsNotKnownForKept) {
    auto all = Make({{"server", {90, 90}}, {"local", {50, 50}}});
    all[0].costs = {};
    EXPECT_EQ(WinnerOf(all, {.memory_gib = 0.1}), 0u);
}

TEST(Rank, PutsThoseThatBreakALimitLastAndSaysWhich) {
    auto all = Make({{"large", {90, 90}, 900, 10, 8}, {"small", {50, 50}}, {"middle", {70, 70}}});
    auto standings = Rank(all, {.first_token_ms = 500, .memory_gib = 4});
    ASSERT_EQ(standings.size(), 3u);
    EXPECT_EQ(all[standings[0].contestant].name, "middle");
    EXPECT_EQ(all[standings[1].contestant].name, "small");
    EXPECT_EQ(all[standings[2].contestant].name, "large");
    EXPECT_THAT(standings[0].broken, IsEmpty());
    EXPECT_THAT(standings[2].broken, ElementsAre(Limit::kFirstToken, Limit::kMemory));
}

TEST(Rank, NamesRivalsThatAreNotToldApart) {
    auto all = Make({{"best", {80, 80}}, {"close", {80, 78}}, {"far", {50, 50}}});
    auto standings = Rank(all, {});
    EXPECT_FALSE(standings[0].rivals_winner);
    EXPECT_TRUE(standings[1].rivals_winner);
    EXPECT_FALSE(standings[2].rivals_winner);
    EXPECT_NEAR(standings[1].to_winner.value, -0.01, 1e-12);
}

TEST(Rank, MarksTheFrontOfEachCost) {
    auto all = Make({{"best", {90, 90}, 100, 10, 8},
                     {"quick", {70, 70}, 100, 60, 4},
                     {"beaten", {60, 60}, 100, 20, 2},
                     {"tiny", {40, 40}, 100, 50, 1}});
    for (const Standing& one : Rank(all, {})) {
        std::string name = all[one.contestant].name;
        EXPECT_EQ(one.on_speed_front, name == "best" || name == "quick") << name;
        EXPECT_TRUE(one.on_memory_front) << name;
        EXPECT_FALSE(one.on_cost_front) << name;  // nobody has one
    }
}

TEST(FindDominated, DropsWhoIsCertainlyWorseAndNoCheaper) {
    auto drops =
        FindDominated(Make({{"best", {80, 80}, 100, 50, 1}, {"worse", {40, 40}, 100, 49, 1}}), {});
    ASSERT_EQ(drops.size(), 1u);
    EXPECT_EQ(drops[0].contestant, 1u);
    EXPECT_EQ(drops[0].by, 0u);
    EXPECT_NEAR(drops[0].difference.value, -0.4, 1e-12);
}

TEST(FindDominated, KeepsWhoIsFasterSmallerOrPerhapsAsGood) {
    EXPECT_THAT(
        FindDominated(Make({{"best", {80, 80}, 100, 50, 1}, {"fast", {40, 40}, 100, 60, 1}}), {}),
        IsEmpty());
    EXPECT_THAT(FindDominated(
                    Make({{"best", {80, 80}, 100, 50, 1}, {"small", {40, 40}, 100, 50, 0.5}}), {}),
                IsEmpty());
    EXPECT_THAT(
        FindDominated(Make({{"best", {80, 80}, 100, 50, 1}, {"close", {79, 79}, 100, 50, 1}}), {}),
        IsEmpty());
}

TEST(FindDominated, KeepsWhoKeepsALimitThatTheBetterOneBreaks) {
    auto all = Make({{"best", {80, 80}, 102, 50, 1}, {"worse", {40, 40}, 100, 50, 1}});
    EXPECT_EQ(FindDominated(all, {}).size(), 1u);
    EXPECT_THAT(FindDominated(all, {.first_token_ms = 101}), IsEmpty());
}

TEST(WhatWouldChange, FindsTheNearestLimitsAndTheyHold) {
    auto all = Make({{"large", {90, 90}, 700, 12, 6},
                     {"middle", {70, 70}, 300, 30, 3},
                     {"small", {50, 50}, 100, 90, 1}});
    Limits limits{.first_token_ms = 500, .tokens_per_second = 10, .memory_gib = 8};
    auto changes = WhatWouldChange(all, limits);
    ASSERT_FALSE(changes.empty());
    bool relaxes = false, tightens = false;
    for (const Change& change : changes) {
        EXPECT_EQ(WinnerAfter(all, limits, change, 1e-9), all[change.winner].name);
        if (change.kind == Change::Kind::kTighten) {
            EXPECT_EQ(WinnerAfter(all, limits, change, -1e-9), "middle");
            tightens = true;
        }
        if (change.kind == Change::Kind::kRelax) {
            EXPECT_EQ(change.limit, Limit::kFirstToken);
            EXPECT_EQ(change.to, 700);
            EXPECT_EQ(all[change.winner].name, "large");
            relaxes = true;
        }
    }
    EXPECT_TRUE(relaxes && tightens);
    EXPECT_EQ(changes[0].kind, Change::Kind::kRelax);  // 700 / 500 is nearer than 500 / 300
}

TEST(WhatWouldChange, FindsWhereAWeightTips) {
    // 3 * 0.2 = w * 0.3 at w = 2.
    auto all = Make({{"a", {80, 50}}, {"b", {60, 80}}}, {3, 1});
    auto changes = WhatWouldChange(all, {});
    std::vector<Change> weights;
    for (const Change& change : changes)
        if (change.kind == Change::Kind::kWeight) weights.push_back(change);
    ASSERT_EQ(weights.size(), 2u);
    std::ranges::sort(weights, {}, &Change::task);  // both are a factor of 2 away
    EXPECT_EQ(weights[0].task, 0u);
    EXPECT_NEAR(weights[0].to, 1.5, 1e-9);
    EXPECT_EQ(weights[1].task, 1u);
    EXPECT_NEAR(weights[1].to, 2, 1e-9);
    for (const Change& change : weights) {
        EXPECT_EQ(WinnerAfter(all, {}, change, 1e-4), "b");
        EXPECT_EQ(WinnerAfter(all, {}, change, -1e-4), "a");
    }
}

TEST(WhatWouldChange, SkipsTheCrossingOfWhoStillLosesToAnother) {
    // At the weight where b passes a, c is ahead of both already.
    auto all = Make({{"a", {80, 20}}, {"b", {40, 60}}, {"c", {70, 50}}}, {4, 1});
    ASSERT_EQ(WinnerOf(all, {}), 0u);
    for (const Change& change : WhatWouldChange(all, {}))
        if (change.kind == Change::Kind::kWeight && change.to > *change.from) {
            EXPECT_EQ(all[change.winner].name, "c");
        }
}

TEST(WhatWouldChange, SaysHowFarALimitMustGiveIfNobodyKeepsThem) {
    auto all = Make({{"large", {90, 90}, 700, 12, 6}, {"small", {50, 50}, 300, 90, 5}});
    Limits limits{.memory_gib = 4};
    auto changes = WhatWouldChange(all, limits);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].kind, Change::Kind::kRelax);
    EXPECT_EQ(changes[0].to, 5);
    EXPECT_EQ(all[changes[0].winner].name, "small");
}

TEST(WhatWouldChange, IsEmptyWithoutRivals) {
    EXPECT_THAT(WhatWouldChange(Make({{"only", {90, 90}}}), {}), IsEmpty());
    EXPECT_THAT(WhatWouldChange({}, {}), IsEmpty());
}

}  // namespace
}  // namespace lathe::choose
