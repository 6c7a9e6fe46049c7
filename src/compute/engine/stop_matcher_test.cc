#include "compute/engine/stop_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace lathe::engine {
namespace {

struct Outcome {
    std::string text;
    std::string stop;  // "": none
    bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << '"' << outcome.text << "\" stopped by \"" << outcome.stop << '"';
}

Outcome Feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces,
             bool include_stop = false) {
    StopMatcher matcher(stops);
    Outcome outcome;
    for (const std::string& piece : pieces)
        if (const std::string* stop = matcher.Push(piece, include_stop, outcome.text)) {
            outcome.stop = *stop;
            return outcome;
        }
    matcher.Flush(outcome.text);
    return outcome;
}

TEST(StopMatcher, FindsAStopStringThatSpansPieces) {
    EXPECT_EQ(Feed({"\n\nUser:"}, {"Hi", "\n", "\nUs", "er", ": x"}), (Outcome{"Hi", "\n\nUser:"}));
    EXPECT_EQ(Feed({"\n\nUser:"}, {"Hi", "\n", "\nUs", "er", ": x"}, true),
              (Outcome{"Hi\n\nUser:", "\n\nUser:"}));
}

TEST(StopMatcher, HoldsBackOnlyWhatMayStillBecomeAStopString) {
    StopMatcher matcher(std::vector<std::string>{"<end>", "."});
    std::string out;
    EXPECT_EQ(matcher.Push("a<en", false, out), nullptr);
    EXPECT_EQ(out, "a");
    EXPECT_EQ(matcher.Push("ds", false, out), nullptr);
    EXPECT_EQ(out, "a<ends");
    EXPECT_EQ(matcher.Push("<", false, out), nullptr);
    EXPECT_EQ(out, "a<ends");
    matcher.Flush(out);
    EXPECT_EQ(out, "a<ends<");
}

TEST(StopMatcher, ChoosesTheMatchThatEndsFirstAndOfThoseTheLongest) {
    EXPECT_EQ(Feed({"b", "ab"}, {"xab"}), (Outcome{"x", "ab"}));
    EXPECT_EQ(Feed({"abcd", "bc"}, {"xabcd"}), (Outcome{"xa", "bc"}));
}

TEST(StopMatcher, FallsBackWithinARepetition) {
    EXPECT_EQ(Feed({"aab"}, {"a", "a", "a", "b", "c"}), (Outcome{"a", "aab"}));
    EXPECT_EQ(Feed({"abab!"}, {"ababab!"}), (Outcome{"ab", "abab!"}));
}

TEST(StopMatcher, LetsEverythingThroughWithoutStopStrings) {
    StopMatcher matcher;
    std::string out;
    EXPECT_EQ(matcher.Push("a\n", false, out), nullptr);
    EXPECT_EQ(out, "a\n");
}

// Against the plainest search, over all ways to cut a text of two letters.
TEST(StopMatcher, AgreesWithAPlainSearchHoweverTheTextIsCut) {
    std::mt19937 random(3);
    auto letters = [&](size_t count) {
        std::string text;
        while (text.size() < count) text += random() % 2 ? 'a' : 'b';
        return text;
    };
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::string> stops;
        for (size_t count = 1 + random() % 3; stops.size() < count;)
            stops.push_back(letters(1 + random() % 6));
        std::string text = letters(random() % 30);
        Outcome expected{text, ""};
        for (size_t end = 1; end <= text.size() && expected.stop.empty(); ++end)
            for (const std::string& stop : stops)
                if (text.substr(0, end).ends_with(stop) && stop.size() > expected.stop.size())
                    expected = {text.substr(0, end - stop.size()), stop};
        std::vector<std::string> pieces;
        for (size_t at = 0; at < text.size();) {
            size_t count = random() % 5;
            pieces.push_back(text.substr(at, count));
            at += count;
        }
        ASSERT_EQ(Feed(stops, pieces), expected) << "round " << round;
    }
}

}  // namespace
}  // namespace lathe::engine
