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
constexpr uint32_t kContext = 128;
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

std::unique_ptr<LocalRunner> MakeRunner(model::Activations activations, uint64_t kv_bytes) {
    LocalRunnerOptions options;
    options.activations = activations;
    options.context_length = kContext;
    options.kv_bytes = kv_bytes;
    return LocalRunner::Create(Package(), options).value();
}

// A model, its engine and requests that run at once.
class Server {
public:
    Server(model::Activations activations, uint64_t kv_bytes, int32_t rows)
        : runner_(MakeRunner(activations, kv_bytes)),
          engine_(
              Engine::Create(*runner_, ModelTokenizer(), {.tokens_per_step_max = rows}).value()) {}

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
    Server server(model::Activations::kF32, 0, /*rows=*/11);
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
    Server busy(model::Activations::kInt8, 7 * kMebibyte, /*rows=*/24);
    ASSERT_LT(busy.pages(), 16u) << "too much memory for a preemption";
    auto together = busy.Run(requests);
    EXPECT_GT(busy.stats().preemptions, 0u);
    Server quiet(model::Activations::kInt8, 0, 256);
    for (size_t i = 0; i < requests.size(); ++i) {
        auto alone = quiet.Run({requests[i]});
        for (size_t c = 0; c < alone[0]->completions.size(); ++c) {
            const auto& expected = alone[0]->completions[c];
            const auto& actual = together[i]->completions[c];
            EXPECT_EQ(actual.text, expected.text) << "request " << i;
            ASSERT_EQ(actual.ids(), expected.ids()) << "request " << i;
            for (size_t t = 0; t < expected.tokens.size(); ++t)
                EXPECT_EQ(actual.tokens[t].logprob, expected.tokens[t].logprob)
                    << "request " << i << " token " << t;
        }
    }
}

}  // namespace
}  // namespace lathe::engine
