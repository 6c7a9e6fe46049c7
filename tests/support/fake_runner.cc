#include "support/fake_runner.h"

#include <algorithm>
#include <thread>

#include "compute/model/top_logits.h"
#include "core/base/check.h"

namespace lathe::testing_support {

using engine::SequenceSlice;
using engine::TokenId;

namespace {

uint64_t Mix(uint64_t x) {  // splitmix64
    x += 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return x ^ x >> 31;
}

int32_t EndOf(const SequenceSlice& slice) {
    return slice.position + static_cast<int32_t>(slice.tokens.size());
}

}  // namespace

thread_local uint64_t FakeRunner::kinds_ = 0;

FakeRunner::FakeRunner(const Options& options)
    : options_(options),
      logits_([this](std::span<const TokenId> history, std::span<float> logits) {
          PseudoRandom(history, logits);
      }),
      slots_(static_cast<size_t>(options.page_count * options.page_tokens)) {}

void FakeRunner::Say(size_t prompt_length, std::vector<TokenId> text) {
    text.push_back(options_.end_token);
    SetLogits([prompt_length, text](std::span<const TokenId> history, std::span<float> logits) {
        std::ranges::fill(logits, 0.0f);
        size_t next =
            std::min(history.size() - std::min(prompt_length, history.size()), text.size() - 1);
        logits[static_cast<size_t>(text[next])] = 50;
    });
}

void FakeRunner::Forward(std::span<const SequenceSlice> batch, const engine::LogitsVisitor& visit) {
    if (on_forward) on_forward(batch);
    size_t rows = 0;
    for (const SequenceSlice& slice : batch) {
        CheckSlice(slice);
        rows += slice.tokens.size();
    }
    LATHE_CHECK(!batch.empty() && rows <= static_cast<size_t>(options_.batch_tokens_max));
    CheckWriters(batch);
    rows_ += rows;

    std::vector<Row> wanted;
    for (size_t i = 0; i < batch.size(); ++i) {
        const SequenceSlice& slice = batch[i];
        for (size_t t = 0; t < slice.tokens.size(); ++t)
            SlotAt(slice, slice.position + static_cast<int32_t>(t)) = {
                slice.tokens[t], slice.position + static_cast<int32_t>(t),
                options_.tells_prompts_apart && slice.kind == SequenceSlice::Kind::kPrompt};
        bool all = slice.logits == SequenceSlice::Logits::kAll;
        size_t none = slice.logits == SequenceSlice::Logits::kNone;
        size_t first = all ? slice.first_wanted : slice.tokens.size() - 1 + none;
        for (size_t t = first; t < slice.tokens.size(); ++t) wanted.push_back({i, t});
    }
    auto visit_share = [&](size_t first) {
        std::vector<float> logits(static_cast<size_t>(options_.vocab_size));
        for (size_t r = first; r < wanted.size();
             r += static_cast<size_t>(options_.visit_threads)) {
            kinds_ = KindsOf(batch[wanted[r].slice], wanted[r].token);
            logits_(HistoryOf(batch[wanted[r].slice], wanted[r].token), logits);
            model::VisitRow(visit, wanted[r].slice, batch[wanted[r].slice], wanted[r].token,
                            logits);
        }
    };
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < static_cast<size_t>(options_.visit_threads); ++i)
        helpers.emplace_back(visit_share, i);
    visit_share(0);
}

void FakeRunner::CopyPage(uint32_t from, uint32_t to) {
    auto size = static_cast<size_t>(options_.page_tokens);
    LATHE_CHECK(from != to && (std::max(from, to) + 1) * size <= slots_.size());
    std::copy_n(slots_.begin() + static_cast<ptrdiff_t>(from * size), size,
                slots_.begin() + static_cast<ptrdiff_t>(to * size));
}

FakeRunner::Slot& FakeRunner::SlotAt(const SequenceSlice& slice, int32_t position) {
    uint32_t page = slice.pages[static_cast<size_t>(position / options_.page_tokens)];
    return slots_[page * static_cast<size_t>(options_.page_tokens) +
                  static_cast<size_t>(position % options_.page_tokens)];
}

void FakeRunner::CheckSlice(const SequenceSlice& slice) const {
    LATHE_CHECK(!slice.tokens.empty() && slice.position >= 0);
    LATHE_CHECK(EndOf(slice) <= options_.context_length);
    LATHE_CHECK(static_cast<size_t>(EndOf(slice)) <=
                slice.pages.size() * static_cast<size_t>(options_.page_tokens));
    for (uint32_t page : slice.pages)
        LATHE_CHECK(page < static_cast<uint32_t>(options_.page_count));
    for (TokenId token : slice.tokens) LATHE_CHECK(token >= 0 && token < options_.vocab_size);
    for (int32_t position = 0; position < slice.position; ++position) {
        const Slot& slot = const_cast<FakeRunner*>(this)->SlotAt(slice, position);
        LATHE_CHECK(slot.position == position);
    }
}

// A page that is written belongs to one slice of the batch alone.
void FakeRunner::CheckWriters(std::span<const SequenceSlice> batch) const {
    constexpr size_t kNobody = SIZE_MAX;
    std::vector<size_t> writer(static_cast<size_t>(options_.page_count), kNobody);
    for (size_t i = 0; i < batch.size(); ++i)
        for (int32_t p = batch[i].position; p < EndOf(batch[i]); ++p) {
            size_t& owner = writer[batch[i].pages[static_cast<size_t>(p / options_.page_tokens)]];
            LATHE_CHECK(owner == kNobody || owner == i);
            owner = i;
        }
    for (size_t i = 0; i < batch.size(); ++i)
        for (uint32_t page : batch[i].pages)
            LATHE_CHECK(writer[page] == kNobody || writer[page] == i);
}

std::vector<TokenId> FakeRunner::HistoryOf(const SequenceSlice& slice, size_t token) {
    std::vector<TokenId> history;
    for (int32_t p = 0; p <= slice.position + static_cast<int32_t>(token); ++p)
        history.push_back(SlotAt(slice, p).token);
    return history;
}

// Zero if nothing in the history was a prompt, or nobody tells.
uint64_t FakeRunner::KindsOf(const SequenceSlice& slice, size_t token) {
    uint64_t kinds = 0;
    for (int32_t p = 0; p <= slice.position + static_cast<int32_t>(token); ++p)
        if (SlotAt(slice, p).prompt) kinds = Mix(kinds ^ static_cast<uint64_t>(p + 1));
    return kinds;
}

void FakeRunner::PseudoRandom(std::span<const TokenId> history, std::span<float> logits) const {
    uint64_t hash = options_.seed ^ kinds_;
    for (TokenId token : history) hash = Mix(hash ^ static_cast<uint64_t>(token));
    if (static_cast<double>(hash >> 40) * 0x1p-24 < options_.repeats)
        hash = Mix(options_.seed ^ static_cast<uint64_t>(history.back()));
    for (size_t i = 0; i < logits.size(); ++i)
        logits[i] = static_cast<float>(Mix(hash + i) >> 40) * 0x1p-21f - 4;
    if (static_cast<size_t>(options_.end_token) < logits.size())
        logits[static_cast<size_t>(options_.end_token)] = options_.end_logit;
}

TokenId FakeRunner::token_at(uint32_t page, int32_t slot) const {
    return slots_[page * static_cast<size_t>(options_.page_tokens) + static_cast<size_t>(slot)]
        .token;
}

void FakeRunner::Poison(uint32_t page) {
    auto begin = slots_.begin() + static_cast<ptrdiff_t>(page) * options_.page_tokens;
    std::fill(begin, begin + options_.page_tokens, Slot{});
}

}  // namespace lathe::testing_support
