#include "compute/constraint/automaton.h"

#include <gmock/gmock.h>

#include "compute/constraint/constraint_fixture.h"

namespace lathe::constraint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<size_t> TokensOf(const Mask& mask) {
    std::vector<size_t> tokens;
    for (size_t token = 0; token < mask.bits.size() * 64; ++token)
        if ((mask.bits[token / 64] >> (token % 64)) & 1) tokens.push_back(token);
    EXPECT_EQ(tokens.size(), mask.count);
    return tokens;
}

TEST(TokenTrie, ListsTokensBelowTheirBytes) {
    std::vector<std::string> texts = {"b", "ab", "", "a", "abc", "ab", "\xe4\xb8\xad"};
    TokenTrie trie(texts);
    EXPECT_EQ(trie.node_count(), 7u);
    EXPECT_THAT(trie.TokensAt(0), ElementsAre(3));
    EXPECT_THAT(trie.TokensAt(1), ElementsAre(1, 5));
    EXPECT_THAT(trie.TokensFrom(0), ElementsAre(3, 1, 5, 4));
    EXPECT_EQ(trie.node(0).skip, 3u);
    EXPECT_TRUE(trie.node(0).plain_below);
    EXPECT_FALSE(trie.node(4).plain_below);  // within a character
}

TEST(Automaton, AllowsTokensThatSpanRules) {
    std::vector<std::string> texts = {"{", "\"", "\"a", "\":", "a",         "a\":1", "\":1}",
                                      "1", "}",  "}}",  "1}",  "{\"a\":1}", " ",     "x"};
    TokenTrie trie(texts);
    auto grammar = CompileOrFail(JsonSchema(Json::parse(
        R"({"properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false})")));
    Matcher matcher = MakeMatcher(grammar, trie);
    auto allowed = [&] { return TokensOf(**matcher.Allowed()); };
    EXPECT_THAT(allowed(), ElementsAre(0, 11));
    EXPECT_TRUE(*matcher.Accept("{"));
    EXPECT_THAT(allowed(), ElementsAre(1, 2, 12));
    EXPECT_TRUE(*matcher.Accept("\""));
    EXPECT_THAT(allowed(), ElementsAre(4, 5));
    EXPECT_TRUE(*matcher.Accept("a"));
    EXPECT_THAT(allowed(), ElementsAre(1, 3, 6));
    EXPECT_FALSE(matcher.complete());
    EXPECT_TRUE(*matcher.Accept("\":1}"));
    EXPECT_TRUE(matcher.complete());
    EXPECT_TRUE(matcher.finished());
    EXPECT_THAT(allowed(), IsEmpty());
    EXPECT_FALSE(*matcher.Accept("}"));
}

// The mask must be what trying each token by itself gives.
TEST(Automaton, AgreesWithTryingEveryToken) {
    std::mt19937 random(3);
    std::vector<std::string> texts;
    const std::string alphabet = "ab\"{}[]:,1 \\n.-e\xc3\xa9";
    for (int i = 0; i < 600; ++i) {
        std::string text;
        for (size_t length = 1 + random() % 4; text.size() < length;)
            text += alphabet[random() % alphabet.size()];
        texts.push_back(text);
    }
    for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
    TokenTrie trie(texts);
    for (const Expression& expression :
         {JsonObject(), *Regex("[^\"]*\"(a|b)*"), *Gbnf(R"gbnf(root ::= "[" item* "]"
                                                               item ::= [^,\]]+ ","?)gbnf")}) {
        auto grammar = CompileOrFail(expression);
        for (int run = 0; run < 12; ++run) {
            auto automaton = std::make_shared<Automaton>(grammar, trie);
            Matcher matcher(automaton);
            for (int step = 0; step < 15 && !matcher.finished(); ++step) {
                auto mask = matcher.Allowed();
                ASSERT_TRUE(mask.has_value());
                std::vector<std::string> allowed;
                for (size_t token = 0; token < texts.size(); ++token) {
                    Matcher trial(matcher);
                    bool fits = *trial.Accept(texts[token]);
                    ASSERT_EQ(((*mask)->bits[token / 64] >> (token % 64)) & 1, fits)
                        << matcher.text() << " + " << texts[token];
                    if (fits) allowed.push_back(texts[token]);
                }
                if (allowed.empty()) break;
                ASSERT_TRUE(*matcher.Accept(allowed[random() % allowed.size()]));
            }
        }
    }
}

TEST(Automaton, FindsItsPlaceAgainAfterItHadToForget) {
    auto grammar = CompileOrFail(JsonObject());
    auto small = std::make_shared<Automaton>(grammar, ByteTrie(), AutomatonOptions{20000});
    Matcher first(small);
    Matcher second(small);
    const std::string text = R"({"a":[1,{"b":"x\u00e9"},[[[]]]],"c":{}})";
    for (char c : text) {
        EXPECT_GT((*first.Allowed())->count, 0u);
        EXPECT_TRUE(*first.Accept({&c, 1}));
        EXPECT_TRUE(*second.Accept({&c, 1}));
        EXPECT_TRUE(second.Allowed().has_value());
    }
    EXPECT_TRUE(first.finished());
    EXPECT_TRUE(second.finished());
}

TEST(Automaton, RefusesToFollowGrammarsThatAreAmbiguousWithoutEnd) {
    // Every split of the a's into nested pairs is a stack of its own.
    auto grammar = CompileOrFail(Gbnf(R"gbnf(
root ::= s "!"
s ::= "a" | "a" s s | "a" s s s
)gbnf"));
    Matcher matcher = MakeMatcher(grammar);
    std::string message;
    for (int i = 0; i < 5000 && message.empty(); ++i) {
        auto accepted = matcher.Accept("a");
        if (!accepted) message = accepted.error().message;
    }
    EXPECT_THAT(message, HasSubstr("too ambiguous"));
}

TEST(Automaton, DoesNotGrowItsStacksWithRecursionAtTheEnd) {
    auto grammar = CompileOrFail(Gbnf("root ::= \"a\" root | \"b\""));
    Matcher matcher = MakeMatcher(grammar);
    auto automaton = std::make_shared<Automaton>(grammar, ByteTrie());
    Matcher again(automaton);
    EXPECT_TRUE(*again.Accept("aaa"));
    size_t bytes = automaton->bytes();
    EXPECT_TRUE(*again.Accept(std::string(10000, 'a')));
    EXPECT_EQ(automaton->bytes(), bytes);
}

}  // namespace
}  // namespace lathe::constraint
