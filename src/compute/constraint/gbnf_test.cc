#include <gmock/gmock.h>

#include "compute/constraint/constraint_fixture.h"

namespace lathe::constraint {
namespace {

using ::testing::HasSubstr;

bool Accepts(std::string_view grammar, std::string_view text) {
    return Matches(CompileOrFail(Gbnf(grammar)), text);
}

TEST(Gbnf, ReadsRulesAlternativesGroupsAndRepetitions) {
    constexpr std::string_view kGrammar = R"gbnf(
# a list of calls
root  ::= call ("," ws call)*   # at least one
call  ::= name "(" [0-9]{1,3} ")" |
          "nop"
name  ::= [a-z] [a-z0-9_-]+ [!?]?
ws    ::= [ \t\n]*
)gbnf";
    for (auto text : {"nop", "ab(1)", "a1!(123), nop,nop"})
        EXPECT_TRUE(Accepts(kGrammar, text)) << text;
    for (auto text : {"", "a(1)", "ab(1234)", "nop,"})
        EXPECT_FALSE(Accepts(kGrammar, text)) << text;
}

TEST(Gbnf, ReadsEscapesAndAnyCharacter) {
    EXPECT_TRUE(Accepts(R"(root ::= "\"\\\n\x41\u4e2d\U0001F600")", "\"\\\nA\u4e2d\U0001F600"));
    EXPECT_TRUE(Accepts(R"(root ::= [^\]\-a]+)", "b[\u4e2d"));
    EXPECT_FALSE(Accepts(R"(root ::= [^\]\-a]+)", "b]"));
    EXPECT_TRUE(Accepts("root ::= . .", "\n\u4e2d"));
}

TEST(Gbnf, ReadsCountsInAllForms) {
    EXPECT_TRUE(Accepts("root ::= \"a\"{3}", "aaa"));
    EXPECT_TRUE(Accepts("root ::= \"a\"{2,}", "aaaa"));
    EXPECT_TRUE(Accepts("root ::= \"a\"{,2}", ""));
    EXPECT_FALSE(Accepts("root ::= \"a\"{1,2}", "aaa"));
}

TEST(Gbnf, FollowsRecursion) {
    constexpr std::string_view kGrammar = R"gbnf(
root ::= sum
sum  ::= term ("+" sum)?
term ::= [0-9]+ | "(" sum ")"
)gbnf";
    EXPECT_TRUE(Accepts(kGrammar, "1+(2+(3))+45"));
    EXPECT_FALSE(Accepts(kGrammar, "1+(2"));
}

TEST(Gbnf, NamesTheLineOfAnError) {
    auto refusal = [](std::string_view text) { return Refusal(Gbnf(text)); };
    EXPECT_THAT(refusal("a ::= \"x\""), HasSubstr("no rule \"root\""));
    EXPECT_THAT(refusal("root ::= a\nb ::= \"x\""),
                HasSubstr("line 1 of the grammar: there is no rule \"a\""));
    EXPECT_THAT(refusal("root ::= \"x\"\nroot ::= \"y\""),
                HasSubstr("line 2 of the grammar: this rule is defined twice"));
    EXPECT_THAT(refusal("root = \"x\""), HasSubstr("::= was expected"));
    EXPECT_THAT(refusal("root ::= \"x"), HasSubstr("no \" at its end"));
    EXPECT_THAT(refusal("root ::= [x"), HasSubstr("no ]"));
    EXPECT_THAT(refusal("root ::= (\"x\""), HasSubstr("no )"));
    EXPECT_THAT(refusal("root ::= \"\\q\""), HasSubstr("no such escape"));
    EXPECT_THAT(refusal("root ::= \"x\"{3,1}"), HasSubstr("larger count first"));
    EXPECT_THAT(refusal("root ::= \"x\"{99999}"), HasSubstr("2000"));
    EXPECT_THAT(refusal("root ::= root \"x\" | \"y\""), HasSubstr("left recursion"));
    EXPECT_THAT(refusal("root ::= \"x\" root"), HasSubstr("matches no text"));
    EXPECT_THAT(refusal("root ::= \"x\" <[12]>"), HasSubstr("end of the line"));
    EXPECT_THAT(refusal("root ::= " + std::string(300, '(')), HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace lathe::constraint
