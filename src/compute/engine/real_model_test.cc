// The whole engine over a real model: golden values while everything runs at once, and
// the same bits under load as alone.
#include <gtest/gtest.h>

#include <cmath>
#include <future>

#include "compute/engine/engine.h"
#include "compute/engine/local_runner.h"
#include "core/json/json.h"
#include "core/platform/files.h"
#include "support/generation_record.h"
#include "support/paths.h"

namespace lathe::engine {
namespace {

using testing_support::GenerationRecord;

constexpr const char* kModel = "smollm2-135m";
constexpr double kLogprobTolerance = 1e-3;
constexpr double kNearTie = 0.01;  // greedy may differ from here on
constexpr uint32_t kContext = 256;
constexpr uint64_t kMebibyte = 1 << 20;

const modelfile::ModelPackage& Package() {
    static const auto package =
        modelfile::ModelPackage::Open(testing_support::ModelFile(kModel)).value();
    return package;
}

const tokenizer::Tokenizer& ModelTokenizer() {
    static const auto tokenizer = tokenizer::Tokenizer::FromGguf(*Package().gguf()).value();
    return tokenizer;
}

struct ServerOptions {
    model::Activations activations = model::Activations::kInt8;
    uint64_t kv_bytes = 0;  // 0: plenty
    int32_t rows = 256;
    int threads = 2;
    uint32_t context = kContext;
    bool shares = true;
    bool speculates = true;
};

std::unique_ptr<LocalRunner> MakeRunner(const ServerOptions& server) {
    LocalRunnerOptions options;
    options.activations = server.activations;
    options.threads = server.threads;
    options.context_length = server.context;
    options.kv_bytes = server.kv_bytes;
    return LocalRunner::Create(Package(), options).value();
}

// A model, its engine and requests that run at once.
class Server {
public:
    explicit Server(const ServerOptions& options)
        : runner_(MakeRunner(options)),
          engine_(Engine::Create(*runner_, ModelTokenizer(),
                                 {.tokens_per_step_max = options.rows,
                                  .shares_prefixes = options.shares,
                                  .speculates = options.speculates})
                      .value()) {}

    std::vector<std::unique_ptr<GenerationRecord>> Run(
        const std::vector<GenerationRequest>& requests) {
        std::vector<std::unique_ptr<GenerationRecord>> records;
        std::vector<std::promise<void>> over(requests.size());
        for (size_t i = 0; i < requests.size(); ++i) {
            auto completions = static_cast<size_t>(requests[i].completions);
            GenerationRecord& record =
                *records.emplace_back(std::make_unique<GenerationRecord>(completions));
            auto id = engine_->Submit(requests[i], [&record, &over, i](GenerationEvent&& event) {
                record.Add(std::move(event));
                if (record.over) over[i].set_value();
            });
            EXPECT_TRUE(id) << id.error().message;
        }
        for (std::promise<void>& promise : over) promise.get_future().get();
        return records;
    }

    EngineStats stats() const { return engine_->stats(); }
    uint32_t pages() const { return static_cast<uint32_t>(runner_->page_count()); }

private:
    std::unique_ptr<LocalRunner> runner_;
    std::unique_ptr<Engine> engine_;
};

Json GoldenEntries() {
    std::string name = fmt::format("logits-{}.json", kModel);
    return ParseJson(platform::ReadFile(testing_support::Golden(name)).value()).value();
}

void CheckTop(const Json& golden, const ScoredToken& score) {
    for (size_t i = 0; i < golden.size(); ++i)
        EXPECT_NEAR(score.top.at(i).logprob, golden[i][1].get<double>(), kLogprobTolerance);
}

TEST(RealModel, GivesTheGoldenValuesWhileAllPromptsRunAtOnceInChunks) {
    std::vector<GenerationRequest> requests;
    Json golden = GoldenEntries();
    for (const Json& entry : golden) {
        GenerationRequest request;
        request.prompt = entry["ids"].get<std::vector<TokenId>>();
        request.tokens_max = 48;
        request.ignore_eos = true;
        request.sampling.temperature = 0;
        request.prompt_logprobs = true;
        request.top_logprobs = 8;
        requests.push_back(request);
    }
    Server server({.activations = model::Activations::kF32, .rows = 11});
    auto records = server.Run(requests);
    for (size_t r = 0; r < records.size(); ++r) {
        const Json& entry = golden[r];
        const auto& tokens = records[r]->completions[0].tokens;
        const auto& tops = entry["top8_logprobs_per_position"];
        for (size_t i = 1; i < records[r]->prompt.size(); ++i)
            CheckTop(tops[i - 1]["top"], records[r]->prompt[i]);
        CheckTop(tops[tops.size() - 1]["top"], tokens.at(0));
        for (size_t i = 0; i < 48 && entry["greedy_margin"][i].get<double>() >= kNearTie; ++i)
            EXPECT_EQ(tokens.at(i).token, entry["greedy48"][i].get<TokenId>());
    }
}

void ExpectSameBits(const GenerationRecord& actual, const GenerationRecord& expected) {
    for (size_t c = 0; c < expected.completions.size(); ++c) {
        const auto& wanted = expected.completions[c];
        const auto& given = actual.completions[c];
        EXPECT_EQ(given.text, wanted.text);
        ASSERT_EQ(given.ids(), wanted.ids());
        for (size_t t = 0; t < wanted.tokens.size(); ++t) {
            EXPECT_EQ(given.tokens[t].logprob, wanted.tokens[t].logprob) << "token " << t;
            ASSERT_EQ(given.tokens[t].top.size(), wanted.tokens[t].top.size());
            for (size_t i = 0; i < wanted.tokens[t].top.size(); ++i)
                EXPECT_EQ(given.tokens[t].top[i].logprob, wanted.tokens[t].top[i].logprob);
        }
    }
}

std::vector<GenerationRequest> MixedRequests() {
    std::vector<GenerationRequest> requests;
    for (uint64_t i = 0; i < 7; ++i) {
        GenerationRequest request;
        std::string text = "The history of the city begins with a harbour, a wall and ";
        for (uint64_t j = 0; j < i; ++j) text += "then a market, ";
        request.prompt = ModelTokenizer().Encode(text);
        request.tokens_max = static_cast<int32_t>(40 + i * 3);
        request.completions = i % 4 == 1 ? 2 : 1;
        request.ignore_eos = true;
        request.sampling.seed = i;
        request.sampling.temperature = i % 3 == 0 ? 0.0f : 0.9f;
        request.sampling.top_p = 0.95f;
        request.sampling.repetition_penalty = i % 2 ? 1.1f : 1.0f;
        request.top_logprobs = 0;
        requests.push_back(request);
    }
    return requests;
}

TEST(RealModel, GivesTheSameBitsUnderLoadAndPreemptionAsAlone) {
    std::vector<GenerationRequest> requests = MixedRequests();
    Server busy({.kv_bytes = 7 * kMebibyte, .rows = 24, .context = 128});
    ASSERT_LT(busy.pages(), 16u) << "too much memory for a preemption";
    auto together = busy.Run(requests);
    EXPECT_GT(busy.stats().preemptions, 0u);
    Server quiet({.context = 128, .shares = false});
    for (size_t i = 0; i < requests.size(); ++i) {
        SCOPED_TRACE(i);
        ExpectSameBits(*together[i], *quiet.Run({requests[i]})[0]);
    }
}

// A question of its own behind a beginning of some 130 tokens that all have in common.
GenerationRequest Question(uint64_t number) {
    GenerationRequest request;
    std::string text;
    for (int i = 0; i < 12; ++i) text += "You answer briefly, politely and only what is asked. ";
    request.prompt =
        ModelTokenizer().Encode(text + fmt::format("What is {} times seven?", number * 37));
    request.tokens_max = 12;
    request.ignore_eos = true;
    request.sampling.seed = number;
    request.sampling.temperature = 0.9f;
    request.top_logprobs = 3;
    return request;
}

std::vector<GenerationRequest> Questions(uint64_t count) {
    std::vector<GenerationRequest> requests;
    for (uint64_t i = 0; i < count; ++i) requests.push_back(Question(i));
    return requests;
}

TEST(RealModel, GivesTheSameBitsOnHitMissAndAttachAndOnAnyNumberOfThreads) {
    Server plain({.threads = 1, .shares = false});
    std::vector<std::unique_ptr<GenerationRecord>> expected;
    for (uint64_t i = 0; i < 4; ++i) expected.push_back(std::move(plain.Run({Question(i)})[0]));
    EXPECT_EQ(plain.stats().prefix_hits, 0u);

    // 32 at once: one computes the beginning, 31 attach to it.
    Server together({.threads = 2});
    auto records = together.Run(Questions(32));
    EXPECT_EQ(records[0]->usage.cached_prompt_tokens, 0);
    EXPECT_GE(together.stats().prefix_hits, 31u * 96);
    for (size_t i = 0; i < 4; ++i) {
        SCOPED_TRACE(fmt::format("among 31 others, {}", i));
        ExpectSameBits(*records[i], *expected[i]);
    }
    // Again, one by one: each finds its whole prompt.
    for (size_t i = 0; i < 4; ++i) {
        SCOPED_TRACE(fmt::format("a hit, {}", i));
        auto hit = together.Run({Question(i)});
        EXPECT_GE(hit[0]->usage.cached_prompt_tokens, 96);
        ExpectSameBits(*hit[0], *expected[i]);
    }
}

TEST(RealModel, GivesTheSameBitsInChunksAndAfterAPreemptionWithSharedPages) {
    Server plain({.shares = false});
    // 14 pages; each request comes to 8, of which 4 are common under one salt.
    Server tight({.kv_bytes = 10 * kMebibyte, .rows = 7, .threads = 1});
    std::vector<GenerationRequest> requests = Questions(4);
    for (size_t i = 0; i < requests.size(); ++i) {
        requests[i].cache_salt = i % 2 ? "one" : "other";
        requests[i].tokens_max = 90;
    }
    auto records = tight.Run(requests);
    EXPECT_GT(tight.stats().preemptions, 0u);
    EXPECT_GT(tight.stats().prefix_hits, 0u);
    for (size_t i = 0; i < requests.size(); ++i) {
        SCOPED_TRACE(i);
        ExpectSameBits(*records[i], *plain.Run({requests[i]})[0]);
    }
}

// A list that a small model goes on with by repeating it, drawn in several ways.
TEST(RealModel, SaysTheSameWithDraftsAsWithout) {
    Server guesses({});
    Server plain({.speculates = false});
    std::string list;
    for (int i = 0; i < 4; ++i) list += "red apple, green pear, yellow lemon, blue plum, ";
    for (float temperature : {0.0f, 0.3f, 0.8f}) {
        for (int32_t top_k : {0, 40}) {
            GenerationRequest request;
            request.prompt = ModelTokenizer().Encode(list);
            request.tokens_max = 60;
            request.ignore_eos = true;
            request.sampling.seed = 11;
            request.sampling.temperature = temperature;
            request.sampling.top_k = top_k;
            SCOPED_TRACE(fmt::format("temperature {}, top_k {}", temperature, top_k));
            auto guessed = guesses.Run({request});
            auto one_by_one = plain.Run({request});
            EXPECT_EQ(guessed[0]->completions[0].text, one_by_one[0]->completions[0].text);
            EXPECT_EQ(guessed[0]->completions[0].ids(), one_by_one[0]->completions[0].ids());
        }
    }
    EXPECT_GT(guesses.stats().accepted_tokens, 100u);
    EXPECT_LT(guesses.stats().steps, plain.stats().steps);
    EXPECT_EQ(plain.stats().draft_tokens, 0u);
}

}  // namespace
}  // namespace lathe::engine
