#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/engine/generation.h"
#include "core/json/json.h"
#include "edge/api/token_text.h"
#include "edge/api/tool_answer.h"

namespace lathe::api {

// What the responses of one call have in common.
struct ResponseHead {
    std::string id;  // "chatcmpl-…"
    std::string model;
    int64_t created = 0;  // seconds since 1970
};

// The JSON of one API's answers, made from the events of its engine requests: either
// chunk by chunk, or added up to one whole. Use one of the two.
// One call's own thread.
class ResponseShape {
public:
    virtual ~ResponseShape() = default;

    // The chunks that show `event` of the call's request number `request`.
    virtual std::vector<Json> Chunks(size_t request, const engine::GenerationEvent& event) = 0;
    virtual Json UsageChunk(const engine::Usage& usage) = 0;

    virtual void Add(size_t request, engine::GenerationEvent&& event) = 0;
    virtual Json Whole(const engine::Usage& usage) = 0;
};

struct ChatShapeOptions {
    ResponseHead head;
    bool logprobs = false;
    bool include_usage = false;
    TokenStyle style;
    ToolAnswerOptions tools;
};
std::unique_ptr<ResponseShape> ChatShape(const tokenizer::Tokenizer& tokenizer,
                                         ChatShapeOptions options);

struct CompletionShapeOptions {
    ResponseHead head;
    int32_t completions = 1;  // choice = request * completions + index
    bool logprobs = false;
    bool include_usage = false;
    std::vector<std::string> echo;  // by request: text before each answer; empty: none
    TokenStyle style;
};
std::unique_ptr<ResponseShape> CompletionShape(const tokenizer::Tokenizer& tokenizer,
                                               CompletionShapeOptions options);

// "stop", "length" or null.
Json FinishJson(const std::optional<engine::FinishReason>& finish);
Json UsageJson(const engine::Usage& usage);

}  // namespace lathe::api
