#pragma once

#include <span>
#include <string>

#include "compute/engine/generation.h"
#include "compute/engine/stop_matcher.h"
#include "compute/tokenizer/tokenizer.h"

namespace lathe::engine {

// Turns the tokens of one completion into text that is certain: whole characters,
// nothing that may still become a stop string.
//
// One completion's own. Borrows the request and the tokenizer.
class TextStream {
public:
    TextStream(const tokenizer::Tokenizer& tokenizer, const GenerationRequest& request);

    // Appends the text of `token` to `out` as far as it is certain. Returns the stop
    // string that it completed, if any; then the text is over. With `may_stop` false
    // stop strings are not looked for (and not begun).
    const std::string* Push(TokenId token, bool may_stop, std::string& out);

    // Appends what is held back: no more tokens. A stop string may still be found.
    const std::string* Flush(bool may_stop, std::string& out);

private:
    const std::string* Match(const std::string& piece, bool may_stop, std::string& out);

    tokenizer::StreamDecoder decoder_;
    StopMatcher matcher_;
    bool include_stop_;
};

}  // namespace lathe::engine
