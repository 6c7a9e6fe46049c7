#include "compute/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <random>
#include <semaphore>
#include <thread>

#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using ::testing::HasSubstr;
using testing_support::Bytes;
using testing_support::FakeRunner;
using testing_support::GenerationRecord;

// Receives one request's events; Wait returns when the last has come.
class Client {
public:
    explicit Client(size_t completions = 1) : record_(completions) {}

    EventSink sink() {
        return [this](GenerationEvent&& event) {
            record_.Add(std::move(event));
            if (record_.over) over_.set_value();
        };
    }
    const GenerationRecord& Wait() {
        if (future_.valid()) future_.get();
        return record_;
    }
    const GenerationRecord::Completion& WaitForText() { return Wait().completions[0]; }

private:
    GenerationRecord record_;
    std::promise<void> over_;
    std::future<void> future_ = over_.get_future();
};

GenerationRequest Prompt(std::string_view text) {
    GenerationRequest request;
    request.prompt = Bytes(text);
    request.tokens_max = 20;
    request.ignore_eos = true;
    request.sampling.seed = 5;
    return request;
}

class EngineTest : public ::testing::Test {
protected:
    void Open(const EngineOptions& options = {}, const FakeRunner::Options& model = {}) {
        runner_ = std::make_unique<FakeRunner>(model);
        engine_ = Engine::Create(*runner_, tokenizer_, options).value();
    }

    // Like Open, but every step waits until it is let through.
    void OpenGated(const EngineOptions& options = {}) {
        runner_ = std::make_unique<FakeRunner>();
        runner_->on_forward = [this](std::span<const SequenceSlice>) {
            begun_.release();
            if (gated_) gate_.acquire();
        };
        engine_ = Engine::Create(*runner_, tokenizer_, options).value();
    }
    // No step waits any more. One lets through the step that may be waiting.
    void OpenGate() {
        gated_ = false;
        gate_.release();
    }

    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    std::counting_semaphore<> begun_{0};
    std::counting_semaphore<> gate_{0};
    std::atomic<bool> gated_{true};
    std::unique_ptr<FakeRunner> runner_;
    std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, AnswersARequest) {
    Open();
    runner_->Say(2, Bytes("hello"));
    Client client;
    GenerationRequest request = Prompt("hi");
    request.ignore_eos = false;
    ASSERT_TRUE(engine_->Submit(request, client.sink()));
    EXPECT_EQ(client.WaitForText().text, "hello");
    EXPECT_GE(client.Wait().timings.total_seconds, client.Wait().timings.first_token_seconds);
    EXPECT_EQ(engine_->context_length(), 256);
}

TEST_F(EngineTest, RefusesOptionsThatTheRunnerCannotKeep) {
    FakeRunner runner;
    auto error = [&](const EngineOptions& options) {
        auto engine = Engine::Create(runner, tokenizer_, options);
        return engine ? Error{Code::kInternal, "", "accepted"} : engine.error();
    };
    EXPECT_EQ(error({.context_length = 257}).param, "context_length");
    EXPECT_THAT(error({.context_length = 257}).message, HasSubstr("from 1 to 256"));
    EXPECT_EQ(error({.context_length = -1}).param, "context_length");
    EXPECT_EQ(error({.sequences_max = 0}).param, "sequences_max");
    EXPECT_EQ(error({.queue_max = -1}).param, "queue_max");
    EXPECT_EQ(error({.tokens_per_step_max = 0}).param, "tokens_per_step_max");
    EXPECT_EQ(error({.context_length = 200, .tokens_per_step_max = 100000}).param, "accepted");
}

TEST_F(EngineTest, KeepsAStepWithinTheRowsOfTheRunner) {
    Open({.sequences_max = 50, .tokens_per_step_max = 50}, {.batch_tokens_max = 4});
    std::vector<Client> clients(10);
    for (Client& client : clients)
        ASSERT_TRUE(engine_->Submit(Prompt("a long prompt"), client.sink()));
    for (Client& client : clients)
        EXPECT_EQ(client.WaitForText().tokens.size(), 20u);  // the fake runner checks the rows
}

TEST_F(EngineTest, RefusesABadRequestWithoutCallingTheSink) {
    Open();
    bool called = false;
    auto id = engine_->Submit(Prompt(""), [&](GenerationEvent&&) { called = true; });
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().param, "prompt");
    EXPECT_TRUE(engine_->idle());
    engine_.reset();
    EXPECT_FALSE(called);
}

TEST_F(EngineTest, RefusesWhatDoesNotFitIntoTheQueue) {
    OpenGated({.sequences_max = 2, .queue_max = 3});
    std::vector<Client> clients(5);
    // Two can run and three wait, however far the engine has come.
    for (Client& client : clients) ASSERT_TRUE(engine_->Submit(Prompt("hi"), client.sink()));
    Client refused;
    auto id = engine_->Submit(Prompt("hi"), refused.sink());
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Code::kResourceExhausted);
    OpenGate();
    for (Client& client : clients) EXPECT_EQ(client.WaitForText().tokens.size(), 20u);
}

TEST_F(EngineTest, TakesOneRequestOfEachOtherTenantWhenTheQueueIsFull) {
    OpenGated({.sequences_max = 1, .queue_max = 2});
    std::vector<Client> clients(5);
    auto submit = [&](Client& client, const char* tenant) {
        GenerationRequest request = Prompt("hi");
        request.tenant = tenant;
        return engine_->Submit(request, client.sink()).has_value();
    };
    for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(submit(clients[i], "flood"));
    Client refused;
    EXPECT_FALSE(submit(refused, "flood"));
    EXPECT_TRUE(submit(clients[3], "calm"));
    EXPECT_FALSE(submit(refused, "calm"));
    EXPECT_TRUE(submit(clients[4], "quiet"));
    EXPECT_FALSE(submit(refused, "flood"));
    OpenGate();
    for (Client& client : clients) EXPECT_EQ(client.WaitForText().tokens.size(), 20u);
}

TEST_F(EngineTest, RefusesEverythingWhenDrainingButFinishesWhatItHas) {
    OpenGated();
    Client client;
    ASSERT_TRUE(engine_->Submit(Prompt("hi"), client.sink()));
    engine_->Drain();
    auto id = engine_->Submit(Prompt("hi"), client.sink());
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Code::kUnavailable);
    EXPECT_FALSE(engine_->idle());
    OpenGate();
    EXPECT_EQ(client.WaitForText().finish, FinishReason::kLength);
    while (!engine_->idle()) std::this_thread::yield();
}

TEST_F(EngineTest, CancelsBeforeTheNextStep) {
    OpenGated();
    Client client;
    Client other;
    RequestId id = engine_->Submit(Prompt("hi"), client.sink()).value();
    begun_.acquire();  // the first step is running
    ASSERT_TRUE(engine_->Submit(Prompt("ho"), other.sink()));
    engine_->Cancel(id);
    engine_->Cancel(id);
    engine_->Cancel(RequestId{12345});
    OpenGate();
    EXPECT_EQ(client.WaitForText().finish, FinishReason::kCancelled);
    EXPECT_EQ(client.WaitForText().tokens.size(), 1u) << "of the step that was running";
    EXPECT_EQ(other.WaitForText().finish, FinishReason::kLength);
    engine_->Cancel(id);  // over: does nothing
}

TEST_F(EngineTest, GivesEveryRequestItsLastEventWhenItIsDestroyed) {
    OpenGated({.sequences_max = 1});
    std::vector<Client> clients(3);
    for (Client& client : clients) ASSERT_TRUE(engine_->Submit(Prompt("hi"), client.sink()));
    begun_.acquire();
    std::jthread destroyer([&] { engine_.reset(); });
    OpenGate();
    destroyer.join();
    for (Client& client : clients) {
        auto finish = client.WaitForText().finish;
        EXPECT_TRUE(finish == FinishReason::kCancelled || finish == FinishReason::kLength);
    }
}

TEST_F(EngineTest, CountsWhatRunsAndWaits) {
    OpenGated({.sequences_max = 2});
    std::vector<Client> clients(5);
    for (Client& client : clients) ASSERT_TRUE(engine_->Submit(Prompt("hi"), client.sink()));
    EXPECT_LE(engine_->stats().waiting, 5);
    EXPECT_GE(engine_->stats().waiting, 3);
    OpenGate();
    for (Client& client : clients) client.Wait();
    while (!engine_->idle()) std::this_thread::yield();
    EngineStats stats = engine_->stats();
    EXPECT_EQ(stats.running, 0);
    EXPECT_EQ(stats.waiting, 0);
    EXPECT_EQ(stats.kv_usage, 0);
    EXPECT_EQ(stats.prompt_tokens, 10u);
    EXPECT_EQ(stats.generation_tokens, 100u);
    EXPECT_GE(stats.steps, 60u);
}

TEST_F(EngineTest, DrawsASeedForARequestWithoutOne) {
    Open();
    GenerationRequest request = Prompt("hi");
    request.sampling.seed.reset();
    Client first;
    Client second;
    ASSERT_TRUE(engine_->Submit(request, first.sink()));
    ASSERT_TRUE(engine_->Submit(request, second.sink()));
    EXPECT_NE(first.WaitForText().ids(), second.WaitForText().ids());
}

TEST_F(EngineTest, GivesThirtyTwoClientsTheTextThatEachGetsAlone) {
    auto request = [](size_t i) {
        GenerationRequest r = Prompt(std::string(1 + i * 7 % 40, static_cast<char>('a' + i % 5)));
        r.sampling.seed = i;
        r.top_logprobs = i % 3 == 0 ? 2 : -1;
        r.prompt_logprobs = i % 5 == 0;
        return r;
    };
    // Few pages, so that some are preempted; rows are visited by three threads.
    Open({.sequences_max = 12}, {.page_count = 40, .visit_threads = 3});
    std::vector<Client> clients(32);
    {
        std::vector<std::jthread> threads;
        for (size_t t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                for (size_t i = t; i < clients.size(); i += 4)
                    EXPECT_TRUE(engine_->Submit(request(i), clients[i].sink()));
            });
    }
    for (Client& client : clients) client.Wait();
    Open();
    for (size_t i = 0; i < clients.size(); ++i) {
        Client alone;
        ASSERT_TRUE(engine_->Submit(request(i), alone.sink()));
        EXPECT_EQ(clients[i].WaitForText().ids(), alone.WaitForText().ids());
        EXPECT_EQ(clients[i].WaitForText().text, alone.WaitForText().text);
    }
}

// For the thread sanitizer above all: every call from every thread at once.
TEST_F(EngineTest, SurvivesSubmitsAndCancelsFromManyThreadsAndADestruction) {
    for (uint32_t round = 0; round < 4; ++round) {
        Open({.sequences_max = 4, .queue_max = 20}, {.page_count = 40, .visit_threads = 2});
        std::atomic<int> accepted{0};
        std::atomic<int> ended{0};
        auto work = [&](uint32_t seed) {
            std::mt19937 random(seed);
            std::vector<RequestId> mine;
            for (int i = 0; i < 40; ++i) {
                GenerationRequest request = Prompt(std::string(1 + random() % 30, 'x'));
                request.completions = 1 + static_cast<int32_t>(random() % 3);
                auto id = engine_->Submit(
                    request, [&ended](GenerationEvent&& event) { ended += event.last; });
                if (id) {
                    ++accepted;
                    mine.push_back(*id);
                } else {
                    EXPECT_EQ(id.error().code, Code::kResourceExhausted);
                }
                if (!mine.empty() && random() % 2) engine_->Cancel(mine[random() % mine.size()]);
                if (random() % 8 == 0) (void)engine_->stats();
                if (random() % 8 == 0) (void)engine_->idle();
            }
        };
        {
            std::vector<std::jthread> threads;
            for (uint32_t t = 0; t < 4; ++t) threads.emplace_back(work, round * 10 + t);
        }
        if (round % 2) {
            engine_->Drain();
            while (!engine_->idle()) std::this_thread::yield();
        }
        engine_.reset();
        EXPECT_EQ(ended, accepted);
    }
}

}  // namespace
}  // namespace lathe::engine
