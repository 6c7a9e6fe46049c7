// Drafts in the batcher: the same tokens, text and finish as without, in fewer steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "compute/engine/batcher.h"
#include "compute/engine/request_limits.h"
#include "support/byte_tokenizer.h"
#include "support/fake_runner.h"
#include "support/generation_record.h"

namespace lathe::engine {
namespace {

using testing_support::Bytes;
using testing_support::FakeRunner;
using testing_support::GenerationRecord;

// A batcher over a fake model and the records of its requests.
class Bench {
public:
    Bench(const FakeRunner::Options& model, bool speculates)
        : runner_(model),
          options_{.context_length = model.context_length, .speculates = speculates} {
        batcher_ = Batcher::Create(runner_, tokenizer_, options_, [this] { return now_; }).value();
        runner_.on_forward = [this](std::span<const SequenceSlice> batch) {
            now_ += std::chrono::milliseconds(10);
            size_t rows = 0;
            for (const SequenceSlice& slice : batch) {
                if (slice.position == 0) return;
                rows += slice.tokens.size();
            }
            decode_rows_max_ = std::max(decode_rows_max_, rows);
        };
    }

    GenerationRecord& Add(GenerationRequest request) {
        RequestLimits limits{options_.context_length, runner_.vocab_size(), runner_.page_count(),
                             runner_.page_tokens()};
        EXPECT_TRUE(PrepareRequest(request, limits));
        auto completions = static_cast<size_t>(request.completions);
        records_.push_back(std::make_unique<GenerationRecord>(completions));
        batcher_->Add(RequestId{records_.size()}, std::move(request), records_.back()->sink(),
                      now_);
        return *records_.back();
    }

    void Steps(int count) {
        for (; count > 0 && batcher_->Step(); --count) batcher_->CheckAccounts();
    }
    GenerationRecord& Run(GenerationRequest request) {
        GenerationRecord& record = Add(std::move(request));
        Steps(std::numeric_limits<int>::max());
        EXPECT_EQ(batcher_->stats().kv_usage, 0);
        return record;
    }

    FakeRunner& runner() { return runner_; }
    Batcher& batcher() { return *batcher_; }
    EngineStats stats() const { return batcher_->stats(); }
    size_t decode_rows_max() const { return decode_rows_max_; }

private:
    tokenizer::Tokenizer tokenizer_ = testing_support::MakeByteTokenizer();
    FakeRunner runner_;
    EngineOptions options_;
    std::unique_ptr<Batcher> batcher_;
    std::vector<std::unique_ptr<GenerationRecord>> records_;
    size_t decode_rows_max_ = 0;  // of steps that begin no prompt
    Batcher::TimePoint now_{};
};

constexpr std::string_view kPrompt = "say: ";
constexpr std::string_view kSong =
    "row, row, row your boat, row, row, row your boat, row, row, row";

GenerationRequest Greedy(std::string_view prompt = kPrompt) {
    GenerationRequest request;
    request.prompt = Bytes(prompt);
    request.tokens_max = 100;
    request.sampling.temperature = 0;
    request.sampling.seed = 7;
    return request;
}

void ExpectSame(const GenerationRecord& actual, const GenerationRecord& expected) {
    ASSERT_TRUE(actual.over && expected.over);
    EXPECT_EQ(actual.usage.completion_tokens, expected.usage.completion_tokens);
    for (size_t i = 0; i < expected.completions.size(); ++i) {
        const auto& wanted = expected.completions[i];
        const auto& given = actual.completions[i];
        EXPECT_EQ(given.text, wanted.text);
        EXPECT_EQ(given.ids(), wanted.ids());
        EXPECT_EQ(given.finish, wanted.finish);
        EXPECT_EQ(given.stop_reason, wanted.stop_reason);
        EXPECT_EQ(given.error.message, wanted.error.message);
    }
}

// Runs a request over a model that sings, with and without drafts. The former's record.
GenerationRecord RunSong(const GenerationRequest& request) {
    Bench with({}, true);
    Bench without({}, false);
    for (Bench* bench : {&with, &without}) bench->runner().Say(kPrompt.size(), Bytes(kSong));
    GenerationRecord& drafted = with.Run(request);
    ExpectSame(drafted, without.Run(request));
    EXPECT_GT(with.stats().accepted_tokens, 0u);
    EXPECT_GE(with.stats().draft_tokens, with.stats().accepted_tokens);
    EXPECT_LT(with.stats().steps, without.stats().steps);
    EXPECT_EQ(without.stats().draft_tokens, 0u);
    EXPECT_EQ(with.stats().generation_tokens, without.stats().generation_tokens);
    return std::move(drafted);
}

TEST(Speculation, GivesTheSameTextInFewerStepsAndEndsAtTheEndToken) {
    GenerationRecord record = RunSong(Greedy());
    EXPECT_EQ(record.completions[0].text, kSong);
    EXPECT_EQ(record.completions[0].finish, FinishReason::kStop);
    EXPECT_LT(record.completions[0].events, 40) << "for 64 tokens";
}

TEST(Speculation, EndsAtAStopStringInsideADraft) {
    for (std::string_view stop : {"boat, row, r", "t, row, ro", "your boat, row, row, row y"}) {
        GenerationRequest request = Greedy();
        request.stop = {std::string(stop)};
        request.include_stop = stop.size() % 2;
        GenerationRecord record = RunSong(request);
        EXPECT_EQ(record.completions[0].stop_reason, stop);
    }
}

TEST(Speculation, EndsAtTheGreatestLengthWhereverADraftIs) {
    for (int tokens_max = 20; tokens_max < 60; ++tokens_max) {
        GenerationRequest request = Greedy();
        request.tokens_max = tokens_max;
        EXPECT_EQ(RunSong(request).usage.completion_tokens, tokens_max);
    }
}

TEST(Speculation, EndsAtAStopTokenInsideADraft) {
    GenerationRequest request = Greedy();
    request.tokens_min = 30;
    request.stop_tokens = {'y'};
    EXPECT_EQ(RunSong(request).usage.completion_tokens, 40) << "the y of the second verse";
}

TEST(Speculation, FallsSilentAtTheEndOfTheContext) {
    for (int context = 40; context < 60; ++context) {
        FakeRunner::Options model{.context_length = context};
        Bench with(model, true);
        Bench without(model, false);
        for (Bench* bench : {&with, &without}) bench->runner().Say(kPrompt.size(), Bytes(kSong));
        ExpectSame(with.Run(Greedy()), without.Run(Greedy()));
    }
}

TEST(Speculation, DividesTheTimeBetweenEventsAmongTheirTokens) {
    GenerationRecord record = RunSong(Greedy());
    ASSERT_GT(record.token_seconds.size(), 2u);
    EXPECT_EQ(record.token_seconds[0], 0);
    EXPECT_DOUBLE_EQ(record.token_seconds[1], 0.01);
    EXPECT_LT(
        *std::ranges::min_element(record.token_seconds.begin() + 1, record.token_seconds.end()),
        0.005);
}

// The logits mostly depend on the last token alone, so that texts repeat themselves.
FakeRunner::Options Repetitive(uint64_t seed) {
    return {.seed = seed, .repeats = 0.95, .end_logit = -4};
}

TEST(Speculation, DrawsTheSameTokensHoweverTheyAreSampled) {
    std::vector<sampling::SamplingParams> kinds = {
        {.temperature = 0},
        {.temperature = 0.05f},
        {.temperature = 0.2f, .top_k = 5},
        {.temperature = 0.3f, .top_p = 0.5f},
        {.temperature = 0.1f, .min_p = 0.1f, .logit_bias = {{'a', 2.0f}, {'b', -1.0f}}},
        {.temperature = 0.2f, .top_k = 20, .typical_p = 0.8f},
    };
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
        uint64_t accepted = 0;
        uint64_t rejected = 0;
        for (uint64_t seed = 1; seed <= 8; ++seed) {
            SCOPED_TRACE(fmt::format("kind {}, seed {}", kind, seed));
            GenerationRequest request = Greedy("once upon a time");
            request.sampling = kinds[kind];
            request.sampling.seed = seed;
            request.completions = seed % 2 ? 1 : 2;
            Bench with(Repetitive(seed), true);
            Bench without(Repetitive(seed), false);
            ExpectSame(with.Run(request), without.Run(request));
            accepted += with.stats().accepted_tokens;
            rejected += with.stats().draft_tokens - with.stats().accepted_tokens;
        }
        EXPECT_GT(accepted, 0u) << "kind " << kind;
        EXPECT_GT(rejected, 0u) << "kind " << kind;
    }
}

TEST(Speculation, KeepsAnErrorBehindARejectedDraftToItself) {
    // After anything but the song come logits that are no numbers.
    Bench with({}, true);
    Bench without({}, false);
    std::vector<TokenId> song = Bytes("abcabcabcabcabxabcabcabc");
    for (Bench* bench : {&with, &without})
        bench->runner().SetLogits([&](std::span<const TokenId> history, std::span<float> logits) {
            auto text = history.subspan(kPrompt.size());
            bool sings = text.size() < song.size() &&
                         std::ranges::equal(text, std::span(song).first(text.size()));
            std::ranges::fill(logits, sings ? 0.0f : std::numeric_limits<float>::quiet_NaN());
            if (sings) logits[static_cast<size_t>(song[text.size()])] = 50;
        });
    GenerationRequest request = Greedy();
    GenerationRecord& record = with.Run(request);
    ExpectSame(record, without.Run(request));
    EXPECT_EQ(record.completions[0].finish, FinishReason::kError);
    EXPECT_EQ(record.completions[0].ids(), song) << "all of it before the error";
    EXPECT_GT(with.stats().draft_tokens, with.stats().accepted_tokens);
}

TEST(Speculation, IsNotTriedWhereTokensDependOnMoreThanTheText) {
    std::vector<GenerationRequest> requests(5, Greedy());
    requests[0].sampling.repetition_penalty = 1.01f;
    requests[1].sampling.frequency_penalty = 0.01f;
    requests[2].sampling.presence_penalty = 0.01f;
    requests[3].top_logprobs = 0;
    requests[4].prompt_logprobs = true;
    for (const GenerationRequest& request : requests) {
        Bench bench({}, true);
        bench.runner().Say(kPrompt.size(), Bytes(kSong));
        EXPECT_EQ(bench.Run(request).completions[0].text, kSong);
        EXPECT_EQ(bench.stats().draft_tokens, 0u);
    }
}

TEST(Speculation, LeavesCrowdedStepsAloneAndKeepsToFewRows) {
    for (int sequences : {2, 5, 8, 20}) {
        Bench bench({}, true);
        bench.runner().Say(kPrompt.size(), Bytes(kSong));
        GenerationRequest request = Greedy();
        request.completions = sequences;
        for (const auto& completion : bench.Run(request).completions)
            EXPECT_EQ(completion.text, kSong);
        EXPECT_EQ(bench.stats().draft_tokens > 0, sequences < Scheduler::kDraftRowsMax);
        EXPECT_LE(bench.decode_rows_max(),
                  static_cast<size_t>(std::max(sequences, Scheduler::kDraftRowsMax)));
    }
}

TEST(Speculation, SurvivesACancelInTheMiddle) {
    for (int steps = 1; steps < 20; ++steps) {
        Bench bench({}, true);
        bench.runner().Say(kPrompt.size(), Bytes(kSong));
        GenerationRecord& cancelled = bench.Add(Greedy());
        GenerationRecord& other = bench.Add(Greedy());
        bench.Steps(steps);
        bench.batcher().Cancel(RequestId{1});
        bench.batcher().CheckAccounts();
        EXPECT_TRUE(kSong.starts_with(cancelled.completions[0].text));
        bench.Steps(1000);
        EXPECT_EQ(other.completions[0].text, kSong);
        EXPECT_EQ(bench.stats().kv_usage, 0);
    }
}

TEST(Speculation, SurvivesPreemptionsAndCausesNone) {
    for (int pages = 13; pages < 40; ++pages) {
        FakeRunner::Options model{.context_length = 96, .page_count = pages, .page_tokens = 8};
        model.repeats = 0.97;
        model.end_logit = -4;
        Bench with(model, true);
        Bench without(model, false);
        std::vector<GenerationRecord*> drafted;
        std::vector<GenerationRecord*> plain;
        for (std::string_view prompt : {"one day", "two and a half", "three"}) {
            drafted.push_back(&with.Add(Greedy(prompt)));
            plain.push_back(&without.Add(Greedy(prompt)));
        }
        with.Steps(5000);
        without.Steps(5000);
        for (size_t i = 0; i < plain.size(); ++i) ExpectSame(*drafted[i], *plain[i]);
        EXPECT_GT(with.stats().accepted_tokens, 0u);
        if (pages < 24) EXPECT_GT(with.stats().preemptions, 0u);
        if (pages >= 36) EXPECT_EQ(with.stats().preemptions, 0u);
    }
}

TEST(Speculation, NamesPagesByWhatWasSaidAndNotByWhatWasGuessed) {
    uint64_t rejected = 0;
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        FakeRunner::Options model = Repetitive(seed);
        model.page_tokens = 4;
        Bench bench(model, true);
        GenerationRequest request = Greedy("tell me about it");
        GenerationRecord& first = bench.Run(request);
        rejected += bench.stats().draft_tokens - bench.stats().accepted_tokens;

        // The next turn finds the text's pages; that they hold its tokens shows in the answer.
        GenerationRequest next = request;
        for (TokenId token : first.completions[0].ids()) next.prompt.push_back(token);
        next.prompt.push_back('?');
        GenerationRecord& hit = bench.Run(next);
        EXPECT_GE(hit.usage.cached_prompt_tokens, 16 + 100 - 4);
        Bench alone(model, false);
        ExpectSame(hit, alone.Run(next));
    }
    EXPECT_GT(rejected, 0u);
}

}  // namespace
}  // namespace lathe::engine
