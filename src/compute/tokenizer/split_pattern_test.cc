#include "compute/tokenizer/split_pattern.h"

#include <gtest/gtest.h>

#include <fstream>

#include "compute/tokenizer/pre_tokenizer.h"
#include "compute/tokenizer/presets.h"
#include "core/json/json.h"
#include "support/paths.h"

namespace lathe::tokenizer {
namespace {

std::vector<std::string> Matches(std::string_view expression, std::string_view text) {
    auto pattern = SplitPattern::Compile(expression);
    EXPECT_TRUE(pattern) << pattern.error().message;
    std::vector<std::string> matches;
    SplitMatcher matcher(*pattern, text);
    size_t at = 0;
    while (auto match = matcher.Find(at)) {
        matches.emplace_back(text.substr(match->begin, match->end - match->begin));
        at = match->end;
    }
    return matches;
}

using Strings = std::vector<std::string>;

TEST(SplitPattern, TakesTheFirstAlternativeThatMatches) {
    EXPECT_EQ(Matches("ab|a|abc", "abc a"), (Strings{"ab", "a"}));
}

TEST(SplitPattern, GivesBackCharactersUntilTheRestMatches) {
    EXPECT_EQ(Matches(R"(\s*[\r\n]+)", "a \n \n  b"), (Strings{" \n \n"}));
    EXPECT_EQ(Matches(R"(\s+(?!\S))", "a   b  "), (Strings{"  ", "  "}));
    EXPECT_EQ(Matches(R"([a-z]*[m-z]+x)", "abmxxq"), (Strings{"abmxx"}));
    EXPECT_EQ(Matches(R"([a-z]{1,3}c)", "abcc"), (Strings{"abcc"}));
}

TEST(SplitPattern, PossessiveRepetitionsGiveNothingBack) {
    EXPECT_EQ(Matches(R"([a-z]++z)", "abz"), Strings{});
    EXPECT_EQ(Matches(R"([a-z]?+b)", "b ab"), (Strings{"ab"}));
}

TEST(SplitPattern, IgnoringCaseFindsTheLongS) {
    EXPECT_EQ(Matches("(?i:'s|'ll)", "'S 'Ll '\u017F"), (Strings{"'S", "'Ll", "'\u017F"}));
}

TEST(SplitPattern, ClassesCombinePropertiesRangesAndEscapes) {
    EXPECT_EQ(Matches(R"([^\s\p{L}\-\]]+)", "a-1]2 é3"), (Strings{"1", "2", "3"}));
    EXPECT_EQ(Matches(R"([一-龥\d]+)", "我a1٣我"), (Strings{"我", "1٣我"}));
    EXPECT_EQ(Matches(R"(\P{L}+)", "ab12c"), (Strings{"12"}));
}

TEST(SplitPattern, EndMatchesAtTheEndAndBeforeALineBreak) {
    EXPECT_EQ(Matches(R"(\s+$)", "a  b  "), (Strings{"  "}));
    EXPECT_EQ(Matches("a$", "a\na b"), (Strings{"a"}));
}

TEST(SplitPattern, RefusesWhatItDoesNotKnowAndNamesIt) {
    for (const char* expression :
         {"(?<=a)b", "a*",     "(ab)+", "a|",   "[a",     "\\p{Han}", "a+?",    "(?i:a+)",
          "\\1",     "a{2,1}", "^a",    "(?:)", "[a[b]]", "[a&&b]",   "a{999}", "\\",
          "x(?!ab)", "[z-a]",  "*",     "a**",  "(?:a",   ""}) {
        auto pattern = SplitPattern::Compile(expression);
        ASSERT_FALSE(pattern) << expression;
        EXPECT_NE(pattern.error().message.find("not supported"), std::string::npos);
    }
    EXPECT_FALSE(SplitPattern::Compile(std::string(SplitPattern::kBytesMax + 1, 'a')));
    EXPECT_FALSE(SplitPattern::Compile("\xff"));
}

// How the steps cut `text`: one base-36 digit per piece, its length in characters.
std::string Cut(const PreTokenizer& pre_tokenizer, std::string text) {
    std::vector<TextRange> pieces;
    pre_tokenizer.Run(text, /*at_text_start=*/true, pieces);
    std::string cut;
    for (TextRange piece : pieces) {
        size_t length = 0;
        for (size_t at = piece.begin; at < piece.end; at += CodePointAt(text, at).bytes) ++length;
        cut += "0123456789abcdefghijklmnopqrstuvwxyz"[std::min<size_t>(length, 35)];
    }
    return cut;
}

TEST(Presets, CutRandomTextAsThePublishedExpressionsDo) {
    std::ifstream lines(testing_support::Golden("tokenizers/splits.jsonl"));
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    auto header = ParseJson(line);
    ASSERT_TRUE(header) << header.error().message;
    std::vector<PreTokenizer> pre_tokenizers;
    for (const auto& [name, expressions] : (*header)["presets"].items()) {
        const BpePreset* preset = FindBpePreset(name);
        ASSERT_NE(preset, nullptr) << name;
        EXPECT_EQ(Strings(preset->expressions.begin(), preset->expressions.end()),
                  expressions.get<Strings>());
        pre_tokenizers.emplace_back(IsolateSteps(preset->expressions));
    }
    size_t count = 0;
    for (; std::getline(lines, line); ++count) {
        auto golden = ParseJson(line);
        ASSERT_TRUE(golden) << golden.error().message;
        std::string cuts;
        for (const PreTokenizer& pre_tokenizer : pre_tokenizers)
            cuts += (cuts.empty() ? "" : " ") + Cut(pre_tokenizer, (*golden)["text"]);
        EXPECT_EQ(cuts, (*golden)["cut"].get<std::string>()) << line;
    }
    EXPECT_GE(count, 1000u);
}

TEST(Presets, EveryPresetCompilesAndIsFoundByItsNames) {
    for (const BpePreset& preset : BpePresets()) {
        for (std::string_view alias : preset.aliases) EXPECT_EQ(FindBpePreset(alias), &preset);
        EXPECT_EQ(IsolateSteps(preset.expressions).size(), preset.expressions.size());
    }
    EXPECT_EQ(FindBpePreset("no-such"), nullptr);
}

}  // namespace
}  // namespace lathe::tokenizer
