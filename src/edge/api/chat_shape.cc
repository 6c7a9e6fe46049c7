#include "edge/api/response_shape.h"

namespace lathe::api {
namespace {

using engine::GenerationEvent;

class Chat : public ResponseShape {
public:
    Chat(const tokenizer::Tokenizer& tokenizer, ChatShapeOptions options)
        : tokenizer_(tokenizer), options_(std::move(options)) {}

    std::vector<Json> Chunks(size_t, const GenerationEvent& event) override {
        std::vector<Json> chunks;
        auto& choice = ChoiceOf(event.index);
        if (!choice.begun) {
            choice.begun = true;
            chunks.push_back(
                Chunk(event.index, {{"role", "assistant"}, {"content", ""}}, nullptr, nullptr, {}));
        }
        auto piece = Read(choice, event);
        Json logprobs = Logprobs(event.tokens);
        bool tokens_shown = options_.logprobs && !event.tokens.empty();
        if (!piece.content.empty() || (tokens_shown && piece.calls.empty()))
            chunks.push_back(Chunk(event.index, {{"content", piece.content}},
                                   std::exchange(logprobs, nullptr), nullptr, {}));
        if (!piece.calls.empty())
            chunks.push_back(Chunk(event.index, {{"tool_calls", std::move(piece.calls)}},
                                   std::move(logprobs), nullptr, {}));
        if (event.finish)
            chunks.push_back(Chunk(event.index, Json::object(), nullptr,
                                   Finish(choice, event.finish), event.stop_reason));
        return chunks;
    }

    Json UsageChunk(const engine::Usage& usage) override {
        Json chunk = Head("chat.completion.chunk");
        chunk["choices"] = Json::array();
        chunk["usage"] = UsageJson(usage);
        return chunk;
    }

    void Add(size_t, GenerationEvent&& event) override {
        auto& choice = ChoiceOf(event.index);
        choice.text += Read(choice, event).content;
        choice.tokens.insert(choice.tokens.end(), event.tokens.begin(), event.tokens.end());
        if (event.finish) {
            choice.finish = event.finish;
            choice.stop_reason = std::move(event.stop_reason);
        }
    }

    Json Whole(const engine::Usage& usage) override {
        Json out = Head("chat.completion");
        out["choices"] = Json::array();
        for (const auto& [index, choice] : choices_) {
            Json one;
            one["index"] = index;
            one["message"] = {
                {"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}};
            if (choice.HasCalls()) {
                if (choice.text.empty()) one["message"]["content"] = nullptr;
                one["message"]["tool_calls"] = choice.tools->calls();
            }
            one["logprobs"] = Logprobs(choice.tokens);
            one["finish_reason"] = Finish(choice, choice.finish);
            one["stop_reason"] = StopReason(choice.stop_reason);
            out["choices"].push_back(std::move(one));
        }
        out["usage"] = UsageJson(usage);
        return out;
    }

private:
    struct Choice {
        bool begun = false;
        std::string text;
        std::vector<engine::ScoredToken> tokens;
        std::optional<engine::FinishReason> finish;
        std::string stop_reason;
        std::optional<ToolAnswer> tools;

        bool HasCalls() const { return tools && !tools->calls().empty(); }
    };

    Choice& ChoiceOf(int32_t index) {
        auto [at, is_new] = choices_.try_emplace(index);
        if (is_new && options_.tools.format != nullptr) at->second.tools.emplace(options_.tools);
        return at->second;
    }

    // What the text of an event turned out to be.
    static ToolAnswer::Piece Read(Choice& choice, const GenerationEvent& event) {
        if (!choice.tools) return {.content = event.text};
        auto piece = choice.tools->Take(event.text);
        if (!event.finish) return piece;
        auto rest = choice.tools->Finish();
        piece.content += rest.content;
        for (auto& call : rest.calls) piece.calls.push_back(std::move(call));
        return piece;
    }

    static Json Finish(const Choice& choice, const std::optional<engine::FinishReason>& finish) {
        if (finish == engine::FinishReason::kStop && choice.HasCalls()) return "tool_calls";
        return FinishJson(finish);
    }

    Json Head(std::string_view object) const {
        return {{"id", options_.head.id},
                {"object", object},
                {"created", options_.head.created},
                {"model", options_.head.model},
                {"system_fingerprint", nullptr}};
    }

    static Json StopReason(const std::string& reason) {
        return reason.empty() ? Json(nullptr) : Json(reason);
    }

    Json Logprobs(const std::vector<engine::ScoredToken>& tokens) const {
        if (!options_.logprobs) return nullptr;
        return {{"content", ChatLogprobs(tokenizer_, tokens, options_.style)},
                {"refusal", nullptr}};
    }

    Json Chunk(int32_t index, Json delta, Json logprobs, Json finish,
               const std::string& stop_reason) const {
        Json chunk = Head("chat.completion.chunk");
        Json choice;
        choice["index"] = index;
        choice["delta"] = std::move(delta);
        choice["logprobs"] = std::move(logprobs);
        bool last = !finish.is_null();
        choice["finish_reason"] = std::move(finish);
        if (last) choice["stop_reason"] = StopReason(stop_reason);
        chunk["choices"] = Json::array();
        chunk["choices"].push_back(std::move(choice));
        if (options_.include_usage) chunk["usage"] = nullptr;
        return chunk;
    }

    const tokenizer::Tokenizer& tokenizer_;
    ChatShapeOptions options_;
    std::map<int32_t, Choice> choices_;
};

}  // namespace

std::unique_ptr<ResponseShape> ChatShape(const tokenizer::Tokenizer& tokenizer,
                                         ChatShapeOptions options) {
    return std::make_unique<Chat>(tokenizer, std::move(options));
}

Json FinishJson(const std::optional<engine::FinishReason>& finish) {
    if (!finish) return nullptr;
    switch (*finish) {
        case engine::FinishReason::kStop:
            return "stop";
        case engine::FinishReason::kLength:
            return "length";
        case engine::FinishReason::kCancelled:
        case engine::FinishReason::kError:
            return nullptr;
    }
    return nullptr;
}

Json UsageJson(const engine::Usage& usage) {
    return {{"prompt_tokens", usage.prompt_tokens},
            {"completion_tokens", usage.completion_tokens},
            {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
            {"prompt_tokens_details", {{"cached_tokens", usage.cached_prompt_tokens}}}};
}

}  // namespace lathe::api
