// Log-probabilities of three real models against transformers in float32
// (tests/golden/README.md), on the generic kernel table and this machine's best.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "compute/model/reference.h"
#include "compute/model/runner.h"
#include "core/json/json.h"
#include "core/platform/cpu.h"
#include "core/platform/files.h"
#include "support/paths.h"

namespace lathe::model {
namespace {

constexpr double kLogprobTolerance = 1e-3;
constexpr double kNearTie = 0.01;  // greedy may differ from here on

Json GoldenJson(const std::string& name) {
    auto text = platform::ReadFile(testing_support::Golden(name));
    EXPECT_TRUE(text) << text.error().message;
    return *ParseJson(*text);
}

platform::Team& SharedTeam() {
    static platform::Team team(platform::UsableCores());
    return team;
}

const modelfile::ModelPackage& Package(const std::string& name) {
    static std::map<std::string, modelfile::ModelPackage> packages;
    auto found = packages.find(name);
    if (found == packages.end()) {
        auto package = modelfile::ModelPackage::Open(testing_support::ModelFile(name));
        EXPECT_TRUE(package) << package.error().message;
        found = packages.emplace(name, std::move(*package)).first;
    }
    return found->second;
}

double LogSumExp(std::span<const float> logits) {
    double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (float logit : logits) sum += std::exp(logit - highest);
    return highest + std::log(sum);
}

// A model, a runner and a page table for one sequence.
class Subject {
public:
    Subject(const std::string& name, const kernels::Table& table, Activations activations,
            kernels::KvType kv_type = kernels::KvType::kF32)
        : model_(*Model::Load(Package(name), table, SharedTeam())) {
        runner_ = *Runner::Create(model_, SharedTeam(),
                                  {.activations = activations,
                                   .kv_type = kv_type,
                                   .batch_tokens_max = 1200,
                                   .context_length = 1280});
        pages_.resize(runner_->options().page_count);
        std::iota(pages_.begin(), pages_.end(), 0u);
        std::reverse(pages_.begin(), pages_.end());  // not the identity: catches mixed-up pages
    }

    // Logits of every token of ids[from, from + count), whose predecessors were run before.
    void Run(std::span<const TokenId> ids, size_t from, size_t count,
             const std::function<void(size_t position, std::span<const float>)>& visit) {
        SequenceSlice slice{.tokens = ids.subspan(from, count),
                            .position = static_cast<int32_t>(from),
                            .pages = pages_,
                            .logits = SequenceSlice::Logits::kAll};
        runner_->Forward({&slice, 1}, [&](size_t, size_t token, std::span<const float> logits) {
            visit(from + token, logits);
        });
    }

    const ModelConfig& config() const { return model_.config; }

private:
    Model model_;
    std::unique_ptr<Runner> runner_;
    std::vector<uint32_t> pages_;
};

void CheckTop(const Json& top, std::span<const float> logits, double tolerance,
              const std::string& where) {
    double normalizer = LogSumExp(logits);
    for (const Json& pair : top)
        EXPECT_NEAR(logits[pair[0].get<size_t>()] - normalizer, pair[1].get<double>(), tolerance)
            << where << " token " << pair[0];
}

void CheckPrompt(Subject& subject, const Json& entry) {
    auto ids = entry["ids"].get<std::vector<TokenId>>();
    std::vector<double> nll(ids.size());
    subject.Run(ids, 0, ids.size(), [&](size_t position, std::span<const float> logits) {
        CheckTop(entry["top8_logprobs_per_position"][position]["top"], logits, kLogprobTolerance,
                 fmt::format("{} position {}", entry["prompt"].get<std::string>(), position));
        if (position + 1 < ids.size())
            nll[position] = LogSumExp(logits) - logits[static_cast<size_t>(ids[position + 1])];
    });
    double total = std::accumulate(nll.begin(), nll.end(), 0.0);
    double expected = entry["nll_of_prompt"].get<double>();
    EXPECT_NEAR(total, expected, 1e-3 * expected);
}

void CheckGreedy(Subject& subject, const Json& entry) {
    auto ids = entry["ids"].get<std::vector<TokenId>>();
    auto expected = entry["greedy48"].get<std::vector<TokenId>>();
    auto margins = entry["greedy_margin"].get<std::vector<double>>();
    TokenId next = 0;
    auto pick = [&](size_t position, std::span<const float> logits) {
        if (position + 1 == ids.size())
            next = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) -
                                        logits.begin());
    };
    subject.Run(ids, 0, ids.size(), pick);
    for (size_t i = 0; i < expected.size() && margins[i] >= kNearTie; ++i) {
        ASSERT_EQ(next, expected[i]) << entry["prompt"] << " step " << i;
        ids.push_back(next);
        subject.Run(ids, ids.size() - 1, 1, pick);
    }
}

void CheckLong(Subject& subject, const Json& golden, size_t chunk) {
    auto ids = golden["ids"].get<std::vector<TokenId>>();
    std::vector<double> nll(ids.size());
    for (size_t from = 0; from < ids.size(); from += chunk) {
        size_t count = std::min(chunk, ids.size() - from);
        subject.Run(ids, from, count, [&](size_t position, std::span<const float> logits) {
            if (position + 1 == ids.size())
                return CheckTop(golden["last_top8"], logits, kLogprobTolerance, "last position");
            double logprob = logits[static_cast<size_t>(ids[position + 1])] - LogSumExp(logits);
            nll[position] = -logprob;
            EXPECT_NEAR(logprob, golden["token_logprobs"][position + 1].get<double>(),
                        kLogprobTolerance)
                << "position " << position << " in chunks of " << chunk;
        });
    }
    double expected = golden["nll"].get<double>();
    EXPECT_NEAR(std::accumulate(nll.begin(), nll.end(), 0.0), expected, 1e-3 * expected);
}

// The slowest and the fastest; kernels' own tests hold the others to them.
std::vector<const kernels::Table*> Tables() {
    auto all = kernels::AvailableTables();
    if (all.size() == 1) return {all.front()};
    return {all.front(), all.back()};
}

class GoldenModel : public testing::TestWithParam<std::tuple<std::string, size_t>> {
protected:
    const std::string& name() const { return std::get<0>(GetParam()); }
    const kernels::Table& table() const { return *Tables()[std::get<1>(GetParam())]; }
};

TEST_P(GoldenModel, AgreesWithTheReferenceOnPromptsAndGreedyText) {
    Subject subject(name(), table(), Activations::kF32);
    for (const Json& entry : GoldenJson("logits-" + name() + ".json")) {
        CheckPrompt(subject, entry);
        CheckGreedy(subject, entry);
    }
}

TEST_P(GoldenModel, AgreesOnALongTextInOnePieceAndInChunks) {
    Subject subject(name(), table(), Activations::kF32);
    Json golden = GoldenJson("long-" + name() + ".json");
    CheckLong(subject, golden, 97);
    // In one piece gives the same bits (runner_test.cc); once is enough.
    if (&table() == Tables().back()) CheckLong(subject, golden, 1200);
}

std::string TestName(std::string name) {
    std::ranges::replace_if(name, [](char c) { return !std::isalnum(c); }, '_');
    return name;
}

std::string CaseName(const testing::TestParamInfo<std::tuple<std::string, size_t>>& info) {
    return TestName(std::get<0>(info.param) + "_" +
                    std::string(Tables()[std::get<1>(info.param)]->name));
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenModel,
                         testing::Combine(testing::Values("smollm2-135m", "qwen2.5-coder-0.5b",
                                                          "gemma3-270m"),
                                          testing::Range(size_t{0}, Tables().size())),
                         CaseName);

// Mean Kullback-Leibler divergence of what `other` predicts from what `base` does.
double Divergence(Subject& base, Subject& other, std::span<const TokenId> ids) {
    std::vector<std::vector<float>> expected(ids.size());
    std::vector<double> divergence(ids.size());
    base.Run(ids, 0, ids.size(), [&](size_t position, std::span<const float> logits) {
        expected[position].assign(logits.begin(), logits.end());
    });
    other.Run(ids, 0, ids.size(), [&](size_t position, std::span<const float> logits) {
        const std::vector<float>& p = expected[position];
        double p_normalizer = LogSumExp(p), q_normalizer = LogSumExp(logits);
        for (size_t i = 0; i < p.size(); ++i) {
            double log_p = p[i] - p_normalizer;
            divergence[position] += std::exp(log_p) * (log_p - (logits[i] - q_normalizer));
        }
    });
    return std::accumulate(divergence.begin(), divergence.end(), 0.0) /
           static_cast<double>(ids.size());
}

class KeysAndValuesInInt8 : public testing::TestWithParam<std::string> {};

// With int8 activations any change moves roundings everywhere, so that two such paths
// differ by more than keys and values explain: each is compared with floats.
TEST_P(KeysAndValuesInInt8, AddLittleDivergenceOverTheGoldenPrompts) {
    const kernels::Table& table = *Tables().back();
    Subject exact(GetParam(), table, Activations::kF32, kernels::KvType::kF32);
    auto mean = [&](Activations activations, kernels::KvType kv_type) {
        Subject other(GetParam(), table, activations, kv_type);
        double sum = 0;
        Json prompts = GoldenJson("logits-" + GetParam() + ".json");
        for (const Json& entry : prompts)
            sum += Divergence(exact, other, entry["ids"].get<std::vector<TokenId>>());
        return sum / static_cast<double>(prompts.size());
    };
    double alone = mean(Activations::kF32, kernels::KvType::kI8);
    double with_halves = mean(Activations::kInt8, kernels::KvType::kF16);
    double with_int8 = mean(Activations::kInt8, kernels::KvType::kI8);
    fmt::print("{}: int8 keys and values {:.6f}; int8 activations {:.6f}, with both {:.6f}\n",
               GetParam(), alone, with_halves, with_int8);
    EXPECT_LT(alone, 1e-3);
    EXPECT_LT(with_int8 - with_halves, 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Models, KeysAndValuesInInt8,
                         testing::Values("smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"),
                         [](const auto& info) { return TestName(info.param); });

class Oracle : public testing::TestWithParam<std::string> {};

TEST_P(Oracle, TheReferencePathAgreesWithTransformers) {
    auto reference = ReferenceModel::Create(Package(GetParam()));
    ASSERT_TRUE(reference) << reference.error().message;
    for (const Json& entry : GoldenJson("logits-" + GetParam() + ".json")) {
        auto ids = entry["ids"].get<std::vector<TokenId>>();
        ASSERT_TRUE(reference->Run(
            ids, 0, SharedTeam(), [&](size_t position, std::span<const float> logits) {
                CheckTop(entry["top8_logprobs_per_position"][position]["top"], logits,
                         kLogprobTolerance, fmt::format("position {}", position));
            }));
    }
}

INSTANTIATE_TEST_SUITE_P(Models, Oracle,
                         testing::Values("smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"),
                         [](const auto& info) { return TestName(info.param); });

// To the bit, past the pages that attention takes together: a row that sees less than the
// others of its tile must not feel it.
TEST(PromptRows, DoNotDependOnWhereThePromptIsCut) {
    auto ids = GoldenJson("long-smollm2-135m.json")["ids"].get<std::vector<TokenId>>();
    ids.resize(1060);
    auto model = *Model::Load(Package("smollm2-135m"), *Tables().back(), SharedTeam());
    auto runner = *Runner::Create(model, SharedTeam(),
                                  {.activations = Activations::kInt8,
                                   .kv_type = kernels::KvType::kF16,
                                   .batch_tokens_max = 1200,
                                   .context_length = 1280});
    std::vector<uint32_t> pages(runner->options().page_count);
    std::iota(pages.begin(), pages.end(), 0u);
    auto run = [&](size_t cut) {
        std::vector<std::vector<float>> rows(ids.size());
        for (auto [from, to] : {std::pair<size_t, size_t>{0, cut}, {cut, ids.size()}}) {
            SequenceSlice slice{.tokens = std::span(ids).subspan(from, to - from),
                                .position = static_cast<int32_t>(from),
                                .pages = pages,
                                .logits = SequenceSlice::Logits::kAll,
                                .kind = SequenceSlice::Kind::kPrompt};
            runner->Forward({&slice, 1}, [&](size_t, size_t row, std::span<const float> logits) {
                rows[from + row].assign(logits.begin(), logits.begin() + 8);
            });
        }
        return rows;
    };
    auto expected = run(512);
    for (size_t cut : {1u, 6u, 257u, 507u, 1055u}) {
        auto rows = run(cut);
        for (size_t i = 0; i < rows.size(); ++i)
            ASSERT_EQ(rows[i], expected[i]) << "cut at " << cut << ", row " << i;
    }
}

}  // namespace
}  // namespace lathe::model
