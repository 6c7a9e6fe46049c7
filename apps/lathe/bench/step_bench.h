// Speed of the model alone, step by step: no scheduler, no sampling.
#pragma once

#include <vector>

#include "compute/engine/model_runner.h"

namespace lathe::app {

// Drives a runner with slices cut from a text's tokens.
class StepBench {
public:
    static constexpr int kSequencesMax = 64;  // that decode together

    StepBench(engine::ModelRunner& runner, std::vector<engine::TokenId> text);

    // Tokens that the pages hold for each of kSequencesMax sequences.
    int TokensEach() const;

    // Each returns the seconds of one run.
    // A prompt of `length`, the logits of its last token included.
    double Prefill(int length);
    // `count` sequences that each run `steps` steps of one token from `depth` on.
    double Decode(int count, int depth, int steps);
    // Steps that each hold a row of `count` sequences at `depth` and a chunk of
    // `chunk` tokens of another's prompt.
    double Mixed(int count, int depth, int chunk, int steps);

private:
    engine::SequenceSlice Slice(int sequence, int position, int count) const;
    void Run(std::span<const engine::SequenceSlice> batch);

    engine::ModelRunner& runner_;
    std::vector<engine::TokenId> tokens_;  // [batch_tokens_max]
    std::vector<uint32_t> pages_;
};

}  // namespace lathe::app
