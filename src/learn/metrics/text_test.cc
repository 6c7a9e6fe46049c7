#include "learn/metrics/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "learn/metrics/exact_match.h"
#include "learn/metrics/perplexity.h"

namespace lathe::metrics {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, SplitsAtPythonsWhiteSpace) {
    EXPECT_THAT(SplitWords("  a\x1c"
                           "b\u00a0c\u3000\u2028d"),
                ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(SplitWords(" \t\n "), IsEmpty());
    EXPECT_THAT(SplitWords(""), IsEmpty());
    // A zero-width space is no space there.
    EXPECT_THAT(SplitWords("a\u200bb"), ElementsAre("a\u200bb"));
}

TEST(Text, StripsBothEndsOrTheRightOne) {
    EXPECT_EQ(Strip("\u3000 a b\n"), "a b");
    EXPECT_EQ(StripRight("\u3000 a b\n"), "\u3000 a b");
    EXPECT_EQ(Strip(" \n"), "");
}

TEST(Text, LowersWithTheFullMapping) {
    EXPECT_EQ(Lowercase("ÀΣΟΦΟΣ İ"), "àσοφος i\u0307");
}

TEST(Text, BytesThatAreNotUtf8CountAsReplacements) {
    EXPECT_EQ(CodePoints("a\xff\xe4\xbd"), U"a\ufffd\ufffd");
    EXPECT_EQ(Utf8(CodePoints("𠀀字")), "𠀀字");
}

Pattern Compiled(std::string_view text) {
    auto pattern = Pattern::Compile(text);
    EXPECT_TRUE(pattern) << pattern.error().message;
    return std::move(*pattern);
}

TEST(ExactMatch, ComparesTextsAsTheyStandByDefault) {
    EXPECT_TRUE(*ExactMatch().Matches("Paris", "Paris"));
    EXPECT_FALSE(*ExactMatch().Matches("paris", "Paris"));
    EXPECT_FALSE(*ExactMatch().Matches("Paris ", "Paris"));
}

TEST(ExactMatch, TreatsBothSidesAsTheOptionsSay) {
    ExactMatchOptions options{.ignore_case = true, .ignore_punctuation = true};
    // As in the field's task for GSM8K.
    for (std::string_view pattern : {",", "\\$", "(?s).*#### ", "\\.$"})
        options.ignored_patterns.push_back(Compiled(pattern));
    ExactMatch match(std::move(options));
    EXPECT_TRUE(*match.Matches("$1,234.", "So it is\n#### 1234"));
    EXPECT_TRUE(*match.Matches("It's", "its"));
    EXPECT_FALSE(*match.Matches("1235", "#### 1234"));

    ExactMatch numbers({.ignore_numbers = true});
    EXPECT_TRUE(*numbers.Matches("route 66", "route "));
}

TEST(Perplexity, CountsWordsAsReSplitDoes) {
    EXPECT_EQ(CountWords("one two\n\nthree"), 3u);
    EXPECT_EQ(CountWords(" one "), 3u);
    EXPECT_EQ(CountWords(""), 1u);
}

TEST(Perplexity, IsTheSameInEveryUnit) {
    TextLikelihood corpus = LikelihoodOf("ab cd", -10);
    corpus += LikelihoodOf("é", -4);
    EXPECT_EQ(corpus.words, 3u);
    EXPECT_EQ(corpus.bytes, 7u);
    EXPECT_DOUBLE_EQ(WordPerplexity(corpus), std::exp(14.0 / 3));
    EXPECT_DOUBLE_EQ(BytePerplexity(corpus), std::exp(2.0));
    EXPECT_DOUBLE_EQ(BitsPerByte(corpus), 2 / std::log(2.0));
    EXPECT_TRUE(std::isinf(BitsPerByte(TextLikelihood{})));
}

}  // namespace
}  // namespace lathe::metrics
