#include "bench/step_bench.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace lathe::app {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

StepBench::StepBench(engine::ModelRunner& runner, std::vector<engine::TokenId> text)
    : runner_(runner), tokens_(static_cast<size_t>(runner.batch_tokens_max())) {
    for (size_t i = 0; i < tokens_.size(); ++i) tokens_[i] = text[i % text.size()];
    pages_.resize(static_cast<size_t>(runner.page_count()));
    std::iota(pages_.begin(), pages_.end(), 0u);
}

int StepBench::TokensEach() const {
    return runner_.page_count() / kSequencesMax * runner_.page_tokens();
}

double StepBench::Prefill(int length) {
    auto start = Clock::now();
    for (int done = 0; done < length;) {
        int count = std::min(length - done, runner_.batch_tokens_max());
        engine::SequenceSlice slice = Slice(0, done, count);
        slice.kind = engine::SequenceSlice::Kind::kPrompt;
        if (done + count < length) slice.logits = engine::SequenceSlice::Logits::kNone;
        Run({&slice, 1});
        done += count;
    }
    return SecondsSince(start);
}

double StepBench::Decode(int count, int depth, int steps) {
    auto start = Clock::now();
    std::vector<engine::SequenceSlice> batch;
    for (int step = 0; step < steps; ++step) {
        batch.clear();
        for (int i = 0; i < count; ++i) batch.push_back(Slice(i, depth + step, 1));
        Run(batch);
    }
    return SecondsSince(start);
}

double StepBench::Mixed(int count, int depth, int chunk, int steps) {
    auto start = Clock::now();
    std::vector<engine::SequenceSlice> batch;
    for (int step = 0; step < steps; ++step) {
        batch.clear();
        for (int i = 0; i < count; ++i) batch.push_back(Slice(i, depth + step, 1));
        // Of a sequence behind the decoding ones, always its first chunk.
        batch.push_back(Slice(count, 0, chunk));
        batch.back().kind = engine::SequenceSlice::Kind::kPrompt;
        Run(batch);
    }
    return SecondsSince(start);
}

engine::SequenceSlice StepBench::Slice(int sequence, int position, int count) const {
    size_t pages_each = pages_.size() / kSequencesMax;
    return {.tokens = std::span(tokens_).first(static_cast<size_t>(count)),
            .position = position,
            .pages = std::span(pages_).subspan(static_cast<size_t>(sequence) * pages_each)};
}

void StepBench::Run(std::span<const engine::SequenceSlice> batch) {
    runner_.Forward(batch, [](size_t, size_t, std::span<const float>) {});
}

}  // namespace lathe::app
