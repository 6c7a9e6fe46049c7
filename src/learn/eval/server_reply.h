// What an OpenAI-compatible server answers, as far as evaluation needs it. Foreign bytes:
// every shape is checked. Free functions, thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "learn/eval/question.h"

namespace lathe::eval {

// The answers of /v1/completions to prompts context + continuation with `echo` and
// `logprobs`, one for each of `asked`. Which tokens are the continuation's is told by
// `text_offset` (or the tokens' lengths where there is none): those that begin at the end
// of the context or later, white space at its end not counted, and before `max_tokens`'
// own. Errors (kFailedPrecondition) say what the server left out.
Result<std::vector<ModelAnswer>> ParseScored(std::string_view body,
                                             std::span<const ModelRequest> asked);

// The text of the one choice of /v1/completions or /v1/chat/completions.
Result<std::string> ParseText(std::string_view body);

// error.message of a refusal, or the beginning of whatever came.
std::string ParseRefusal(std::string_view body);

// The ids of /v1/models.
Result<std::vector<std::string>> ParseModelIds(std::string_view body);

}  // namespace lathe::eval
