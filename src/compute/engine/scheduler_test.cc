#include "compute/engine/scheduler_fixture.h"

#include <gmock/gmock.h>

namespace lathe::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SchedulerTest, CutsAPromptIntoChunksOfTheBudget) {
    Open(20);
    Add(40);
    EXPECT_THAT(Step(), ElementsAre("0:0+16"));
    EXPECT_THAT(Step(), ElementsAre("0:16+16"));
    EXPECT_THAT(Step(), ElementsAre("0:32+8"));
    EXPECT_THAT(Step(), ElementsAre("0:40+1"));
}

TEST_F(SchedulerTest, RunsDecodeRowsFirstAndThenChunksInOrderOfArrival) {
    Open(40);
    Add(4);
    Step();
    Add(14);
    Add(10);
    EXPECT_THAT(Step(), ElementsAre("0:4+1", "1:0+14", "2:0+1"));
    EXPECT_THAT(Step(), ElementsAre("0:5+1", "1:14+1", "2:1+9"));
    EXPECT_THAT(Step(), ElementsAre("0:6+1", "1:15+1", "2:10+1"));
}

TEST_F(SchedulerTest, AdmitsByPriorityAndThenByArrival) {
    Open(40, /*sequences_max=*/2);
    Add(2, 0, /*priority=*/5);
    Add(2, 0, 1);
    Add(2, 0, 1);
    EXPECT_THAT(Step(), ElementsAre("1:0+2", "2:0+2"));
    EXPECT_THAT(Step(), ElementsAre("0:0+2"));
    EXPECT_THAT(Step(), IsEmpty());
}

TEST_F(SchedulerTest, DoesNotPassOverALargeRequestAtTheHeadOfTheQueue) {
    Open(/*page_count=*/10);
    Add(16, 4);
    Step();
    Add(24, 4);  // 6 pages, and one for request 0 to grow: too many for now
    Add(2, 1);   // would fit
    for (int i = 0; i < 4; ++i) EXPECT_THAT(Step(), ElementsAre(fmt::format("0:{}+1", 16 + i)));
    EXPECT_THAT(Step(), ElementsAre("1:0+16"));
}

TEST_F(SchedulerTest, PreemptsTheYoungestWhenPagesRunOutAndRecomputesItsTokens) {
    Open(/*page_count=*/5);
    Add(7, 9);
    Add(5, 7);
    EXPECT_THAT(Step(), ElementsAre("0:0+7", "1:0+5"));
    EXPECT_THAT(Step(), ElementsAre("0:7+1", "1:5+1"));
    EXPECT_THAT(Step(), ElementsAre("0:8+1", "1:6+1"));  // 5 pages in use
    for (int i = 9; i < 12; ++i) Step();
    // Both want a page now; request 0 gets it.
    EXPECT_EQ(scheduler_->preemptions(), 1u);
    EXPECT_EQ(requests_[1]->sequences[0].pages.size(), 0u);
    int32_t known = requests_[1]->sequences[0].length;
    EXPECT_GT(known, 5);
    while (requests_[0]->sequences[0].state == Sequence::State::kRunning) Step();
    EXPECT_THAT(Step(), ElementsAre(fmt::format("1:4+{}", known - 4))) << "one page was left";
}

TEST_F(SchedulerTest, NeverPreemptsForAYoungerRequest) {
    Open(/*page_count=*/4);
    Add(4, 4);
    Add(3, 9);
    Step();
    for (int i = 0; i < 30; ++i) Step();
    EXPECT_EQ(requests_[0]->preemptions, 0);
    EXPECT_EQ(requests_[0]->sequences[0].state, Sequence::State::kDone);
    EXPECT_EQ(requests_[1]->sequences[0].state, Sequence::State::kDone);
}

TEST_F(SchedulerTest, FreesThePagesOfARemovedRequestAtOnce) {
    Open(20);
    Add(10);
    Add(10, 8, 0, /*n=*/3);
    Step();
    Step();
    EXPECT_LT(scheduler_->pool().free_count(), 20u);
    scheduler_->Remove(*requests_[1]);
    requests_[1].reset();
    EXPECT_EQ(scheduler_->pool().free_count(), 17u);
    Check();
}

TEST_F(SchedulerTest, ComputesThePromptOfManyCompletionsOnce) {
    Open(40);
    Add(10, 4, 0, /*n=*/3);
    // Two full pages are shared; the rest of the prompt is each completion's own.
    EXPECT_THAT(Step(), ElementsAre("0:0+10"));
    EXPECT_THAT(Step(), ElementsAre("0:10+1", "0.1:8+2", "0.2:8+2"));
    const auto& sequences = requests_[0]->sequences;
    EXPECT_EQ(sequences[1].pages[1], sequences[0].pages[1]);
    EXPECT_NE(sequences[1].pages[2], sequences[0].pages[2]);
    EXPECT_EQ(40 - scheduler_->pool().free_count(), 2u + 3);
    while (!Step().empty()) continue;
    scheduler_->Remove(*requests_[0]);
    EXPECT_EQ(scheduler_->pool().free_count(), 40u);
}

TEST_F(SchedulerTest, KeepsTheSharedPromptForCompletionsThatMustWaitForAPlace) {
    Open(40, /*sequences_max=*/1);
    Add(10, 0, 0, /*n=*/3);
    EXPECT_THAT(Step(), ElementsAre("0:0+10"));
    EXPECT_THAT(Step(), ElementsAre("0.1:8+2"));
    EXPECT_THAT(Step(), ElementsAre("0.2:8+2"));
}

TEST_F(SchedulerTest, GivesUpKeptPagesRatherThanPreempt) {
    Open(/*page_count=*/6, /*sequences_max=*/1);
    Add(10, 0, 5, /*n=*/2);
    Step();         // completion 0 is done, its prompt's two pages are kept
    Add(20, 0, 0);  // of a better priority, needs 5 of 6 pages
    EXPECT_THAT(Step(), ElementsAre("1:0+16"));
    EXPECT_THAT(Step(), ElementsAre("1:16+4"));
    EXPECT_THAT(Step(), ElementsAre("0.1:4+6")) << "the beginning is overwritten last";
    EXPECT_EQ(scheduler_->preemptions(), 0u);
}

TEST_F(SchedulerTest, DoesNotStarveALowPriorityUnderAFloodOfHighOnes) {
    Open(/*page_count=*/12, /*sequences_max=*/3);
    auto flood = [&] { Add(6, 6, 0), Add(3, 3, 0); };  // more than can be served
    for (int i = 0; i < 10; ++i) flood(), Step();
    ScheduledRequest& low = Add(12, 20, /*priority=*/9);
    int steps = 0;
    while (low.sequences[0].state != Sequence::State::kDone) {
        ASSERT_LT(++steps, 500);
        flood();
        Step();
    }
    EXPECT_TRUE(low.promoted);
}

TEST_F(SchedulerTest, LetsALonePromptUseEveryPage) {
    Open(/*page_count=*/5);
    Add(17, 3);
    int steps = 0;
    while (!Step().empty()) ++steps;
    EXPECT_EQ(steps, 2 + 3);  // two chunks, and three more tokens computed
    EXPECT_EQ(scheduler_->preemptions(), 0u);
    EXPECT_TRUE(scheduler_->fits(20));
    EXPECT_FALSE(scheduler_->fits(21));
}

}  // namespace
}  // namespace lathe::engine
