// What the engine's reproducibility rests on, with a real model: the bits of a row do
// not depend on the rest of the batch, on chunks, on pages or on the number of threads.
#include "compute/model/runner.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <numeric>
#include <optional>

#include "core/platform/cpu.h"
#include "support/allocation_count.h"
#include "support/paths.h"

namespace lathe::model {
namespace {

constexpr size_t kLength = 75;  // not a multiple of a page or of an attention tile

std::vector<TokenId> Tokens(int seed) {
    std::vector<TokenId> tokens(kLength);
    for (size_t i = 0; i < tokens.size(); ++i)
        tokens[i] = static_cast<TokenId>((static_cast<size_t>(seed) * 7919 + i * 104729) % 40000);
    return tokens;
}

using Logits = std::map<std::pair<size_t, size_t>, std::vector<float>>;  // (slice, token)

struct Precision {
    const char* name;
    Activations activations;
    kernels::KvType kv_type;
    SequenceSlice::Kind kind = SequenceSlice::Kind::kGenerated;
    bool scored = false;
};

struct Fixture {
    explicit Fixture(Precision precision, int threads)
        : kind(precision.kind),
          scored(precision.scored),
          team(threads),
          model(*Model::Load(
              *modelfile::ModelPackage::Open(testing_support::ModelFile("smollm2-135m")),
              **kernels::SelectTable(""), team)),
          runner(*Runner::Create(model, team,
                                 {.activations = precision.activations,
                                  .kv_type = precision.kv_type,
                                  .page_count = 64,
                                  .batch_tokens_max = 400,
                                  .context_length = 128})) {}

    Logits Forward(std::span<const SequenceSlice> slices) {
        Logits result;
        std::mutex mutex;
        std::vector<SequenceSlice> batch(slices.begin(), slices.end());
        if (kind)
            for (SequenceSlice& slice : batch) slice.kind = *kind;
        for (SequenceSlice& slice : batch) slice.scored = scored;
        runner->Forward(batch, [&](size_t slice, size_t token, std::span<const float> logits) {
            std::lock_guard lock(mutex);
            result[{slice, token}].assign(logits.begin(), logits.end());
        });
        return result;
    }

    std::optional<SequenceSlice::Kind> kind;  // of all slices, unless they say it
    bool scored;
    platform::Team team;
    Model model;
    std::unique_ptr<Runner> runner;
};

std::vector<uint32_t> Pages(uint32_t first) {
    std::vector<uint32_t> pages(4);
    std::iota(pages.begin(), pages.end(), first);
    return pages;
}

class RunnerBits : public testing::TestWithParam<Precision> {};

TEST_P(RunnerBits, DoNotDependOnTheRestOfTheBatch) {
    Fixture fixture(GetParam(), 2);
    std::vector<std::vector<TokenId>> texts{Tokens(1), Tokens(2), Tokens(3), Tokens(4)};
    std::vector<std::vector<uint32_t>> pages{Pages(0), Pages(4), Pages(8), Pages(12)};
    std::vector<SequenceSlice> batch;
    for (size_t i = 0; i < texts.size(); ++i)
        batch.push_back({texts[i], 0, pages[i], SequenceSlice::Logits::kAll});
    Logits together = fixture.Forward(batch);
    for (size_t i = 0; i < texts.size(); ++i) {
        Logits alone = fixture.Forward(std::span(&batch[i], 1));
        for (size_t t = 0; t < kLength; ++t)
            ASSERT_EQ((alone[{0, t}]), (together[{i, t}])) << "text " << i << " token " << t;
    }
}

TEST_P(RunnerBits, OfPromptsAndGeneratedTokensDoNotDependOnEachOther) {
    Fixture fixture(GetParam(), 2);
    fixture.kind.reset();
    using enum SequenceSlice::Kind;
    std::vector<std::vector<TokenId>> texts{Tokens(1), Tokens(2), Tokens(3)};
    std::vector<std::vector<uint32_t>> pages{Pages(0), Pages(4), Pages(8)};
    std::vector<SequenceSlice> batch;
    for (size_t i = 0; i < texts.size(); ++i)
        batch.push_back({std::span(texts[i]).first(64 + i), 0, pages[i],
                         SequenceSlice::Logits::kAll, 0, i == 1 ? kGenerated : kPrompt});
    for (int step = 0; step < 2; ++step) {  // then all go on, on top of what they have
        Logits together = fixture.Forward(batch);
        for (size_t i = 0; i < texts.size(); ++i) {
            Logits alone = fixture.Forward(std::span(&batch[i], 1));
            for (size_t t = 0; t < batch[i].tokens.size(); ++t)
                ASSERT_EQ((alone[{0, t}]), (together[{i, t}])) << "text " << i << " token " << t;
            size_t done = batch[i].tokens.size();
            batch[i].tokens = std::span(texts[i]).subspan(done, 5 + i);
            batch[i].position = static_cast<int32_t>(done);
            batch[i].kind = i == 0 ? kGenerated : batch[i].kind;
        }
    }
}

TEST_P(RunnerBits, DoNotDependOnHowAPromptIsCutOrWhereItsPagesLie) {
    Fixture fixture(GetParam(), 2);
    std::vector<TokenId> text = Tokens(5);
    std::vector<uint32_t> pages = Pages(0), other_pages{41, 7, 33, 20};
    SequenceSlice whole{text, 0, pages, SequenceSlice::Logits::kAll};
    Logits expected = fixture.Forward({&whole, 1});
    for (size_t chunk : {1, 7, 32, 40}) {
        for (size_t from = 0; from < kLength; from += chunk) {
            size_t count = std::min(chunk, kLength - from);
            SequenceSlice part{std::span(text).subspan(from, count), static_cast<int32_t>(from),
                               other_pages, SequenceSlice::Logits::kAll};
            Logits logits = fixture.Forward({&part, 1});
            for (size_t t = 0; t < count; ++t)
                ASSERT_EQ((logits[{0, t}]), (expected[{0, from + t}]))
                    << "chunks of " << chunk << ", token " << from + t;
        }
    }
}

TEST_P(RunnerBits, DoNotDependOnTheNumberOfThreads) {
    std::vector<TokenId> text = Tokens(6);
    std::vector<uint32_t> pages = Pages(0);
    SequenceSlice slice{text, 0, pages, SequenceSlice::Logits::kAll};
    Fixture one(GetParam(), 1);
    Logits expected = one.Forward({&slice, 1});
    for (int threads : {2, 3, 5}) {
        Fixture fixture(GetParam(), threads);
        EXPECT_EQ(fixture.Forward({&slice, 1}), expected) << threads << " threads";
    }
}

TEST_P(RunnerBits, OfTheBestLogitsAreThoseOfTheWholeRow) {
    Fixture fixture(GetParam(), 2);
    fixture.scored = false;  // of a scored prompt only whole rows are asked for
    std::vector<TokenId> text = Tokens(7);
    std::vector<uint32_t> pages = Pages(0);
    SequenceSlice slice{text, 0, pages, SequenceSlice::Logits::kAll};
    Logits whole = fixture.Forward({&slice, 1});
    slice.kind = GetParam().kind;
    for (uint32_t top : {1u, 40u}) {
        slice.top = top;
        std::mutex mutex;
        size_t rows = 0;
        fixture.runner->Forward({&slice, 1}, [&](size_t, size_t token, const LogitsRow& row) {
            std::lock_guard lock(mutex);
            ++rows;
            const std::vector<float>& all = whole[{0, token}];
            EXPECT_TRUE(row.logits.empty() && row.sound);
            ASSERT_EQ(row.top.size(), top);
            float least = std::ranges::min(row.top, {}, &TopLogit::logit).logit;
            for (const TopLogit& best : row.top)
                ASSERT_EQ(best.logit, all[static_cast<size_t>(best.token)]);
            ASSERT_LE(std::ranges::count_if(all, [&](float x) { return x > least; }), top - 1);
        });
        EXPECT_EQ(rows, kLength);
    }
}

// Workers are threads of their own: with a team of one the counting thread does it all.
TEST(RunnerMemory, IsNotTakenByAStepOnceSuchAStepHasBeenRun) {
    Fixture fixture({"", Activations::kInt8, kernels::KvType::kF16}, 1);
    std::vector<std::vector<uint32_t>> pages{Pages(0), Pages(4), Pages(8)};
    std::vector<TokenId> text = Tokens(9);
    std::vector<SequenceSlice> batch;
    for (size_t i = 0; i < pages.size(); ++i)
        batch.push_back({text, 0, pages[i], SequenceSlice::Logits::kLast, i == 0 ? 0u : 40u});
    size_t rows = 0;
    LogitsVisitor visit = [&](size_t, size_t, const LogitsRow&) { ++rows; };
    fixture.runner->Forward(batch, visit);
    auto decode = [&](int32_t position) {
        for (SequenceSlice& slice : batch) {
            slice.tokens = std::span(text).first(1);
            slice.position = position;
        }
        fixture.runner->Forward(batch, visit);
    };
    auto length = static_cast<int32_t>(kLength);
    decode(length);
    uint64_t before = testing_support::AllocationCount();
    for (int32_t position = length + 1; position < length + 40; ++position) decode(position);
    EXPECT_EQ(testing_support::AllocationCount(), before);
    EXPECT_EQ(rows, 41 * pages.size());
}

INSTANTIATE_TEST_SUITE_P(
    Precisions, RunnerBits,
    testing::Values(Precision{"f32", Activations::kF32, kernels::KvType::kF32},
                    Precision{"int8", Activations::kInt8, kernels::KvType::kF16},
                    Precision{"int8_kv_int8", Activations::kInt8, kernels::KvType::kI8},
                    Precision{"prompt", Activations::kInt8, kernels::KvType::kF16,
                              SequenceSlice::Kind::kPrompt},
                    Precision{"scored_prompt", Activations::kInt8, kernels::KvType::kF16,
                              SequenceSlice::Kind::kPrompt, true},
                    Precision{"prompt_kv_int8", Activations::kInt8, kernels::KvType::kI8,
                              SequenceSlice::Kind::kPrompt}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lathe::model
