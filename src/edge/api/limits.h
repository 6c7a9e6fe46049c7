// How much one request may ask for.
#pragma once

#include <cstddef>

namespace lathe::api {

constexpr int kChoicesMax = 128;     // n; prompts times n
constexpr int kPromptsMax = 128;     // of one /v1/completions request
constexpr int kStopsMax = 64;        // stop strings, stop tokens
constexpr int kStopBytesMax = 1024;  // of one stop string
constexpr int kCacheSaltBytesMax = 1024;
constexpr int kMessagesMax = 10'000;
constexpr int kToolsMax = 128;
constexpr size_t kToolNameBytesMax = 128;
constexpr int kGuidedChoicesMax = 10'000;
constexpr int kGrammarBytesMax = 1 << 20;  // of a schema, pattern, grammar or list of choices
constexpr int kChatLogprobsMax = 20;        // OpenAI's own limit
constexpr int kCompletionLogprobsMax = 64;  // the engine's; OpenAI allows 5, evaluation wants more

}  // namespace lathe::api
