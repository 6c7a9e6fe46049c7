// The unit of work of a model: a ragged batch of token rows.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace lathe::model {

using TokenId = int32_t;

// Consecutive tokens of one sequence to run in one step.
struct SequenceSlice {
    std::span<const TokenId> tokens;
    int32_t position = 0;             // of tokens[0]; everything before it is in the pages
    std::span<const uint32_t> pages;  // page table: enough for position + tokens.size()
    // Which tokens' logits are wanted: the last one, all, or none (an earlier chunk of a prompt).
    enum class Logits : uint8_t { kNone, kLast, kAll } logits = Logits::kLast;
    // 0: whole rows are wanted. Else only the so many best logits of each, which saves
    // writing and reading the vocabulary; at most TopLogits::kCountMax.
    uint32_t top = 0;
    // Rows of prompts are computed in bf16 where a machine does that much faster
    // (kernels::Table::gemm_bf16). A row's bits then depend on its kind, so the kind of a
    // token must follow from the request alone.
    enum class Kind : uint8_t { kGenerated, kPrompt } kind = Kind::kGenerated;
    uint32_t first_wanted = 0;  // with Logits::kAll: not those of the tokens before this one
    // Whole rows of a prompt that is scored: the head is computed as the prompt is. Like the
    // kind, it must follow from the request alone.
    bool scored = false;
};

struct TopLogit {
    TokenId token = 0;
    float logit = 0;
};

// What is known of a row of logits: all [vocab_size], or the best by rising token.
struct LogitsRow {
    LogitsRow(std::span<const float> all) : logits(all) {}  // NOLINT: a row is its logits
    LogitsRow(std::span<const TopLogit> best, bool finite) : top(best), sound(finite) {}
    operator std::span<const float>() const { return logits; }  // NOLINT: likewise

    std::span<const float> logits;  // empty if only the best were wanted
    std::span<const TopLogit> top;
    bool sound = true;  // with `top`: no logit of the row was NaN or +infinity
};

// Receives one row, valid during the call. `slice` and `token` say whose. Called
// concurrently from several threads, once per row.
using LogitsVisitor = std::function<void(size_t slice, size_t token, const LogitsRow& row)>;

}  // namespace lathe::model
