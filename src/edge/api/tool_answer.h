#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/chat/tool_call_parser.h"
#include "core/json/json.h"

namespace lathe::api {

// How the answers of one call are read for tool calls.
struct ToolAnswerOptions {
    const chat::ToolFormat* format = nullptr;  // null: texts hold no calls
    std::shared_ptr<const Json> tools;
    std::string forced;    // what stands before the generated text, as part of the prompt
    bool parallel = true;  // else only the first call counts
};

// The text of one choice, split into content and tool calls in OpenAI's form.
//
//   Take(text) ... Take(text) Finish()
//
// One choice's own thread.
class ToolAnswer {
public:
    explicit ToolAnswer(const ToolAnswerOptions& options);

    // What became certain: the delta of a chunk.
    struct Piece {
        std::string content;
        Json calls = Json::array();  // elements of delta.tool_calls
    };
    Piece Take(std::string_view text);
    Piece Finish();

    // All calls so far, as message.tool_calls has them.
    const Json& calls() const { return calls_; }

private:
    Piece Show(std::vector<chat::ToolDelta> deltas);

    chat::ToolCallParser parser_;
    bool parallel_;
    Json calls_ = Json::array();
    std::vector<chat::ToolDelta> forced_;  // shown with the first text
    bool dropping_ = false;                // a call that is too many
};

// "call_" and 24 random hexadecimal digits.
std::string NewToolCallId();

}  // namespace lathe::api
