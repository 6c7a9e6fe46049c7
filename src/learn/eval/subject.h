#pragma once

#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/json/json.h"
#include "learn/eval/prompt.h"
#include "learn/eval/question.h"

namespace lathe::eval {

// What is evaluated: a model that answers questions. One thread.
class Subject {
public:
    virtual ~Subject() = default;

    // What its answers depend on, so that a run is only gone on with by the same model;
    // and what results.json says of it.
    virtual Json identity() const = 0;

    // Error (kFailedPrecondition) if the model has no chat template.
    virtual Result<std::string> RenderChat(const Conversation& conversation) const = 0;
    // The template's source; "" if there is none or it is not known.
    virtual std::string chat_template() const = 0;

    // Takes the answers to question `index`, on the thread that asks, in whatever order. An
    // error ends the asking.
    using Sink = std::function<Status(size_t index, std::vector<ModelAnswer> answers)>;

    // Asks many at once. Errors: the model's, with the document's number; the sink's;
    // kCancelled when `stop` is requested. What was answered before has been given out.
    virtual Status Ask(std::span<const Question> questions, const Sink& sink,
                       std::stop_token stop) = 0;
};

}  // namespace lathe::eval
