#include "compute/constraint/grammar.h"

#include <gmock/gmock.h>

#include "compute/constraint/constraint_fixture.h"

namespace lathe::constraint {
namespace {

using ::testing::HasSubstr;

bool Accepts(const Expression& expression, std::string_view text) {
    return Matches(CompileOrFail(expression), text);
}

TEST(Expression, MatchesLiteralsSequencesAndAlternatives) {
    Expression expression =
        Sequence({Literal("a"), Either({Literal("bc"), Literal("d")}), Optional(Literal("e"))});
    for (auto text : {"abc", "ad", "abce", "ade"}) EXPECT_TRUE(Accepts(expression, text)) << text;
    for (auto text : {"", "a", "ab", "abd", "abcee"})
        EXPECT_FALSE(Accepts(expression, text)) << text;
}

TEST(Expression, RepeatsBetweenItsBounds) {
    Expression expression = Repeat(Literal("ab"), 2, 3);
    EXPECT_FALSE(Accepts(expression, "ab"));
    EXPECT_TRUE(Accepts(expression, "abab"));
    EXPECT_TRUE(Accepts(expression, "ababab"));
    EXPECT_FALSE(Accepts(expression, "abababab"));
    EXPECT_TRUE(Accepts(Repeat(Literal("x"), 0), std::string(50, 'x')));
    EXPECT_TRUE(Accepts(Repeat(Literal("x"), 0), ""));
    EXPECT_TRUE(Accepts(Repeat(Repeat(Literal("x"), 0), 0), "xxx"));
    EXPECT_FALSE(Accepts(Repeat(Literal("x"), 1), ""));
}

TEST(Expression, MatchesCodePointsOfAllLengthsAsUtf8) {
    Expression any = CharClass({{0, kCodePointMax}});
    for (auto text : {"a", "\u00e9", "\u4e2d", "\U0001F600", "\x7f"})
        EXPECT_TRUE(Accepts(any, text)) << text;
    for (auto text : {"\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "ab"})
        EXPECT_FALSE(Accepts(any, text)) << text;
    Expression some = CharClass({{0x7E, 0x801}, {0xFFF0, 0x10010}});
    EXPECT_TRUE(Accepts(some, "\u0800"));
    EXPECT_FALSE(Accepts(some, "\u0802"));
    EXPECT_TRUE(Accepts(some, "\U00010010"));
    EXPECT_FALSE(Accepts(some, "\U00010011"));
}

TEST(Expression, KnowsEveryCodePointOfAComplement) {
    std::vector<CodePointRange> ranges = {{'b', 'y'}, {0x100, 0x2FFF}, {0x10000, 0x10FFFF}};
    auto inside = CompileOrFail(CharClass(ranges));
    auto outside = CompileOrFail(CharClass(Complement(ranges)));
    for (char32_t c : {U'a', U'b', U'y', U'z', U'\u00ff', U'\u0100', U'\u2fff', U'\u3000',
                       U'\uffff', U'\U00010000', U'\U0010ffff'}) {
        std::string text;
        if (c < 0x80) {
            text = static_cast<char>(c);
        } else if (c < 0x800) {
            text = {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
        } else if (c < 0x10000) {
            text = {static_cast<char>(0xE0 | (c >> 12)),
                    static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
                    static_cast<char>(0x80 | (c & 0x3F))};
        } else {
            text = {
                static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3F)),
                static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
        }
        EXPECT_NE(Matches(inside, text), Matches(outside, text)) << static_cast<uint32_t>(c);
    }
}

TEST(Expression, ListsItemsWithSeparatorsBetweenThoseThatAreThere) {
    Expression list = List(
        {{Literal("a"), false}, {Literal("b"), true}, {Literal("c"), false, true}}, Literal(","));
    for (auto text : {"b", "a,b", "b,c", "a,b,c,c"}) EXPECT_TRUE(Accepts(list, text)) << text;
    for (auto text : {"", "a", "a,c", ",b", "b,", "ab", "b,c,", "c"})
        EXPECT_FALSE(Accepts(list, text)) << text;
    Expression some =
        List({{Literal("a"), false}, {Literal("b"), false}}, Literal(","), ListSize::kNotEmpty);
    EXPECT_FALSE(Accepts(some, ""));
    EXPECT_TRUE(Accepts(some, "b"));
    EXPECT_TRUE(Accepts(some, "a,b"));
}

TEST(Expression, IntersectsAndSubtracts) {
    Expression words = Repeat(CharClass({{'a', 'c'}}), 1, 3);
    Expression with_b = Sequence(
        {Repeat(CharClass({{'a', 'z'}}), 0), Literal("b"), Repeat(CharClass({{'a', 'z'}}), 0)});
    EXPECT_TRUE(Accepts(Both(words, with_b), "ab"));
    EXPECT_FALSE(Accepts(Both(words, with_b), "ac"));
    EXPECT_FALSE(Accepts(Both(words, with_b), "abab"));
    EXPECT_TRUE(Accepts(Except(words, with_b), "ac"));
    EXPECT_FALSE(Accepts(Except(words, with_b), "ab"));
}

TEST(Expression, FollowsRecursiveRules) {
    RuleSet rules;
    auto nested = rules.Declare("nested");
    rules.Define(nested,
                 Either({Literal("x"), Sequence({Literal("("), rules.Use(nested), Literal(")")})}));
    Expression whole = rules.Close(rules.Use(nested));
    EXPECT_TRUE(Accepts(whole, "x"));
    EXPECT_TRUE(Accepts(whole, "(((x)))"));
    EXPECT_FALSE(Accepts(whole, "((x)"));
    EXPECT_FALSE(Accepts(whole, "(x))"));
}

TEST(Compile, RefusesWhatMatchesNothing) {
    EXPECT_THAT(Refusal(Nothing()), HasSubstr("matches no text"));
    EXPECT_THAT(Refusal(Both(Literal("a"), Literal("b"))), HasSubstr("matches no text"));
    RuleSet rules;
    auto endless = rules.Declare("endless");
    rules.Define(endless, Sequence({Literal("a"), rules.Use(endless)}));
    EXPECT_THAT(Refusal(rules.Close(rules.Use(endless))), HasSubstr("matches no text"));
}

TEST(Compile, RefusesLeftRecursionAlsoBehindWhatMayBeEmpty) {
    RuleSet rules;
    auto list = rules.Declare("list");
    rules.Define(list, Either({Literal("a"),
                               Sequence({Optional(Literal("x")), rules.Use(list), Literal("b")})}));
    EXPECT_THAT(Refusal(rules.Close(rules.Use(list))), HasSubstr("\"list\" may begin with itself"));
}

TEST(Compile, RefusesGrammarsThatExplode) {
    Expression wide = Repeat(Repeat(Repeat(CharClass({{'a', 'z'}}), 0, 1000), 0, 1000), 0, 1000);
    EXPECT_THAT(Refusal(wide), HasSubstr("too large"));
    // 2^40 states if it were determinized.
    Expression any = CharClass({{'a', 'b'}});
    EXPECT_THAT(Refusal(Sequence({Repeat(any, 0), Literal("a"), Repeat(any, 40, 40)})),
                HasSubstr("too large"));
}

TEST(Compile, JoinsPartsAsToolCallsNeedThem) {
    auto schema = JsonSchema(Json::parse(R"({"type":"object","properties":{"x":{"type":"integer"}},
                                             "required":["x"],"additionalProperties":false})"));
    ASSERT_TRUE(schema.has_value());
    Expression call = Sequence({Literal("<call>"), *schema, Literal("</call>")});
    EXPECT_TRUE(Accepts(Repeat(call, 1, 2), R"(<call>{"x":1}</call><call>{"x": -20}</call>)"));
    EXPECT_FALSE(Accepts(Repeat(call, 1, 2), R"(<call>{"x":"1"}</call>)"));
}

TEST(Choice, MatchesOneOfTheTexts) {
    std::vector<std::string> texts = {"yes", "yesterday", "\u5426"};
    auto grammar = CompileOrFail(Choice(texts));
    for (const auto& text : texts) EXPECT_TRUE(Matches(grammar, text));
    EXPECT_FALSE(Matches(grammar, "yest"));
    EXPECT_THAT(Refusal(Choice(std::vector<std::string>{})), HasSubstr("nothing to choose"));
    EXPECT_THAT(Refusal(Choice(std::vector<std::string>{"\xff"})), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace lathe::constraint
