// The engine without its thread under random load: arrivals, cancels, few pages,
// priorities, tenants, twins that share a beginning. Everything follows from a seed; a failure
// prints it, and
//   LATHE_SIMULATION_SEED=123 .../lathe_simulation_test
// runs that one alone.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "compute/engine/batcher.h"
#include "compute/engine/request_limits.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using testing_support::FakeRunner;
using testing_support::GenerationRecord;

volatile std::sig_atomic_t current_seed = 0;

// A failed LATHE_CHECK aborts: say with which seed.
void PrintSeed(int) {
    char line[64];
    int length = std::snprintf(line, sizeof line, "simulation seed %d\n", int{current_seed});
    if (::write(STDERR_FILENO, line, static_cast<size_t>(length)) < 0) std::_Exit(1);
}

const tokenizer::Tokenizer& ByteTokenizer() {
    static const tokenizer::Tokenizer tokenizer = testing_support::MakeByteTokenizer();
    return tokenizer;
}

struct World {
    FakeRunner::Options model;
    EngineOptions engine;

    RequestLimits limits() const {
        return {engine.context_length, model.vocab_size, model.page_count, model.page_tokens};
    }
};

class Simulation {
public:
    explicit Simulation(uint32_t seed) : random_(seed), world_(RandomWorld()) {}

    void Run() {
        runner_ = std::make_unique<FakeRunner>(world_.model);
        batcher_ = Open(world_, *runner_);
        runner_->on_forward = [this](std::span<const SequenceSlice> batch) {
            CheckBatch(batch);
            for (const SequenceSlice& slice : batch)
                now_ += std::chrono::microseconds(1000 * slice.tokens.size() + 100);
        };
        page_owners_.resize(static_cast<size_t>(world_.model.page_count));
        int arrivals = Between(20, 90);
        int pressure = Between(1, 4);  // arrivals for each step, about
        while (arrivals > 0 && !::testing::Test::HasFailure()) {
            for (int i = Between(0, pressure); i > 0 && arrivals > 0; --i, --arrivals) Arrive();
            if (Chance(0.08)) CancelSomething();
            if (Chance(0.2)) CancelAWriter();
            CheckedStep();
        }
        // Everything is recomputed at most a few times before it is promoted and runs through.
        int steps_max = 1000 + 20 * tokens_wanted_;
        while (!batcher_->idle() && !::testing::Test::HasFailure()) {
            ASSERT_GT(--steps_max, 0) << "no progress";
            CheckedStep();
        }
        EXPECT_FALSE(batcher_->Step());
        EXPECT_EQ(batcher_->scheduler().pool().free_count(),
                  static_cast<size_t>(world_.model.page_count));
        for (const auto& [id, job] : jobs_) CompareWithAlone(job);
    }

    uint64_t preemptions() const { return batcher_->stats().preemptions; }
    uint64_t steps() const { return batcher_->stats().steps; }
    uint64_t refused() const { return refused_; }
    uint64_t hits() const { return batcher_->stats().prefix_hits; }
    uint64_t drafts() const { return batcher_->stats().draft_tokens; }
    uint64_t accepted() const { return batcher_->stats().accepted_tokens; }
    uint64_t waits() const { return waits_; }
    uint64_t cancelled_writers() const { return cancelled_writers_; }

    // What all clients saw, to compare two runs.
    std::string Transcript() const {
        std::string all;
        for (const auto& [id, job] : jobs_)
            for (const auto& completion : job.record->completions)
                all += fmt::format("{} {} {}\n", static_cast<uint64_t>(id), completion.text,
                                   completion.events);
        return all;
    }

private:
    struct Job {
        GenerationRequest request;
        std::unique_ptr<GenerationRecord> record;
        bool cancelled = false;
        bool started = false;
        int overtaken = 0;  // by requests that came later and started earlier
    };

    // A sequence that the next step has to move on.
    struct Progress {
        RequestId id;
        int32_t index;
        int32_t computed;
    };

    int Between(int low, int high) {
        return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
    }
    bool Chance(double probability) {
        return static_cast<double>(random_()) < probability * 4294967296.0;
    }
    template <typename T>
    T Pick(std::initializer_list<T> values) {
        return values.begin()[random_() % values.size()];
    }

    World RandomWorld() {
        World world;
        world.model.page_tokens = Pick({1, 2, 4, 8, 32});
        world.model.context_length = Between(8, 96);
        int32_t pages = world.model.context_length / world.model.page_tokens + 1;
        world.model.page_count = std::max(1, Between(pages * 2 / 3, pages * 3));
        world.model.batch_tokens_max = 64;
        world.model.tells_prompts_apart = Chance(0.5);
        world.model.seed = random_();
        world.model.repeats = Pick({0.0, 0.9, 0.98});  // a text that repeats itself can be guessed
        world.engine.context_length = world.model.context_length;
        world.engine.sequences_max = Between(1, 8);
        world.engine.tokens_per_step_max = Between(world.engine.sequences_max, 40);
        world.engine.token_seconds_max = Pick({0.0, 0.002, 0.02});
        world.engine.shares_prefixes = !Chance(0.1);
        world.engine.speculates = !Chance(0.1);
        return world;
    }

    std::unique_ptr<Batcher> Open(const World& world, FakeRunner& runner) {
        return Batcher::Create(runner, ByteTokenizer(), world.engine, [this] { return now_; })
            .value();
    }

    GenerationRequest RandomRequest() {
        GenerationRequest request;
        // Prompts are cuts of a few texts, so that many begin alike.
        int length = Between(1, Chance(0.2) ? world_.engine.context_length : 20);
        for (int i = 0, text = Between(0, 2); i < length; ++i)
            request.prompt.push_back((i * (text + 3) + text) % 250);
        request.tokens_max = Pick({0, 1, Between(1, 12), Between(1, 40), 1000000});
        if (Chance(0.1)) request.tokens_min = Between(0, std::min(request.tokens_max, 5));
        request.completions = Chance(0.2) ? Between(2, 5) : 1;
        request.priority = Chance(0.4) ? Between(-1, 2) : 0;
        request.ignore_eos = Chance(0.3);
        request.prompt_logprobs = request.tokens_max == 0 || Chance(0.1);
        request.top_logprobs = Pick({-1, -1, 0, 2});
        for (int i = Chance(0.3) ? 3 : 0; i > 0; --i)
            request.stop.push_back(std::string(1, static_cast<char>(Between(33, 126))));
        if (Chance(0.2)) request.stop.push_back("ab");
        if (Chance(0.2)) request.stop_tokens = {Between(0, 256)};
        request.sampling.seed = random_();
        request.sampling.temperature = Pick({0.0f, 0.7f, 1.0f});
        request.sampling.top_k = Pick({0, 20});
        request.sampling.repetition_penalty = Pick({1.0f, 1.3f});
        request.tenant = Pick({"", "", "a", "b"});
        request.cache_salt = Pick({"", "", "", "pepper"});
        return request;
    }

    // Most come alone; some with twins, which begin alike and go on differently, and some
    // with the text that another one was given, as the next turn of a chat does.
    void Arrive() {
        GenerationRequest request = RandomRequest();
        if (Chance(0.15) && !jobs_.empty()) {
            const Job& before =
                std::next(jobs_.begin(), Between(0, static_cast<int>(jobs_.size()) - 1))->second;
            request.prompt = before.request.prompt;
            for (TokenId token : before.record->completions[0].ids())
                request.prompt.push_back(token);
            request.prompt.push_back(Between(0, 200));
            request.tenant = before.request.tenant;
            request.cache_salt = before.request.cache_salt;
        }
        for (int twins = Chance(0.2) ? Between(1, 4) : 0; twins > 0; --twins) {
            GenerationRequest twin = RandomRequest();
            twin.prompt = request.prompt;
            for (int i = Between(0, 3); i > 0; --i) twin.prompt.push_back(Between(0, 200));
            twin.tenant = Chance(0.8) ? request.tenant : twin.tenant;
            twin.cache_salt = Chance(0.8) ? request.cache_salt : twin.cache_salt;
            Submit(std::move(twin));
        }
        Submit(std::move(request));
    }

    void Submit(GenerationRequest request) {
        if (!PrepareRequest(request, world_.limits())) {
            ++refused_;
            return;
        }
        RequestId id{++last_id_};
        auto completions = static_cast<size_t>(request.completions);
        tokens_wanted_ += request.completions * (CachedTokensMax(request) + 1);
        Job& job = jobs_[id];
        job.record = std::make_unique<GenerationRecord>(completions);
        batcher_->Add(id, request, job.record->sink(), now_);
        job.request = std::move(request);
    }

    // Whoever is computing a prompt: twins that wait for it have to go on without it.
    void CancelAWriter() {
        for (const Sequence* sequence : batcher_->scheduler().running()) {
            if (sequence->left() <= 1) continue;
            ++cancelled_writers_;
            return Cancel(RequestId{sequence->request->spec.arrival});
        }
    }

    void CancelSomething() {
        if (jobs_.empty()) return;
        Cancel(std::next(jobs_.begin(), Between(0, static_cast<int>(jobs_.size()) - 1))->first);
    }

    void Cancel(RequestId id) {
        Job& job = jobs_.at(id);
        job.cancelled |= !job.record->over;
        batcher_->Cancel(id);
        EXPECT_TRUE(job.record->over);
        batcher_->CheckAccounts();
    }

    static std::string OwnerOf(const GenerationRequest& request) {
        return request.tenant + "/" + request.cache_salt;
    }

    // A page is only read under the tenant and the salt under which it was written.
    // (That it holds the right tokens is what the runner checks.)
    void CheckBatch(std::span<const SequenceSlice> batch) {
        for (const SequenceSlice& slice : batch) {
            const Sequence* sequence = nullptr;
            for (const Sequence* candidate : batcher_->scheduler().running())
                if (candidate->pages.data() == slice.pages.data()) sequence = candidate;
            ASSERT_NE(sequence, nullptr);
            overtaken_ |= first_ != nullptr && RanksBefore(sequence, first_);
            std::string owner =
                OwnerOf(jobs_.at(RequestId{sequence->request->spec.arrival}).request);
            auto first = static_cast<size_t>(slice.position / world_.model.page_tokens);
            size_t end = static_cast<size_t>(slice.position) + slice.tokens.size();
            for (size_t i = 0; i < first; ++i) EXPECT_EQ(page_owners_[slice.pages[i]], owner);
            for (size_t i = first; i * static_cast<size_t>(world_.model.page_tokens) < end; ++i)
                page_owners_[slice.pages[i]] = owner;
        }
    }

    void CheckedStep() {
        std::optional<Progress> before;
        std::span<Sequence* const> running = batcher_->scheduler().running();
        first_ = nullptr;  // in the order of the step that comes
        overtaken_ = false;
        for (const Sequence* sequence : running) {
            sequence->request->tenant->turn = sequence->request->tenant->served;
            if (first_ == nullptr || RanksBefore(sequence, first_)) first_ = sequence;
        }
        if (first_ != nullptr)
            before =
                Progress{RequestId{first_->request->spec.arrival}, first_->index, first_->computed};
        PoisonFreePages();
        bool was_idle = batcher_->idle();
        EXPECT_EQ(batcher_->Step(), !was_idle);
        batcher_->CheckAccounts();
        if (before && !overtaken_) CheckProgress(*before);
        CountOvertaken();
    }

    // Whoever reads a page that it does not own is found out.
    void PoisonFreePages() {
        const kvcache::PagePool& pool = batcher_->scheduler().pool();
        for (uint32_t page = 0; page < pool.page_count(); ++page)
            if (pool.references(page) == 0 && !batcher_->scheduler().pages().findable(page))
                runner_->Poison(page);
    }

    // The first in order was not preempted and has moved on, or is done.
    void CheckProgress(const Progress& before) {
        const Job& job = jobs_.at(before.id);
        if (job.record->completions[static_cast<size_t>(before.index)].finish) return;
        for (const Sequence* sequence : batcher_->scheduler().running())
            if (RequestId{sequence->request->spec.arrival} == before.id &&
                sequence->index == before.index) {
                EXPECT_GT(sequence->computed, before.computed);
                return;
            }
        ADD_FAILURE() << "the first in order was preempted";
    }

    void CountOvertaken() {
        std::vector<RequestId> started;
        for (const Sequence* sequence : batcher_->scheduler().running())
            started.push_back(RequestId{sequence->request->spec.arrival});
        for (const auto& [id, job] : jobs_)
            if (!job.started && job.record->completions[0].events > 0) started.push_back(id);
        std::vector<RequestId> fresh;
        for (RequestId id : started)
            if (!std::exchange(jobs_.at(id).started, true) && !jobs_.at(id).cancelled)
                fresh.push_back(id);
        for (RequestId id : fresh)
            for (auto& [older, job] : jobs_)
                if (older < id && !job.started && !job.record->over &&
                    (job.request.tenant == jobs_.at(id).request.tenant ||
                     job.request.priority > jobs_.at(id).request.priority))
                    ++job.overtaken;
        for (const auto& [id, job] : jobs_) {
            EXPECT_LE(job.overtaken, Scheduler::kOvertakenMax + world_.engine.sequences_max);
            bool waits = !job.started && !job.record->over;
            waits_ += waits && batcher_->scheduler().running().size() <
                                   static_cast<size_t>(world_.engine.sequences_max);
        }
    }

    // The same request on an engine with room for everything and nothing else to do.
    void CompareWithAlone(const Job& job) {
        World roomy = world_;
        roomy.model.page_tokens = 16;
        roomy.model.page_count = 64;
        roomy.model.batch_tokens_max = 256;
        roomy.engine.sequences_max = 8;
        roomy.engine.tokens_per_step_max = 256;
        roomy.engine.shares_prefixes = false;
        roomy.engine.speculates = false;
        FakeRunner runner(roomy.model);
        std::unique_ptr<Batcher> batcher = Open(roomy, runner);
        GenerationRecord alone(job.record->completions.size());
        batcher->Add(RequestId{1}, job.request, alone.sink(), {});
        while (batcher->Step()) continue;
        ASSERT_TRUE(alone.over && job.record->over);
        for (size_t i = 0; i < alone.completions.size(); ++i)
            CompareCompletions(job.record->completions[i], alone.completions[i]);
        if (job.cancelled) return;
        EXPECT_EQ(job.record->usage.completion_tokens, alone.usage.completion_tokens);
        ASSERT_EQ(job.record->prompt.size(), alone.prompt.size());
        for (size_t i = 1; i < alone.prompt.size(); ++i)
            EXPECT_EQ(job.record->prompt[i].logprob, alone.prompt[i].logprob);
    }

    static void CompareCompletions(const GenerationRecord::Completion& busy,
                                   const GenerationRecord::Completion& alone) {
        ASSERT_TRUE(busy.finish && alone.finish);
        if (busy.finish == FinishReason::kCancelled) {
            EXPECT_TRUE(alone.text.starts_with(busy.text));
            EXPECT_LE(busy.tokens.size(), alone.tokens.size());
            return;
        }
        EXPECT_EQ(busy.text, alone.text);
        EXPECT_EQ(busy.ids(), alone.ids());
        EXPECT_EQ(busy.finish, alone.finish);
        EXPECT_EQ(busy.stop_reason, alone.stop_reason);
        for (size_t i = 0; i < alone.tokens.size() && i < busy.tokens.size(); ++i) {
            bool asked = alone.tokens[i].logprob == alone.tokens[i].logprob;
            EXPECT_TRUE(!asked || busy.tokens[i].logprob == alone.tokens[i].logprob);
            EXPECT_EQ(busy.tokens[i].top.size(), alone.tokens[i].top.size());
        }
    }

    std::mt19937 random_;
    World world_;
    std::unique_ptr<FakeRunner> runner_;
    std::unique_ptr<Batcher> batcher_;
    std::map<RequestId, Job> jobs_;
    uint64_t last_id_ = 0;
    uint64_t refused_ = 0;
    uint64_t waits_ = 0;  // of requests though there was a place, in steps
    uint64_t cancelled_writers_ = 0;
    int tokens_wanted_ = 0;
    std::vector<std::string> page_owners_;  // [page], who wrote it last
    const Sequence* first_ = nullptr;       // in order among those that ran before the step
    bool overtaken_ = false;                // by one that got its place in this step
    Batcher::TimePoint now_{};
};

class SimulationTest : public ::testing::TestWithParam<uint32_t> {
protected:
    static constexpr uint32_t kSeeds = 75;

    void SetUp() override { previous_ = std::signal(SIGABRT, PrintSeed); }
    void TearDown() override { std::signal(SIGABRT, previous_); }

    void RunSeed(uint32_t seed) {
        SCOPED_TRACE(fmt::format("simulation seed {}", seed));
        current_seed = static_cast<int>(seed);
        Simulation simulation(seed);
        simulation.Run();
        steps_ += simulation.steps();
        preemptions_ += simulation.preemptions();
        refused_ += simulation.refused();
        hits_ += simulation.hits();
        drafts_ += simulation.drafts();
        accepted_ += simulation.accepted();
        waits_ += simulation.waits();
        cancelled_writers_ += simulation.cancelled_writers();
    }

    uint64_t steps_ = 0;
    uint64_t preemptions_ = 0;
    uint64_t refused_ = 0;
    uint64_t hits_ = 0;
    uint64_t drafts_ = 0;
    uint64_t accepted_ = 0;
    uint64_t waits_ = 0;
    uint64_t cancelled_writers_ = 0;

private:
    void (*previous_)(int) = nullptr;
};

TEST_P(SimulationTest, EveryRequestGetsTheTextItGetsAlone) {
    if (const char* only = std::getenv("LATHE_SIMULATION_SEED")) {
        RunSeed(static_cast<uint32_t>(std::strtoul(only, nullptr, 10)));
        return;
    }
    for (uint32_t i = 0; i < kSeeds && !HasFailure(); ++i) RunSeed(GetParam() * kSeeds + i);
    // The load was of the kind that this test is for.
    EXPECT_GT(steps_, 5000u);
    EXPECT_GT(preemptions_, 100u);
    EXPECT_GT(refused_, 0u);
    EXPECT_GT(hits_, 5000u);
    EXPECT_GT(accepted_, 150u);
    EXPECT_GT(drafts_, accepted_ + 30u) << "drafts that were wrong";
    EXPECT_GT(waits_, 100u);
    EXPECT_GT(cancelled_writers_, 50u);
    std::printf(
        "%lu steps, %lu preemptions, %lu refused, %lu tokens found, %lu of %lu guessed, %lu "
        "writers "
        "cancelled\n",
        steps_, preemptions_, refused_, hits_, accepted_, drafts_, cancelled_writers_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SimulationTest, ::testing::Range(0u, 4u));

TEST(SimulationRepeats, TheSameSeedGivesTheSameEvents) {
    for (uint32_t seed : {3u, 17u, 40u}) {
        Simulation once(seed);
        once.Run();
        Simulation again(seed);
        again.Run();
        EXPECT_EQ(once.Transcript(), again.Transcript());
        EXPECT_EQ(once.steps(), again.steps());
    }
}

}  // namespace
}  // namespace lathe::engine
