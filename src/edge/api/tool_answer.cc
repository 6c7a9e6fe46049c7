#include "edge/api/tool_answer.h"

#include <fmt/format.h>

#include <iterator>
#include <random>

namespace lathe::api {

using chat::ToolDelta;

ToolAnswer::ToolAnswer(const ToolAnswerOptions& options)
    : parser_(*options.format, options.tools), parallel_(options.parallel) {
    parser_.Push(options.forced, forced_);
}

ToolAnswer::Piece ToolAnswer::Take(std::string_view text) {
    auto deltas = std::exchange(forced_, {});
    parser_.Push(text, deltas);
    return Show(std::move(deltas));
}

ToolAnswer::Piece ToolAnswer::Finish() {
    auto deltas = std::exchange(forced_, {});
    parser_.Finish(deltas);
    return Show(std::move(deltas));
}

ToolAnswer::Piece ToolAnswer::Show(std::vector<ToolDelta> deltas) {
    Piece piece;
    for (auto& delta : deltas) {
        switch (delta.kind) {
            case ToolDelta::Kind::kContent:
                piece.content += delta.text;
                break;
            case ToolDelta::Kind::kCall: {
                dropping_ = !parallel_ && !calls_.empty();
                if (dropping_) break;
                Json call = {{"id", NewToolCallId()},
                             {"type", "function"},
                             {"function", {{"name", delta.text}, {"arguments", ""}}}};
                Json begin = {{"index", calls_.size()}};
                begin.update(call);
                piece.calls.push_back(std::move(begin));
                calls_.push_back(std::move(call));
                break;
            }
            case ToolDelta::Kind::kArguments: {
                if (dropping_) break;
                size_t index = calls_.size() - 1;
                if (piece.calls.empty() || piece.calls.back()["index"] != index)
                    piece.calls.push_back({{"index", index}, {"function", {{"arguments", ""}}}});
                for (Json* call : {&piece.calls.back(), &calls_.back()})
                    (*call)["function"]["arguments"].get_ref<std::string&>() += delta.text;
                break;
            }
        }
    }
    return piece;
}

std::string NewToolCallId() {
    std::random_device random;
    return fmt::format("call_{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace lathe::api
