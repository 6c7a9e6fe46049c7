#include "compute/engine/draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string_view>

namespace lathe::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<TokenId> Text(std::string_view letters) {
    return {letters.begin(), letters.end()};
}

TEST(Drafter, GoesOnAsTheTextDidAfterTheSameThreeTokens) {
    Drafter drafter(100);
    EXPECT_THAT(drafter.Find(Text("xabcdef-abc")), ElementsAre('d', 'e', 'f'));
}

TEST(Drafter, PrefersThreeTokensToTwoAndTheNewestPlace) {
    Drafter three(100);
    EXPECT_THAT(three.Find(Text("abc123-zbc456-abc")), ElementsAre('1', '2', '3'));
    Drafter two(100);
    EXPECT_THAT(two.Find(Text("abc123-zbc456-ybc")), ElementsAre('4', '5', '6'));
    Drafter newest(100);
    EXPECT_THAT(newest.Find(Text("abc123-abc456-abc")), ElementsAre('4', '5', '6'));
}

TEST(Drafter, KnowsNothingOfWhatHasNotOccurred) {
    Drafter drafter(100);
    EXPECT_THAT(drafter.Find(Text("a")), IsEmpty());
    EXPECT_THAT(drafter.Find(Text("ab")), IsEmpty());
    EXPECT_THAT(drafter.Find(Text("abcdefgh")), IsEmpty());
    EXPECT_THAT(drafter.draft(), IsEmpty());
}

TEST(Drafter, ContinuesATextThatRepeatsItselfBeyondItsEnd) {
    Drafter drafter(100);
    EXPECT_THAT(drafter.Find(Text("-aaaa")), ElementsAre('a', 'a', 'a'));
    Drafter pairs(100);
    EXPECT_THAT(pairs.Find(Text("-ababa")), ElementsAre('b', 'a', 'b'));
}

TEST(Drafter, LearnsTheTextAsItGrows) {
    Drafter drafter(100);
    std::vector<TokenId> text = Text("abc1");
    EXPECT_THAT(drafter.Find(text), IsEmpty());
    for (char next : std::string_view("23ab")) {
        text.push_back(next);
        drafter.Find(text);
    }
    EXPECT_THAT(drafter.Find(text), ElementsAre('c', '1', '2'));
}

TEST(Drafter, GrowsWithDraftsThatWereRight) {
    Drafter drafter(100);
    std::vector<TokenId> text(20, 'a');
    EXPECT_THAT(drafter.Find(text), SizeIs(Drafter::kDraftFirst));
    drafter.Observe(3, 3);
    EXPECT_THAT(drafter.Find(text), SizeIs(6));
    drafter.Observe(6, 6);
    EXPECT_THAT(drafter.Find(text), SizeIs(Drafter::kDraftMax));
    drafter.Observe(7, 2);
    EXPECT_THAT(drafter.Find(text), SizeIs(3)) << "one more than was right";
}

TEST(Drafter, RestsLongerAndLongerWhileItIsWrong) {
    Drafter drafter(1000);
    std::vector<TokenId> text(10, 'a');
    std::vector<size_t> drafted;  // lengths of the text at which there was a draft
    for (; text.size() < 400; text.push_back('a')) {
        if (drafter.Find(text).empty()) continue;
        drafted.push_back(text.size());
        drafter.Observe(drafter.draft().size(), 0);
    }
    ASSERT_GE(drafted.size(), 8u);
    EXPECT_EQ(drafted[1] - drafted[0], 1u) << "a shorter one first";
    std::vector<size_t> gaps(drafted.size());
    std::adjacent_difference(drafted.begin(), drafted.end(), gaps.begin());
    EXPECT_TRUE(std::is_sorted(gaps.begin() + 1, gaps.end()));
    EXPECT_GE(gaps.back(), Drafter::kRestMax);
    EXPECT_LE(gaps.back(), Drafter::kRestMax + 2) << "but it tries again";
}

TEST(Drafter, FindsOnlyWhatIsTrueInATextThatIsLongerThanItsTable) {
    Drafter drafter(16);
    std::vector<TokenId> text;
    for (TokenId i = 0; i < 500; ++i) text.push_back(i * i % 97);
    for (size_t length = 3; length <= text.size(); ++length) {
        auto known = std::span(text).first(length);
        auto draft = drafter.Find(known);
        if (draft.empty()) continue;
        std::vector<TokenId> wanted{known[length - 2], known[length - 1], draft[0]};
        EXPECT_FALSE(std::ranges::search(known, wanted).empty());
    }
}

}  // namespace
}  // namespace lathe::engine
