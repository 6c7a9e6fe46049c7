// POST /v1/chat/completions, as far as it can be understood without the model.
#pragma once

#include "compute/chat/chat_template.h"
#include "edge/api/generation_options.h"
#include "edge/api/tool_request.h"

namespace lathe::api {

struct ChatRequest {
    GenerationOptions options;
    chat::RenderInput input;  // without the model's bos and eos
    ToolRequest tools;
    bool logprobs = false;
};

Result<ChatRequest> ParseChatRequest(const Json& body, const sampling::SamplingParams& defaults);

// The messages, tools and template parameters of a request: checked, contents as plain text,
// arguments of tool calls as objects, as templates expect them. Also for /tokenize.
Result<chat::RenderInput> ParseRenderInput(const Json& body);

}  // namespace lathe::api
