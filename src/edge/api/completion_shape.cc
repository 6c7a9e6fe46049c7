#include "edge/api/response_shape.h"

namespace lathe::api {
namespace {

using engine::GenerationEvent;
using engine::ScoredToken;

class Completion : public ResponseShape {
public:
    Completion(const tokenizer::Tokenizer& tokenizer, CompletionShapeOptions options)
        : tokenizer_(tokenizer), options_(std::move(options)) {}

    std::vector<Json> Chunks(size_t request, const GenerationEvent& event) override {
        int32_t index = IndexOf(request, event);
        KeepPrompt(request, event);
        auto& choice = choices_[index];
        std::string text;
        std::vector<ScoredToken> tokens;
        if (!choice.begun) {
            choice.begun = true;
            if (!options_.echo.empty()) text = options_.echo[request];
            tokens = prompts_[request];
            if (options_.logprobs)
                choice.logprobs = std::make_unique<LegacyLogprobs>(tokenizer_, options_.style);
        }
        text += event.text;
        tokens.insert(tokens.end(), event.tokens.begin(), event.tokens.end());
        bool tokens_shown = options_.logprobs && !tokens.empty();
        std::vector<Json> chunks;
        if (text.empty() && !tokens_shown && !event.finish) return chunks;
        Json logprobs = tokens_shown ? choice.logprobs->Append(tokens) : Json(nullptr);
        Json chunk = Head();
        chunk["choices"] = Json::array();
        chunk["choices"].push_back(
            ChoiceJson(index, text, std::move(logprobs), event.finish, event.stop_reason));
        if (options_.include_usage) chunk["usage"] = nullptr;
        chunks.push_back(std::move(chunk));
        return chunks;
    }

    Json UsageChunk(const engine::Usage& usage) override {
        Json chunk = Head();
        chunk["choices"] = Json::array();
        chunk["usage"] = UsageJson(usage);
        return chunk;
    }

    void Add(size_t request, GenerationEvent&& event) override {
        KeepPrompt(request, event);
        auto& choice = choices_[IndexOf(request, event)];
        choice.request = request;
        choice.text += event.text;
        choice.tokens.insert(choice.tokens.end(), event.tokens.begin(), event.tokens.end());
        if (event.finish) {
            choice.finish = event.finish;
            choice.stop_reason = std::move(event.stop_reason);
        }
    }

    Json Whole(const engine::Usage& usage) override {
        Json out = Head();
        out["choices"] = Json::array();
        for (const auto& [index, choice] : choices_) {
            std::string text = options_.echo.empty() ? "" : options_.echo[choice.request];
            Json logprobs;
            if (options_.logprobs) {
                auto tokens = prompts_[choice.request];
                tokens.insert(tokens.end(), choice.tokens.begin(), choice.tokens.end());
                logprobs = LegacyLogprobs(tokenizer_, options_.style).Append(tokens);
            }
            out["choices"].push_back(ChoiceJson(index, text + choice.text, std::move(logprobs),
                                                choice.finish, choice.stop_reason));
        }
        out["usage"] = UsageJson(usage);
        return out;
    }

private:
    struct Choice {
        size_t request = 0;
        bool begun = false;
        std::string text;
        std::vector<ScoredToken> tokens;
        std::unique_ptr<LegacyLogprobs> logprobs;
        std::optional<engine::FinishReason> finish;
        std::string stop_reason;
    };

    int32_t IndexOf(size_t request, const GenerationEvent& event) const {
        return static_cast<int32_t>(request) * options_.completions + event.index;
    }

    // The prompt's tokens come with the first event only, but belong to every choice.
    void KeepPrompt(size_t request, const GenerationEvent& event) {
        if (!event.prompt.empty()) prompts_[request] = event.prompt;
    }

    Json Head() const {
        return {{"id", options_.head.id},
                {"object", "text_completion"},
                {"created", options_.head.created},
                {"model", options_.head.model},
                {"system_fingerprint", nullptr}};
    }

    static Json ChoiceJson(int32_t index, const std::string& text, Json logprobs,
                           const std::optional<engine::FinishReason>& finish,
                           const std::string& stop_reason) {
        Json choice;
        choice["index"] = index;
        choice["text"] = text;
        choice["logprobs"] = std::move(logprobs);
        choice["finish_reason"] = FinishJson(finish);
        if (finish) choice["stop_reason"] = stop_reason.empty() ? Json(nullptr) : Json(stop_reason);
        return choice;
    }

    const tokenizer::Tokenizer& tokenizer_;
    CompletionShapeOptions options_;
    std::map<size_t, std::vector<ScoredToken>> prompts_;
    std::map<int32_t, Choice> choices_;
};

}  // namespace

std::unique_ptr<ResponseShape> CompletionShape(const tokenizer::Tokenizer& tokenizer,
                                               CompletionShapeOptions options) {
    return std::make_unique<Completion>(tokenizer, std::move(options));
}

}  // namespace lathe::api
