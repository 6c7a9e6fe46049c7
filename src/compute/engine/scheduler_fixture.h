#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/engine/scheduler.h"

namespace lathe::engine {

// A scheduler with requests that it does not need to own.
class SchedulerTest : public ::testing::Test {
protected:
    void Open(uint32_t page_count, int32_t sequences_max = 8, int32_t rows = 16,
              int32_t page_tokens = 4) {
        scheduler_.emplace(
            Scheduler::Create({page_count, page_tokens, sequences_max, rows}).value());
    }

    ScheduledRequest& AddSpec(ScheduledRequest::Spec spec, std::vector<TokenId> prompt,
                              int32_t text) {
        spec.arrival = requests_.size();
        spec.length_max = static_cast<int32_t>(prompt.size()) + text;
        spec.prompt =
            *prompts_.emplace_back(std::make_unique<std::vector<TokenId>>(std::move(prompt)));
        requests_.push_back(std::make_unique<ScheduledRequest>(spec));
        scheduler_->Add(*requests_.back());
        return *requests_.back();
    }

    // With a prompt that begins like no other.
    ScheduledRequest& Add(int32_t prompt, int32_t text = 8, int32_t priority = 0, int32_t n = 1,
                          std::string_view tenant = "") {
        auto first = static_cast<TokenId>(requests_.size());
        return AddSpec({.priority = priority, .completions = n, .tenant = tenant},
                       std::vector<TokenId>(static_cast<size_t>(prompt), first), text);
    }

    // With a prompt of `common` tokens that others begin with too, and `own` ones.
    ScheduledRequest& AddTwin(int32_t common, int32_t own, int32_t text = 8,
                              ScheduledRequest::Spec spec = {}) {
        std::vector<TokenId> prompt(static_cast<size_t>(common), 7777);
        prompt.resize(static_cast<size_t>(common + own), static_cast<TokenId>(requests_.size()));
        return AddSpec(spec, std::move(prompt), text);
    }

    // "0:0+4" = request 0 runs 4 tokens from its token 0; "1.2:..." = completion 2.
    std::vector<std::string> Step() {
        std::vector<std::string> plan;
        std::vector<Sequence*> ends;
        for (const Scheduler::Slice& slice : scheduler_->Plan()) {
            const Sequence& sequence = *slice.sequence;
            plan.push_back(fmt::format("{}{}:{}+{}", sequence.request->spec.arrival,
                                       sequence.index ? fmt::format(".{}", sequence.index) : "",
                                       slice.begin, slice.count));
            if (slice.begin + slice.count == sequence.length) ends.push_back(slice.sequence);
        }
        scheduler_->Commit();
        for (Sequence* sequence : ends)
            sequence->length == sequence->request->spec.length_max
                ? scheduler_->Finish(*sequence)
                : scheduler_->Append(*sequence, 5000 + sequence->length);
        Check();
        return plan;
    }

    void Check() {
        std::vector<ScheduledRequest*> all;
        for (auto& request : requests_)
            if (request) all.push_back(request.get());
        scheduler_->CheckAccounts(all);
    }

    std::optional<Scheduler> scheduler_;
    std::vector<std::unique_ptr<std::vector<TokenId>>> prompts_;
    std::vector<std::unique_ptr<ScheduledRequest>> requests_;
};

}  // namespace lathe::engine
