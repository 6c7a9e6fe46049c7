#include "learn/metrics/token_f1.h"

#include <algorithm>
#include <unordered_map>

#include "learn/metrics/text.h"

namespace lathe::metrics {
namespace {

// Replaces the articles that stand as words, \b(a|an|the)\b, by spaces. A word ends for
// \b at anything that is no \w, so that this is not the same as dropping split words.
std::u32string WithoutArticles(std::u32string_view text) {
    std::u32string out;
    for (size_t at = 0; at < text.size();) {
        if (!IsWordCharacter(text[at])) {
            out += text[at++];
            continue;
        }
        size_t end = at;
        while (end < text.size() && IsWordCharacter(text[end])) ++end;
        std::u32string_view word = text.substr(at, end - at);
        if (word == U"a" || word == U"an" || word == U"the")
            out += U' ';
        else
            out += word;
        at = end;
    }
    return out;
}

std::vector<std::string> EnglishWords(std::string_view answer) {
    std::u32string text = CodePoints(Lowercase(answer));
    std::erase_if(text, IsAsciiPunctuation);
    std::string normal = Utf8(WithoutArticles(text));
    std::vector<std::string_view> words = SplitWords(normal);
    return {words.begin(), words.end()};
}

std::vector<std::string> ChineseWords(std::string_view answer) {
    std::vector<std::string> words;
    std::u32string run;
    auto end_run = [&] {
        if (!run.empty()) words.push_back(Utf8(run));
        run.clear();
    };
    for (char32_t character : CodePoints(Lowercase(answer))) {
        bool ideograph = IsIdeograph(character);
        bool separates = IsSpace(character) || IsPunctuationOrSymbol(character);
        if (ideograph || separates) end_run();
        if (ideograph)
            words.push_back(Utf8(std::u32string(1, character)));
        else if (!separates)
            run += character;
    }
    end_run();
    return words;
}

}  // namespace

std::vector<std::string> AnswerWords(std::string_view answer, AnswerLanguage language) {
    return language == AnswerLanguage::kEnglish ? EnglishWords(answer) : ChineseWords(answer);
}

double TokenF1(std::string_view answer, std::string_view expected, AnswerLanguage language) {
    std::vector<std::string> given = AnswerWords(answer, language);
    std::vector<std::string> wanted = AnswerWords(expected, language);
    if (given.empty() || wanted.empty()) return given.empty() && wanted.empty() ? 1 : 0;
    std::unordered_map<std::string_view, size_t> left;
    for (const std::string& word : wanted) ++left[word];
    size_t same = 0;
    for (const std::string& word : given) {
        auto found = left.find(word);
        if (found == left.end() || found->second == 0) continue;
        --found->second;
        ++same;
    }
    if (same == 0) return 0;
    double precision = static_cast<double>(same) / static_cast<double>(given.size());
    double recall = static_cast<double>(same) / static_cast<double>(wanted.size());
    return 2 * precision * recall / (precision + recall);
}

bool SameWords(std::string_view answer, std::string_view expected, AnswerLanguage language) {
    return AnswerWords(answer, language) == AnswerWords(expected, language);
}

double TokenF1(std::string_view answer, std::span<const std::string> expected,
               AnswerLanguage language) {
    double best = 0;
    for (const std::string& one : expected) best = std::max(best, TokenF1(answer, one, language));
    return best;
}

bool SameWords(std::string_view answer, std::span<const std::string> expected,
               AnswerLanguage language) {
    return std::ranges::any_of(
        expected, [&](const std::string& one) { return SameWords(answer, one, language); });
}

}  // namespace lathe::metrics
