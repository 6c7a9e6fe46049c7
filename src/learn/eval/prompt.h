// How questions, examples and answers become the text that a model sees: the rules of
// lm-evaluation-harness 0.4.13 (build_qa_turn, fewshot_context). Free functions,
// thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::eval {

// A conversation for the model's chat template: `messages` with role and content. Without
// the generation prompt, the last message is left open, to be gone on with.
struct Conversation {
    Json messages;
    bool add_generation_prompt = true;
};
using ChatRenderer = std::function<Result<std::string>(const Conversation&)>;

struct Message {
    std::string role;
    std::string content;
    std::string delimiter;  // after it where the messages are plain text
};

// A question, its answer if it is an example, and how an answer is to begin.
struct Turn {
    std::string question;
    std::string answer;  // "": open
    std::string prefix;  // "": none
    std::string target_delimiter;
    std::string fewshot_delimiter;
};
void AddTurn(const Turn& turn, std::vector<Message>& messages);

// The two with `delimiter` between them, unless one is empty or white space meets there.
std::string Delimited(const std::string& first, const std::string& second,
                      const std::string& delimiter);
bool EndsWithSpace(std::string_view text);
bool StartsWithSpace(std::string_view text);

std::string PlainText(const std::vector<Message>& messages);

struct ChatLayout {
    bool multiturn = true;    // else examples and question are one message of the user
    bool has_prefix = false;  // the last message is the beginning of the answer
};
Result<std::string> ChatText(std::vector<Message> messages, const ChatLayout& layout,
                             const ChatRenderer& render);

}  // namespace lathe::eval
