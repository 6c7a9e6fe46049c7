// Bodies as a client may send them, through every request parser. What is accepted is
// within the limits that the engine counts on; what is refused says why.
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "edge/api/chat_request.h"
#include "edge/api/completion_request.h"
#include "edge/api/limits.h"
#include "edge/api/parameters.h"

namespace {

using namespace lathe;
using namespace lathe::api;

constexpr size_t kVocabSize = 1000;

void CheckOptions(const GenerationOptions& options) {
    const auto& engine = options.engine;
    LATHE_CHECK(engine.completions >= 1 && engine.completions <= kChoicesMax);
    LATHE_CHECK(engine.stop.size() <= kStopsMax && engine.stop_tokens.size() <= kStopsMax);
    for (const auto& stop : engine.stop) LATHE_CHECK(!stop.empty() && stop.size() <= kStopBytesMax);
    LATHE_CHECK(engine.top_logprobs >= -1 && engine.top_logprobs <= kCompletionLogprobsMax);
    LATHE_CHECK(engine.tokens_min >= 0 && engine.sampling.top_k >= 0);
    LATHE_CHECK(!options.tokens_max || *options.tokens_max >= engine.tokens_min);
    engine::GenerationRequest request = engine;
    for (size_t length : {size_t{1}, size_t{99}, size_t{100}, size_t{200}}) {
        if (!FitPrompt(std::vector<tokenizer::TokenId>(length, 1), options, 16, 100, "prompt",
                       request))
            continue;
        LATHE_CHECK(!request.prompt.empty() && request.tokens_max >= 0);
        LATHE_CHECK(request.prompt.size() + static_cast<size_t>(request.tokens_max) <= 100);
        LATHE_CHECK(request.tokens_min <= request.tokens_max);
    }
}

template <typename Request>
void CheckRefusal(const Result<Request>& request) {
    if (!request) LATHE_CHECK(!ErrorResponse(RequestError(request.error())).body.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto body = ParseBody({reinterpret_cast<const char*>(data), size});
    CheckRefusal(body);
    if (!body) return 0;
    auto chat = ParseChatRequest(*body, {});
    CheckRefusal(chat);
    if (chat) {
        CheckOptions(chat->options);
        LATHE_CHECK(!chat->input.messages.empty());
        LATHE_CHECK(chat->tools.offered() == !chat->input.tools.is_null());
        LATHE_CHECK(!chat->tools.offered() || !chat->tools.tools->empty());
    }
    auto completion = ParseCompletionRequest(*body, {}, kVocabSize);
    CheckRefusal(completion);
    if (completion) {
        CheckOptions(completion->options);
        LATHE_CHECK(!completion->prompts.empty());
        LATHE_CHECK(completion->prompts.size() <= static_cast<size_t>(kChoicesMax));
    }
    for (auto table : {TokenizeParameters(), DetokenizeParameters()}) {
        if (!CheckParameters(*body, table)) continue;
        (void)StringOr(*body, "model", "");
        (void)BoolOr(*body, "add_special_tokens", true);
        if (Find(*body, "messages") != nullptr) CheckRefusal(ParseRenderInput(*body));
    }
    return 0;
}
