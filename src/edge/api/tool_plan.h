#pragma once

#include <string>
#include <vector>

#include "edge/api/structured_output.h"
#include "edge/api/tool_answer.h"
#include "edge/api/tool_request.h"
#include "service/backends/local_model.h"

namespace lathe::api {

// What a chat request with tools asks of the engine, and how its answers are read.
struct ToolPlan {
    ToolAnswerOptions answer;
    constraint::GrammarPtr grammar;                // of a forced call; null: no constraint
    std::vector<tokenizer::TokenId> kept_special;  // markers of calls that are special tokens

    // The prompt with the beginning of a forced call.
    std::string Complete(std::string prompt) const;
};

// Errors name `tools` or the part of it that cannot be honoured. Without tools: an empty plan.
Result<ToolPlan> PlanTools(const backends::LocalModel& model, const ToolRequest& request,
                           GrammarCache& grammars);

}  // namespace lathe::api
