#include "compute/engine/step_budget.h"

#include <gtest/gtest.h>

namespace lathe::engine {
namespace {

// A machine with plain costs.
struct Machine {
    double decode_seconds = 0.01;  // of a step
    double row_seconds = 0.001;

    double Run(StepBudget& budget, int32_t decode_rows) const {
        int32_t rows = budget.PrefillRows(decode_rows);
        double seconds = (decode_rows > 0 ? decode_seconds : 0) + rows * row_seconds;
        budget.Observe(decode_rows, rows, seconds);
        return seconds;
    }
};

TEST(StepBudget, GivesAllRowsWithoutATargetOrWithNobodyToDisturb) {
    StepBudget none(0, 256);
    none.Observe(8, 248, 10);
    EXPECT_EQ(none.PrefillRows(8), 256);
    StepBudget budget(0.05, 256);
    budget.Observe(0, 256, 10);
    EXPECT_EQ(budget.PrefillRows(0), 256);
    EXPECT_LT(budget.PrefillRows(1), 256);
}

TEST(StepBudget, KeepsTheTargetOnceItKnowsTheMachine) {
    StepBudget budget(0.1, 256);
    Machine machine;
    EXPECT_EQ(budget.PrefillRows(4), StepBudget::kRowsUnknown);
    budget.Observe(4, 0, machine.decode_seconds);
    machine.Run(budget, 4);
    EXPECT_EQ(budget.PrefillRows(4), 90);
    EXPECT_NEAR(machine.Run(budget, 4), 0.1, 0.002);
}

TEST(StepBudget, FollowsALoadThatChanges) {
    StepBudget budget(0.1, 256);
    Machine machine;
    for (int i = 0; i < 40; ++i) machine.Run(budget, 4);
    EXPECT_LE(machine.Run(budget, 4), 0.11);
    machine.decode_seconds = 0.06;  // more sequences, and no step that only generates
    for (int i = 0; i < 40; ++i) machine.Run(budget, 40);
    EXPECT_LE(machine.Run(budget, 40), 0.11);
    machine.decode_seconds = 0.005;
    machine.row_seconds = 0.0005;
    for (int i = 0; i < 80; ++i) machine.Run(budget, 2);
    double seconds = machine.Run(budget, 2);
    EXPECT_LE(seconds, 0.11);
    EXPECT_GE(seconds, 0.08) << "it uses what it may";
}

TEST(StepBudget, LetsPromptsMoveOnWhateverTheTarget) {
    StepBudget budget(0.001, 256);
    Machine machine;
    for (int i = 0; i < 10; ++i) machine.Run(budget, 4);
    EXPECT_EQ(budget.PrefillRows(4), StepBudget::kRowsMin);
    StepBudget narrow(0.001, 5);
    narrow.Observe(1, 4, 1);
    EXPECT_EQ(narrow.PrefillRows(1), 5);
}

TEST(StepBudget, LearnsNothingFromAClockThatStands) {
    StepBudget budget(0.1, 256);
    budget.Observe(4, 10, 0);
    budget.Observe(4, 0, 0);
    EXPECT_EQ(budget.row_seconds(), 0);
    EXPECT_EQ(budget.decode_seconds(), 0);
}

}  // namespace
}  // namespace lathe::engine
