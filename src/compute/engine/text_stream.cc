#include "compute/engine/text_stream.h"

#include <algorithm>

namespace lathe::engine {
namespace {

// The most tokens that one character can be spread over.
constexpr size_t kTokensPerCharacterMax = 4;

}  // namespace

TextStream::TextStream(const tokenizer::Tokenizer& tokenizer, const GenerationRequest& request)
    : decoder_(tokenizer, request.keep_special, request.kept_special),
      matcher_(request.stop),
      include_stop_(request.include_stop) {
    // The text goes on where the prompt ends: a leading space stays, and a character that
    // the prompt has begun is completed.
    std::span<const TokenId> prompt = request.prompt;
    for (TokenId token : prompt.last(std::min(prompt.size(), kTokensPerCharacterMax)))
        decoder_.Push(token);
}

const std::string* TextStream::Push(TokenId token, bool may_stop, std::string& out) {
    return Match(decoder_.Push(token), may_stop, out);
}

const std::string* TextStream::Flush(bool may_stop, std::string& out) {
    const std::string* stop = Match(decoder_.Flush(), may_stop, out);
    if (!stop) matcher_.Flush(out);
    return stop;
}

const std::string* TextStream::Match(const std::string& piece, bool may_stop, std::string& out) {
    if (may_stop) return matcher_.Push(piece, include_stop_, out);
    out += piece;
    return nullptr;
}

}  // namespace lathe::engine
