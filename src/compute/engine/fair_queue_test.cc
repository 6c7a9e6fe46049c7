// Turns of tenants; pages of 4 tokens.
#include "compute/engine/fair_queue.h"

#include <gmock/gmock.h>

#include <random>

#include "compute/engine/scheduler_fixture.h"

namespace lathe::engine {
namespace {

using ::testing::ElementsAre;

class FairQueueTest : public SchedulerTest {
protected:
    ScheduledRequest& AddOf(std::string_view tenant, int32_t prompt, int32_t text = 0,
                            int32_t priority = 0) {
        return Add(prompt, text, priority, 1, tenant);
    }

    bool done(const ScheduledRequest& request) const {
        return request.sequences[0].state == Sequence::State::kDone;
    }
};

TEST_F(FairQueueTest, LetsTenantsTakeTurnsWhateverTheyHaveQueued) {
    Open(100, /*sequences_max=*/1, /*rows=*/16);
    for (int i = 0; i < 4; ++i) AddOf("flood", 8);
    AddOf("calm", 8);
    AddOf("calm", 8);
    std::vector<std::string> order;
    for (int i = 0; i < 6; ++i) order.push_back(Step().at(0).substr(0, 1));
    EXPECT_THAT(order, ElementsAre("0", "4", "1", "5", "2", "3"));
}

TEST_F(FairQueueTest, CountsRowsAndNotRequests) {
    Open(100, /*sequences_max=*/1, /*rows=*/32);
    for (int i = 0; i < 3; ++i) AddOf("long", 24);
    for (int i = 0; i < 6; ++i) AddOf("short", 8);
    std::vector<std::string> order;
    for (int i = 0; i < 9; ++i) order.push_back(Step().at(0).substr(0, 1));
    EXPECT_THAT(order, ElementsAre("0", "3", "4", "5", "1", "6", "7", "8", "2"));
}

TEST_F(FairQueueTest, PutsPriorityBeforeTurns) {
    Open(100, /*sequences_max=*/1);
    AddOf("a", 8, 0, 1);
    AddOf("b", 8, 0, 2);
    AddOf("a", 8, 0, 1);
    std::vector<std::string> order;
    for (int i = 0; i < 3; ++i) order.push_back(Step().at(0).substr(0, 1));
    EXPECT_THAT(order, ElementsAre("0", "2", "1"));
}

TEST_F(FairQueueTest, DoesNotLetALongPromptHoldUpAnotherTenant) {
    Open(100, 8, /*rows=*/16);
    AddOf("long", 100);
    EXPECT_THAT(Step(), ElementsAre("0:0+16"));
    AddOf("short", 10);
    EXPECT_THAT(Step(), ElementsAre("1:0+10", "0:16+6"));
}

TEST_F(FairQueueTest, GivesNoCreditForAPause) {
    Open(100, /*sequences_max=*/1);
    for (int i = 0; i < 10; ++i) AddOf("busy", 8);
    for (int i = 0; i < 8; ++i) Step();
    for (int i = 0; i < 4; ++i) AddOf("late", 8);  // not owed what the other has had
    std::vector<std::string> order;
    for (int i = 0; i < 4; ++i) order.push_back(Step().at(0).substr(0, 2));
    EXPECT_THAT(order, ElementsAre("8:", "10", "9:", "11"));
}

TEST_F(FairQueueTest, PreemptsTheTenantThatHadMost) {
    Open(/*page_count=*/10, 8, /*rows=*/64);
    AddOf("greedy", 12, 8);
    Step(), Step();
    AddOf("greedy", 4, 8);
    AddOf("modest", 4, 8);  // came last
    while (scheduler_->preemptions() == 0) Step();
    EXPECT_EQ(requests_[1]->preemptions, 1);
    EXPECT_EQ(requests_[2]->preemptions, 0);
}

TEST_F(FairQueueTest, DoesNotChargeWhatAPreemptionRepeatsOrASharedPageSpares) {
    Open(/*page_count=*/5);
    Add(7, 9, 0, 1, "a");
    Add(5, 7, 0, 1, "b");
    const Tenant* a = requests_[0]->tenant;
    const Tenant* b = requests_[1]->tenant;
    while (!done(*requests_[0]) || !done(*requests_[1])) Step();
    EXPECT_GT(scheduler_->preemptions(), 0u);
    EXPECT_EQ(a->served, 16u);
    EXPECT_EQ(b->served, 12u);
    AddTwin(9, 0, 0, {.tenant = "a"});
    Step();
    AddTwin(9, 0, 0, {.tenant = "a"});
    Step();
    EXPECT_EQ(a->served, 16u + 9 + 1);
}

TEST_F(FairQueueTest, PromotesTheFirstOfATenantAfterManyTurnsOfOthers) {
    Open(100, /*sequences_max=*/1);
    AddOf("poor", 4);
    Step();
    ScheduledRequest& waiting = AddOf("poor", 4);
    ScheduledRequest& behind = AddOf("poor", 4);
    waiting.tenant->served = 1u << 20;  // as if it had had far too much
    int steps = 0;
    while (!done(waiting)) {
        AddOf(fmt::format("tenant {}", steps), 4);  // always somebody who is owed more
        requests_.back()->tenant->served = 0;
        Step();
        ASSERT_LT(++steps, 1000);
    }
    EXPECT_TRUE(waiting.promoted);
    EXPECT_FALSE(behind.promoted) << "one at a time, or a flood would promote itself";
    EXPECT_GE(steps, FairQueue::kTurnsMax);
}

TEST_F(FairQueueTest, DoesNotCountTurnsOfOthersAsBeingOvertaken) {
    Open(100, /*sequences_max=*/1);
    for (int i = 0; i < 30; ++i) AddOf("a", 4);
    for (int i = 0; i < 40; ++i) AddOf("b", 4), Step();
    for (const auto& request : requests_) EXPECT_EQ(request->overtaken, 0);
}

TEST_F(FairQueueTest, KeepsABoundedNumberOfTenants) {
    FairQueue queue;
    std::vector<std::unique_ptr<ScheduledRequest>> requests;
    std::vector<TokenId> prompt = {1};
    auto arrive = [&](const std::string& tenant) {
        requests.push_back(std::make_unique<ScheduledRequest>(ScheduledRequest::Spec{
            .arrival = requests.size(), .prompt = prompt, .length_max = 1, .tenant = tenant}));
        queue.Arrive(*requests.back());
    };
    arrive("stays");
    for (int i = 0; i < 3000; ++i) {
        arrive(std::to_string(i));
        FairQueue::Charge(*requests.back(), 10);
        queue.Erase(*requests.back());
        queue.Depart(*requests.back());
        ASSERT_LE(queue.tenant_count(), FairQueue::kTenantsKept + 2);
    }
    queue.Erase(*requests[0]);
    queue.Depart(*requests[0]);
    EXPECT_EQ(queue.tenant_count(), 0u) << "nobody is left to owe anything to";
}

// The bound of the virtual token counter: while two tenants both have requests waiting,
// what they are served differs by no more than twice what can be running at once.
TEST_F(FairQueueTest, KeepsTenantsThatWaitWithinABoundOfEachOther) {
    for (uint32_t seed = 0; seed < 20; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        requests_.clear();
        Open(/*page_count=*/40, /*sequences_max=*/6, /*rows=*/32);
        const std::vector<std::string> names = {"a", "b", "c"};
        std::vector<std::vector<ScheduledRequest*>> own(3);
        auto waiting = [&](size_t tenant) {
            return std::ranges::count_if(own[tenant], [](auto* r) { return r->waiting > 0; });
        };
        auto add = [&](size_t tenant) {  // each with habits of its own
            auto prompt = static_cast<int32_t>(1 + random() % (tenant == 0 ? 60 : 12));
            auto text = static_cast<int32_t>(1 + random() % (tenant == 1 ? 60 : 12));
            own[tenant].push_back(&AddOf(names[tenant], prompt, text));
        };
        for (size_t tenant : {0u, 1u, 2u}) add(tenant), add(tenant);
        std::vector<uint64_t> start;
        for (auto& requests : own) start.push_back(requests[0]->tenant->served);
        for (int step = 0; step < 1500 && !HasFailure(); ++step) {
            for (size_t tenant : {0u, 1u, 2u})
                while (waiting(tenant) < 2) add(tenant);
            Step();
            std::vector<uint64_t> served;
            for (size_t i : {0u, 1u, 2u}) served.push_back(own[i][0]->tenant->served - start[i]);
            auto [least, most] = std::ranges::minmax(served);
            EXPECT_LE(most - least, 2u * 40 * 4) << "step " << step;
        }
    }
}

}  // namespace
}  // namespace lathe::engine
