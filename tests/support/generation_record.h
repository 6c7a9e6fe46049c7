#pragma once

#include <gtest/gtest.h>

#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compute/engine/generation.h"

namespace lathe::testing_support {

// Puts the events of one request together again, and checks what holds for all of
// them: nothing after a completion's finish, nothing after the last event.
//
// Filled on the engine's thread; read it when the request is over.
struct GenerationRecord {
    struct Completion {
        std::string text;
        std::vector<engine::ScoredToken> tokens;
        std::optional<engine::FinishReason> finish;
        std::string stop_reason;
        Error error;
        int events = 0;

        std::vector<engine::TokenId> ids() const {
            std::vector<engine::TokenId> ids;
            for (const engine::ScoredToken& token : tokens) ids.push_back(token.token);
            return ids;
        }
    };

    explicit GenerationRecord(size_t completion_count = 1) : completions(completion_count) {}

    std::vector<Completion> completions;
    std::vector<engine::ScoredToken> prompt;
    bool over = false;
    engine::Usage usage;
    engine::Timings timings;
    std::vector<double> token_seconds;

    // The record outlives the request.
    engine::EventSink sink() {
        return [this](engine::GenerationEvent&& event) { Add(std::move(event)); };
    }

    void Add(engine::GenerationEvent&& event) {
        ASSERT_FALSE(over) << "an event after the last";
        ASSERT_LT(static_cast<size_t>(event.index), completions.size());
        Completion& completion = completions[static_cast<size_t>(event.index)];
        ASSERT_FALSE(completion.finish) << "an event after the finish";
        ++completion.events;
        if (!event.prompt.empty()) {
            ASSERT_TRUE(prompt.empty()) << "the prompt's scores came twice";
            prompt = std::move(event.prompt);
        }
        if (!event.tokens.empty()) token_seconds.push_back(event.token_seconds);
        std::move(event.tokens.begin(), event.tokens.end(), std::back_inserter(completion.tokens));
        completion.text += event.text;
        completion.finish = event.finish;
        completion.stop_reason = event.stop_reason;
        completion.error = event.error;
        if (!event.last) return;
        ASSERT_TRUE(event.finish);
        over = true;
        usage = event.usage;
        timings = event.timings;
    }
};

}  // namespace lathe::testing_support
