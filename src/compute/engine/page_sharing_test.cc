// Sharing as the scheduler uses it; pages of 4 tokens, steps of 16 rows.
#include "compute/engine/page_sharing.h"

#include <gmock/gmock.h>

#include "compute/engine/scheduler_fixture.h"

namespace lathe::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

using PageSharingTest = SchedulerTest;

TEST_F(PageSharingTest, ComputesACommonBeginningOnceWhileTwinsWait) {
    Open(60);
    AddTwin(20, 2);
    AddTwin(20, 3);
    AddTwin(10, 4);
    // The third has two full pages in common with the others, and waits for these only.
    EXPECT_THAT(Step(), ElementsAre("0:0+16"));
    EXPECT_THAT(Step(), ElementsAre("0:16+6", "2:8+6"));
    EXPECT_THAT(Step(), ElementsAre("0:22+1", "2:14+1", "1:20+3"));
    for (size_t i = 0; i < 5; ++i)
        EXPECT_EQ(requests_[0]->sequences[0].pages[i], requests_[1]->sequences[0].pages[i]);
    EXPECT_EQ(scheduler_->pages().hits(), 20u + 8);
    EXPECT_EQ(scheduler_->pages().queries(), 22u + 23 + 14);
}

TEST_F(PageSharingTest, FindsPagesAfterTheirSequenceIsGone) {
    Open(20);
    AddTwin(20, 2, /*text=*/0);
    Step(), Step();
    EXPECT_EQ(scheduler_->pool().free_count(), 20u) << "what is only kept counts as free";
    AddTwin(20, 2);
    EXPECT_THAT(Step(), ElementsAre("1:20+2"));
}

TEST_F(PageSharingTest, FindsTheTextOfAnotherRequest) {
    Open(40);
    AddTwin(5, 0, /*text=*/8);
    while (!Step().empty()) continue;
    // The turn before, its text (see SchedulerTest::Step), and what is new.
    std::vector<TokenId> prompt(5, 7777);
    for (TokenId i = 5; i < 13; ++i) prompt.push_back(5000 + i);
    prompt.push_back(1);
    AddSpec({}, prompt, 4);
    EXPECT_THAT(Step(), ElementsAre("1:12+2"));
}

TEST_F(PageSharingTest, NeverFindsTheLastTokenOfAPrompt) {
    Open(40);
    AddTwin(16, 0, 0);
    AddTwin(16, 0, 0);
    Step();
    EXPECT_THAT(Step(), ElementsAre("1:12+4"));
    AddTwin(17, 0, 0);
    EXPECT_THAT(Step(), ElementsAre("2:16+1"));
}

TEST_F(PageSharingTest, HandsTheWorkOverWhenTheWriterIsCancelled) {
    Open(60);
    AddTwin(38, 2);
    AddTwin(38, 3);
    AddTwin(38, 3);
    EXPECT_THAT(Step(), ElementsAre("0:0+16"));
    EXPECT_THAT(Step(), ElementsAre("0:16+16"));
    scheduler_->Remove(*requests_[0]);
    requests_[0].reset();
    EXPECT_THAT(Step(), ElementsAre("1:32+9")) << "the third waits for the second now";
    EXPECT_THAT(Step(), ElementsAre("1:41+1", "2:36+5"));
}

TEST_F(PageSharingTest, LetsABetterOneComputeByItselfAndTheWorseOneTakeItsPages) {
    Open(60);
    AddTwin(40, 2, 8, {.priority = 5});
    EXPECT_THAT(Step(), ElementsAre("0:0+16"));
    AddTwin(40, 3, 8, {.priority = 1});
    EXPECT_THAT(Step(), ElementsAre("1:16+16"));
    EXPECT_THAT(Step(), ElementsAre("1:32+11")) << "the worse one waits, it would compute the same";
    EXPECT_THAT(Step(), ElementsAre("1:43+1", "0:40+2"));
    for (size_t i = 0; i < 10; ++i)
        EXPECT_EQ(requests_[0]->sequences[0].pages[i], requests_[1]->sequences[0].pages[i]);
}

TEST_F(PageSharingTest, KeepsTenantsAndSaltsApart) {
    Open(80, 8, 100);
    AddTwin(20, 2, 8, {.tenant = "a"});
    AddTwin(20, 2, 8, {.tenant = "b"});
    AddTwin(20, 2, 8, {.tenant = "a", .salt = "b"});
    AddTwin(20, 2, 8, {.salt = "ab"});
    EXPECT_THAT(Step(), UnorderedElementsAre("0:0+22", "1:0+22", "2:0+22", "3:0+22"));
    AddTwin(20, 2, 8, {.tenant = "a", .salt = "b"});
    auto plan = Step();
    EXPECT_EQ(plan.back(), "4:20+2");
    EXPECT_EQ(scheduler_->pages().hits(), 20u);
}

TEST_F(PageSharingTest, ComputesEveryRowOfAPromptThatIsScored) {
    Open(80);
    AddTwin(12, 1, 0);
    Step();
    ScheduledRequest& scored = AddTwin(12, 2, 8, {.completions = 2, .computes_prompt = true});
    EXPECT_THAT(Step(), ElementsAre("1:0+14")) << "its other completion waits for the scores";
    EXPECT_EQ(scheduler_->pages().queries(), 13u);
    scored.computes_prompt = false;
    EXPECT_THAT(Step(), ElementsAre("1:14+1", "1.1:12+2"));
    // One page of each content is enough.
    EXPECT_EQ(scored.sequences[0].pages[2], scored.sequences[1].pages[2]);
    EXPECT_EQ(80 - scheduler_->pool().free_count(), 3u + 2);
}

TEST_F(PageSharingTest, OverwritesWhatWasUsedLeastRecentlyAndItsEndFirst) {
    Open(/*page_count=*/10);
    auto run = [&](TokenId first) {
        AddSpec({}, std::vector<TokenId>(16, first), 0);
        while (!Step().empty()) continue;
    };
    auto rows_of = [&](TokenId first) {
        AddSpec({}, std::vector<TokenId>(17, first), 0);
        auto plan = Step();
        while (!Step().empty()) continue;
        return plan.front().substr(plan.front().find(':') + 1);
    };
    run(1), run(2);  // 8 pages
    EXPECT_EQ(rows_of(1), "16+1");
    run(3);                         // the two blank pages, and the last two of 2
    EXPECT_EQ(rows_of(1), "16+1");  // and one more for its own last token
    EXPECT_EQ(rows_of(2), "4+13");
}

TEST_F(PageSharingTest, CanBeSwitchedOff) {
    scheduler_.emplace(Scheduler::Create({40, 4, 8, 100, /*shares_prefixes=*/false}).value());
    AddTwin(20, 2);
    AddTwin(20, 2, 8, {.completions = 2});
    EXPECT_THAT(Step(), ElementsAre("0:0+22", "1:0+22", "1.1:0+22"));
    EXPECT_EQ(scheduler_->pages().queries(), 0u);
}

TEST_F(PageSharingTest, FindsItsOwnPagesAfterAPreemption) {
    Open(/*page_count=*/8);
    Add(12, 12);
    Add(8, 12);
    Step(), Step();
    while (scheduler_->preemptions() == 0) Step();
    while (requests_[0]->sequences[0].state == Sequence::State::kRunning) Step();
    auto plan = Step();
    ASSERT_EQ(plan.size(), 1u);
    EXPECT_THAT(plan[0], ::testing::StartsWith("1:8+"));
}

TEST_F(PageSharingTest, LetsALongQueueOfTwinsThroughAtOnce) {
    Open(400, /*sequences_max=*/64, /*rows=*/256);
    for (int i = 0; i < 60; ++i) AddTwin(100, 3);
    EXPECT_EQ(Step().size(), 1u);
    EXPECT_EQ(Step().size(), 60u);
}

}  // namespace
}  // namespace lathe::engine
