#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "compute/engine/model_runner.h"

namespace lathe::testing_support {

// A model without weights that is strict about how it is called. It remembers the
// token of every slot of every page, and aborts when a slice's earlier positions do
// not hold an unbroken history, when a page is written that another slice reads, or
// when any bound of ModelRunner is broken. Logits are a function of a sequence's
// whole history alone, so a page that was shared or reused wrongly changes the text; if it
// tells prompts apart, of what was a prompt in that history as well.
//
// Engine thread only.
class FakeRunner : public engine::ModelRunner {
public:
    struct Options {
        int32_t vocab_size = 257;
        int32_t context_length = 256;
        int32_t page_count = 64;
        int32_t page_tokens = 8;
        int32_t batch_tokens_max = 512;
        bool tells_prompts_apart = false;
        int32_t visit_threads = 1;  // that visit rows at the same time
        uint64_t seed = 1;          // another seed is another model
        double repeats = 0;         // share of histories after which only the last token counts
        engine::TokenId end_token = 256;
        float end_logit = 2;  // of end_token, where others lie between -4 and 4
    };

    // Writes the logits after `history`.
    using Logits =
        std::function<void(std::span<const engine::TokenId> history, std::span<float> logits)>;

    FakeRunner() : FakeRunner(Options{}) {}
    explicit FakeRunner(const Options& options);

    // Replaces the pseudo-random logits.
    void SetLogits(Logits logits) { logits_ = std::move(logits); }
    // Makes it say `text` after any prompt of `prompt_length`, and end there.
    void Say(size_t prompt_length, std::vector<engine::TokenId> text);

    int32_t vocab_size() const override { return options_.vocab_size; }
    int32_t context_length() const override { return options_.context_length; }
    int32_t page_count() const override { return options_.page_count; }
    int32_t page_tokens() const override { return options_.page_tokens; }
    int32_t batch_tokens_max() const override { return options_.batch_tokens_max; }
    bool tells_prompts_apart() const override { return options_.tells_prompts_apart; }
    void Forward(std::span<const engine::SequenceSlice> batch,
                 const engine::LogitsVisitor& visit) override;
    void CopyPage(uint32_t from, uint32_t to) override;

    // What stands at a slot, -1 if nothing was written.
    engine::TokenId token_at(uint32_t page, int32_t slot) const;
    // Forgets a page's contents, so that a later read of it is found out.
    void Poison(uint32_t page);

    // Rows run since construction.
    uint64_t rows() const { return rows_; }
    // Called at the start of every Forward.
    std::function<void(std::span<const engine::SequenceSlice>)> on_forward;

private:
    struct Slot {
        engine::TokenId token = -1;
        int32_t position = -1;
        bool prompt = false;
    };
    struct Row {
        size_t slice;
        size_t token;
    };

    Slot& SlotAt(const engine::SequenceSlice& slice, int32_t position);
    void CheckSlice(const engine::SequenceSlice& slice) const;
    void CheckWriters(std::span<const engine::SequenceSlice> batch) const;
    std::vector<engine::TokenId> HistoryOf(const engine::SequenceSlice& slice, size_t token);
    uint64_t KindsOf(const engine::SequenceSlice& slice, size_t token);
    void PseudoRandom(std::span<const engine::TokenId> history, std::span<float> logits) const;

    Options options_;
    Logits logits_;
    std::vector<Slot> slots_;             // [page][slot]
    static thread_local uint64_t kinds_;  // of the history whose logits are being made
    uint64_t rows_ = 0;
};

}  // namespace lathe::testing_support
