#pragma once

#include <functional>
#include <memory>
#include <string>

#include "compute/engine/engine.h"
#include "compute/tokenizer/tokenizer.h"
#include "learn/eval/subject.h"

namespace lathe::eval {

struct EngineSubjectOptions {
    engine::Engine* engine = nullptr;
    const tokenizer::Tokenizer* tokenizer = nullptr;
    Json identity;
    std::string chat_template;
    ChatRenderer render_chat;    // empty: there is no template
    int32_t requests_max = 256;  // in the engine at once; more wait here
};

// A model of this machine. Requests of many documents are in the engine at once, so that
// its batches are full; the choices of a question are scored behind one context, and
// contexts that begin alike share their pages. The answers do not
// depend on that, to the bit.
class EngineSubject : public Subject {
public:
    // Engine and tokenizer outlive it.
    explicit EngineSubject(EngineSubjectOptions options);
    ~EngineSubject() override;

    Json identity() const override { return options_.identity; }
    Result<std::string> RenderChat(const Conversation& conversation) const override;
    std::string chat_template() const override { return options_.chat_template; }
    Status Ask(std::span<const Question> questions, const Sink& sink,
               std::stop_token stop) override;

private:
    class Asking;
    EngineSubjectOptions options_;
};

}  // namespace lathe::eval
