// A step in which sequences only go on generating allocates no memory.
#include <gtest/gtest.h>

#include "compute/engine/batcher.h"
#include "compute/engine/request_limits.h"
#include "compute/model/top_logits.h"
#include "support/allocation_count.h"
#include "support/byte_tokenizer.h"

namespace lathe::engine {
namespace {

using testing_support::AllocationCount;

// Says the letters of the alphabet in turn, and allocates nothing.
class AlphabetRunner : public ModelRunner {
public:
    int32_t vocab_size() const override { return 257; }
    int32_t context_length() const override { return 512; }
    int32_t page_count() const override { return 64; }
    int32_t page_tokens() const override { return 8; }
    int32_t batch_tokens_max() const override { return 64; }

    void CopyPage(uint32_t, uint32_t) override {}
    void Forward(std::span<const SequenceSlice> batch, const LogitsVisitor& visit) override {
        for (size_t i = 0; i < batch.size(); ++i) {
            if (batch[i].logits == SequenceSlice::Logits::kNone) continue;
            size_t last = batch[i].tokens.size() - 1;
            size_t position = static_cast<size_t>(batch[i].position) + last;
            std::ranges::fill(logits_, 0.0f);
            logits_['a' + position % 26] = 9;
            Visit(visit, i, batch[i], last);
        }
    }

private:
    // As model::VisitRow, with buffers that stay.
    void Visit(const LogitsVisitor& visit, size_t slice, const SequenceSlice& of, size_t row) {
        if (of.top == 0) return visit(slice, row, model::LogitsRow(std::span(logits_)));
        best_.Start(of.top);
        best_.Add(0, logits_);
        best_.Finish();
        visit(slice, row, model::LogitsRow(best_.best(), best_.sound()));
    }

    std::vector<float> logits_ = std::vector<float>(257);
    model::TopLogits best_;
};

// Runs steps until something is allocated in one that only generates.
void ExpectNoAllocations(sampling::SamplingParams sampling, bool speculates) {
    AlphabetRunner runner;
    tokenizer::Tokenizer tokenizer = testing_support::MakeByteTokenizer();
    EngineOptions options{
        .context_length = 512, .token_seconds_max = 0.1, .speculates = speculates};
    auto batcher = Batcher::Create(runner, tokenizer, options, [] {
                       return std::chrono::steady_clock::now();
                   }).value();
    // Few enough to have rows left for drafts.
    constexpr int kRequests = 2;
    uint64_t tokens = 0;
    for (uint64_t i = 1; i <= kRequests; ++i) {
        GenerationRequest request;
        request.prompt = testing_support::Bytes("a prompt with some words");
        request.prompt.push_back(static_cast<TokenId>(i));
        request.tokens_max = 100;  // crosses pages, which become findable
        request.ignore_eos = true;
        request.stop = {"never said"};
        request.sampling = sampling;
        request.sampling.seed = i;
        RequestLimits limits{512, 257, 64, 8};
        ASSERT_TRUE(PrepareRequest(request, limits));
        batcher->Add(RequestId{i}, request,
                     [&](GenerationEvent&& event) { tokens += event.tokens.size(); }, {});
    }
    // Buffers reach their size in the first steps.
    while (tokens < 10 * kRequests) batcher->Step();
    int steps = 0;
    for (; tokens < 95 * kRequests; ++steps) {
        uint64_t before = AllocationCount();
        batcher->Step();
        ASSERT_EQ(AllocationCount() - before, 0u) << "in step " << steps;
    }
    EXPECT_GE(steps, speculates ? 20 : 80);
    EXPECT_EQ(batcher->stats().accepted_tokens > 0, speculates);
    while (batcher->Step()) continue;
}

TEST(SteadyState, AllocatesNothingWhenGreedy) {
    ExpectNoAllocations({.temperature = 0}, false);
}

TEST(SteadyState, AllocatesNothingWhenSampling) {
    ExpectNoAllocations({.temperature = 1, .top_k = 20, .top_p = 0.9f}, false);
}

TEST(SteadyState, AllocatesNothingWithPenalties) {
    ExpectNoAllocations({.temperature = 0.7f, .frequency_penalty = 0.5f}, false);
}

TEST(SteadyState, AllocatesNothingWithDrafts) {
    ExpectNoAllocations({.temperature = 0}, true);
    ExpectNoAllocations({.temperature = 1, .top_k = 20, .top_p = 0.9f}, true);
}

TEST(SteadyState, CountsWhatIsAllocated) {
    uint64_t before = AllocationCount();
    ::operator delete(::operator new(8));  // called by name, so that it is not left out
    EXPECT_EQ(AllocationCount() - before, 1u);
}

}  // namespace
}  // namespace lathe::engine
