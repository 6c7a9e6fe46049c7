#include "learn/eval/request_tokens.h"

#include <algorithm>
#include <string>

#include "compute/chat/text.h"

namespace lathe::eval {
namespace {

std::vector<TokenId> Part(const std::vector<TokenId>& ids, size_t begin, size_t end) {
    return {ids.begin() + static_cast<ptrdiff_t>(begin), ids.begin() + static_cast<ptrdiff_t>(end)};
}

}  // namespace

Result<TokenId> PrefixToken(const tokenizer::Tokenizer& tokenizer) {
    if (auto bos = tokenizer.bos()) return *bos;
    if (auto eos = tokenizer.eos()) return *eos;
    return MakeError(Code::kFailedPrecondition,
                     "the model names neither a begin nor an end of a sequence, so a text without "
                     "context has nothing to stand on");
}

std::vector<TokenId> EncodeText(const tokenizer::Tokenizer& tokenizer, std::string_view text) {
    std::string begin;
    if (auto bos = tokenizer.bos()) begin = tokenizer.TokenBytes(*bos);
    bool has_begin = !begin.empty() && text.starts_with(begin);
    return tokenizer.Encode(text, {.add_special = !has_begin, .parse_special = true});
}

Result<ScoredTokens> EncodePair(const tokenizer::Tokenizer& tokenizer, std::string_view context,
                                std::string_view continuation, int32_t context_length) {
    ScoredTokens tokens;
    if (context.empty()) {
        LATHE_TRY(TokenId prefix, PrefixToken(tokenizer));
        tokens.continuation = tokenizer.Encode(continuation, {.add_special = false});
        tokens.context = {prefix};
        if (!tokens.continuation.empty() && tokens.continuation.front() == prefix)
            tokens.continuation.erase(tokens.continuation.begin());
    } else {
        size_t kept = chat::Strip(context, std::nullopt, chat::Side::kRight).size();
        tokens.context = EncodeText(tokenizer, context.substr(0, kept));
        std::string whole = std::string(context) + std::string(continuation);
        std::vector<TokenId> all = EncodeText(tokenizer, whole);
        size_t cut = std::min(tokens.context.size(), all.size());
        tokens.continuation = Part(all, cut, all.size());
        if (tokens.context.empty() && !tokens.continuation.empty()) {
            LATHE_TRY(TokenId prefix, PrefixToken(tokenizer));
            tokens.context = {prefix};
        }
    }
    if (tokens.continuation.empty())
        return InvalidArgument("the continuation {} adds no token to its context",
                               DumpJson(Json(continuation)));
    auto limit = static_cast<size_t>(context_length);
    if (tokens.continuation.size() > limit)
        return InvalidArgument("the continuation has {} tokens and the context holds {}",
                               tokens.continuation.size(), limit);
    size_t room = limit + 1 - tokens.continuation.size();
    if (tokens.context.size() > room)
        tokens.context = Part(tokens.context, tokens.context.size() - room, tokens.context.size());
    return tokens;
}

// The first window stands on the prefix token; the others see as much as fits before them.
Result<std::vector<ScoredTokens>> EncodeRolling(const tokenizer::Tokenizer& tokenizer,
                                                std::string_view text, int32_t context_length) {
    LATHE_TRY(TokenId prefix, PrefixToken(tokenizer));
    std::vector<TokenId> all = EncodeText(tokenizer, text);
    auto length = static_cast<size_t>(context_length);
    std::vector<ScoredTokens> windows;
    size_t done = std::min(length, all.size());
    if (done > 0) windows.push_back({{prefix}, Part(all, 0, done)});
    while (done < all.size()) {
        size_t end = std::min(all.size(), done + length);
        windows.push_back({Part(all, end - length - 1, done), Part(all, done, end)});
        done = end;
    }
    return windows;
}

}  // namespace lathe::eval
