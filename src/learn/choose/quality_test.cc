#include "learn/choose/quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace lathe::choose {
namespace {

// `right` ones, then zeros.
TaskScores Task(size_t right, size_t count, double chance = 0, double weight = 1) {
    TaskScores task{.task = "t", .weight = weight, .chance = chance, .scores = {}};
    for (size_t i = 0; i < count; ++i) task.scores.push_back(i < right ? 1.0 : 0.0);
    return task;
}

TEST(Quality, PutsGuessingAtZeroAndAllRightAtOne) {
    EXPECT_DOUBLE_EQ(Task(5, 20, 0.25).quality(), 0);
    EXPECT_DOUBLE_EQ(Task(20, 20, 0.25).quality(), 1);
    EXPECT_DOUBLE_EQ(Task(0, 20, 0.5).quality(), -1);
    EXPECT_DOUBLE_EQ(Task(5, 20).quality(), 0.25);
}

TEST(Quality, IsTheWeightedMeanOfTheTasks) {
    std::vector<TaskScores> tasks = {Task(15, 20, 0.5, 3), Task(2, 20, 0, 1)};
    EXPECT_DOUBLE_EQ(QualityOf(tasks), (3 * 0.5 + 0.1) / 4);
    EXPECT_DOUBLE_EQ(QualityOf(tasks, std::vector{0.0, 1.0}), 0.1);
}

TEST(Quality, HasAnIntervalAsWideAsTheStandardErrorSays) {
    std::vector<TaskScores> tasks = {Task(60, 100, 0.2), Task(60, 100, 0.2)};
    metrics::Interval interval = QualityInterval(tasks);
    // Each mean has sqrt(0.24 / 100), a point of it is worth 1 / 0.8, and two are averaged.
    double half = 1.96 * std::sqrt(0.24 / 100 / 2) / 0.8;
    EXPECT_NEAR(interval.low, 0.5 - half, 0.01);
    EXPECT_NEAR(interval.high, 0.5 + half, 0.01);
}

TEST(CompareQuality, TellsApartWhatDiffersOnManyDocuments) {
    std::vector<TaskScores> good = {Task(40, 50)}, bad = {Task(10, 50)};
    QualityDifference difference = CompareQuality(bad, good);
    EXPECT_DOUBLE_EQ(difference.value, -0.6);
    EXPECT_TRUE(difference.certainly_lower());
    EXPECT_TRUE(CompareQuality(good, bad).certainly_higher());
    EXPECT_FALSE(CompareQuality(good, good).told_apart());
}

TEST(CompareQuality, IsNotSureAfterFourDocuments) {
    // The bootstrap alone would be: every document differs the same way.
    std::vector<TaskScores> good = {Task(4, 4)}, bad = {Task(0, 4)};
    QualityDifference difference = CompareQuality(bad, good);
    EXPECT_LT(difference.interval.high, 0);
    EXPECT_FALSE(difference.certainly_lower());
}

TEST(CompareQuality, SeesThatPairsShareTheirDocuments) {
    // Both right on a half; the one is right on five more. Unpaired, that would drown.
    std::vector<TaskScores> more = {Task(56, 100)}, less = {Task(48, 100)};
    EXPECT_TRUE(CompareQuality(more, less).certainly_higher());
    std::vector<TaskScores> other = {Task(48, 100)};
    std::ranges::reverse(other[0].scores);
    EXPECT_FALSE(CompareQuality(more, other).told_apart());
}

TEST(CompareQuality, WeighsTheTasks) {
    std::vector<TaskScores> a = {Task(30, 40, 0, 9), Task(10, 40, 0, 1)};
    std::vector<TaskScores> b = {Task(10, 40, 0, 9), Task(30, 40, 0, 1)};
    QualityDifference difference = CompareQuality(a, b);
    EXPECT_DOUBLE_EQ(difference.value, 0.4);
    EXPECT_TRUE(difference.certainly_higher());
}

}  // namespace
}  // namespace lathe::choose
