// What the tests of this component share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "compute/constraint/automaton.h"
#include "compute/constraint/grammar.h"
#include "compute/constraint/token_trie.h"
#include "core/json/json.h"

namespace lathe::constraint {

// A vocabulary of all single bytes; token n is byte n.
inline const TokenTrie& ByteTrie() {
    static const auto* const kTrie = [] {
        std::vector<std::string> texts;
        for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
        return new TokenTrie(texts);
    }();
    return *kTrie;
}

inline Matcher MakeMatcher(GrammarPtr grammar, const TokenTrie& trie = ByteTrie()) {
    return Matcher(std::make_shared<Automaton>(std::move(grammar), trie));
}

// Whether `text` is one of the texts of `expression`, each byte of it allowed by the mask
// before it.
inline bool Matches(const GrammarPtr& grammar, std::string_view text) {
    Matcher matcher = MakeMatcher(grammar);
    for (char c : text) {
        auto mask = matcher.Allowed();
        EXPECT_TRUE(mask.has_value());
        auto byte = static_cast<uint8_t>(c);
        bool in_mask = ((*mask)->bits[byte / 64] >> (byte % 64)) & 1;
        auto accepted = matcher.Accept({&c, 1});
        EXPECT_TRUE(accepted.has_value());
        EXPECT_EQ(*accepted, in_mask) << text;
        if (!*accepted) return false;
    }
    return matcher.complete();
}

inline GrammarPtr CompileOrFail(const Result<Expression>& expression) {
    EXPECT_TRUE(expression.has_value()) << expression.error().message;
    if (!expression) return nullptr;
    auto grammar = Compile(*expression);
    EXPECT_TRUE(grammar.has_value()) << grammar.error().message;
    return grammar ? *grammar : nullptr;
}

// Why `expression` cannot be honoured; "" if it can.
inline std::string Refusal(const Result<Expression>& expression) {
    if (!expression) return expression.error().message;
    auto grammar = Compile(*expression);
    return grammar ? "" : grammar.error().message;
}

// Takes a random allowed token each time until the text is complete and a coin says so;
// empty if it is not after `tokens_max`. With rising length it prefers to end.
inline std::optional<std::string> RandomText(const GrammarPtr& grammar, const TokenTrie& trie,
                                             std::span<const std::string> texts,
                                             std::mt19937& random, size_t tokens_max) {
    Matcher matcher = MakeMatcher(grammar, trie);
    for (size_t step = 0; step < tokens_max; ++step) {
        if (matcher.finished() || (matcher.complete() && random() % 4 == 0)) return matcher.text();
        auto mask = matcher.Allowed();
        if (!mask || (*mask)->count == 0) {
            ADD_FAILURE() << "nothing may follow " << matcher.text();
            return std::nullopt;
        }
        std::vector<size_t> allowed;
        for (size_t token = 0; token < texts.size(); ++token)
            if (((*mask)->bits[token / 64] >> (token % 64)) & 1) allowed.push_back(token);
        const std::string& text = texts[allowed[random() % allowed.size()]];
        auto accepted = matcher.Accept(text);
        if (!accepted || !*accepted) {
            ADD_FAILURE() << "the mask allowed \"" << text << "\" after " << matcher.text();
            return std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace lathe::constraint
