// What is done as Python does it; the expected values come from CPython 3.11.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "learn/eval/python_literal.h"
#include "learn/eval/python_random.h"

namespace lathe::eval {
namespace {

using ::testing::ElementsAre;

TEST(PythonRandom, DrawsWhatCPythonDraws) {
    PythonRandom random(1234);
    EXPECT_EQ(random.Random(), 0.9664535356921388);
    EXPECT_EQ(random.Random(), 0.4407325991753527);
    EXPECT_EQ(random.Random(), 0.007491470058587191);
    PythonRandom five(5);
    EXPECT_EQ(five.Below(uint64_t{1} << 40), 561021090885u);
    EXPECT_EQ(five.Below(uint64_t{1} << 40), 789164966041u);
}

TEST(PythonRandom, SamplesWhatCPythonSamples) {
    PythonRandom random(1234);
    EXPECT_THAT(random.Sample(10, 4), ElementsAre(7, 1, 0, 9));
    EXPECT_THAT(random.Sample(1000, 5), ElementsAre(932, 965, 961, 826, 596));
    EXPECT_THAT(random.Sample(100000, 8),
                ElementsAre(4577, 88023, 90844, 11001, 12900, 46482, 31039, 2284));
    PythonRandom large((uint64_t{1} << 40) + 7);
    EXPECT_THAT(large.Sample(50, 3), ElementsAre(39, 47, 40));
    EXPECT_EQ(large.Random(), 0.5703906991004561);
}

TEST(PythonLiteral, ReadsListsOfTextsAndNumbers) {
    EXPECT_EQ(ParsePythonLiteral(R"(['a', "it's", 'it\'s', 'ü\n', 1, -2.5, True, None])"),
              (Json{"a", "it's", "it's", "ü\n", 1, -2.5, true, nullptr}));
    EXPECT_EQ(ParsePythonLiteral("[('a', 'b'), ['c'], {'k': 1}, ('x'), (1,)]"),
              (Json{{"a", "b"}, {"c"}, {{"k", 1}}, "x", Json::array({1})}));
    EXPECT_EQ(ParsePythonLiteral("['a' 'b',]"), Json::array({"ab"}));
    EXPECT_EQ(ParsePythonLiteral(R"('\x41\u00e9\101')"), Json("Aé"
                                                              "A"));
}

TEST(PythonLiteral, IsNothingForAnythingElse) {
    for (std::string_view text : {"", "[", "[a]", "f()", "['a' 1]", "[1 2]", "'a", "1.2.3", "007",
                                  "['a']x", "{1: 2}", "-", "1e999", "99999999999999999999"})
        EXPECT_EQ(ParsePythonLiteral(text), std::nullopt) << text;
    EXPECT_EQ(ParsePythonLiteral(std::string(100000, '[')), std::nullopt);
}

TEST(PythonLiteral, WritesWhatStrWrites) {
    EXPECT_EQ(PythonStr("a"), "a");
    EXPECT_EQ(PythonStr(3), "3");
    EXPECT_EQ(PythonStr(-1.5451982021331787), "-1.5451982021331787");
    EXPECT_EQ(PythonStr(true), "True");
    EXPECT_EQ(PythonStr(Json{"a", 1, nullptr}), "['a', 1, None]");
}

}  // namespace
}  // namespace lathe::eval
