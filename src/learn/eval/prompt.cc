#include "learn/eval/prompt.h"

#include "compute/chat/text.h"
#include "compute/chat/unicode.h"

namespace lathe::eval {
namespace {

Json AsJson(const Message& message) {
    return Json{{"role", message.role}, {"content", message.content}};
}

// All but a system message and the beginning of the answer, as one message of the user.
std::vector<Message> InOneTurn(std::vector<Message> messages, bool has_prefix) {
    std::vector<Message> out;
    size_t begin = messages[0].role == "system" ? 1 : 0;
    size_t end = messages.size() - (has_prefix ? 1 : 0);
    if (begin == 1) out.push_back(messages[0]);
    std::string text;
    for (size_t i = begin; i < end; ++i) {
        text += messages[i].content;
        if (i + 1 < end) text += messages[i].delimiter;
    }
    out.push_back({"user", std::move(text), ""});
    if (has_prefix) out.push_back(messages.back());
    return out;
}

}  // namespace

bool EndsWithSpace(std::string_view text) {
    if (text.empty()) return false;
    size_t at = text.size();
    return chat::IsSpace(chat::PreviousCodePoint(text, at));
}

bool StartsWithSpace(std::string_view text) {
    if (text.empty()) return false;
    size_t at = 0;
    return chat::IsSpace(chat::NextCodePoint(text, at));
}

std::string Delimited(const std::string& first, const std::string& second,
                      const std::string& delimiter) {
    if (first.empty() || second.empty()) return first + second;
    bool meets_space = EndsWithSpace(first) || StartsWithSpace(second);
    return meets_space ? first + second : first + delimiter + second;
}

void AddTurn(const Turn& turn, std::vector<Message>& messages) {
    bool answered = !turn.answer.empty();
    bool delimits = turn.prefix.empty() ? answered
                                        : !turn.question.empty() && !EndsWithSpace(turn.question) &&
                                              !StartsWithSpace(turn.prefix);
    messages.push_back({"user", turn.question, delimits ? turn.target_delimiter : ""});
    if (answered) {
        messages.push_back(
            {"assistant", Delimited(turn.prefix, turn.answer, " "), turn.fewshot_delimiter});
    } else if (!turn.prefix.empty()) {
        messages.push_back({"assistant", turn.prefix, ""});
    }
}

std::string PlainText(const std::vector<Message>& messages) {
    std::string text;
    for (const Message& message : messages) text += message.content + message.delimiter;
    return text;
}

Result<std::string> ChatText(std::vector<Message> messages, const ChatLayout& layout,
                             const ChatRenderer& render) {
    if (!layout.multiturn) messages = InOneTurn(std::move(messages), layout.has_prefix);
    Conversation conversation{Json::array(), !layout.has_prefix};
    for (const Message& message : messages) conversation.messages.push_back(AsJson(message));
    LATHE_TRY(std::string text, render(conversation));
    if (!layout.has_prefix) return text;
    // What the template closes the message with would end the answer.
    const std::string& last = messages.back().content;
    size_t at = text.rfind(chat::Strip(last, std::nullopt));
    if (at == std::string::npos)
        return MakeError(Code::kFailedPrecondition,
                         "the model's chat template does not show the beginning of the answer "
                         "(gen_prefix) as it is: run without --apply-chat-template");
    text.resize(at + chat::Strip(last, std::nullopt).size());
    return text;
}

}  // namespace lathe::eval
