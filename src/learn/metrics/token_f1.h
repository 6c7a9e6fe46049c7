// Overlap of the words of a short answer with those of the expected one.
//
// Thread-safe: free functions only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::metrics {

enum class AnswerLanguage {
    // SQuAD's rules (Rajpurkar et al. 2016, evaluate-v2.0.py): lower case, ASCII
    // punctuation and the articles a, an, the removed, words between white space.
    kEnglish,
    // Lower case; punctuation, symbols and white space of all Unicode separate; each
    // ideograph is a word, other runs of letters and digits are words.
    kChinese,
};

// The words that count.
std::vector<std::string> AnswerWords(std::string_view answer, AnswerLanguage language);

// 2PR / (P + R) over the words as multisets, 0..1. Two answers without a word are equal (1).
double TokenF1(std::string_view answer, std::string_view expected, AnswerLanguage language);
// Whether the words and their order are equal: SQuAD's `exact`.
bool SameWords(std::string_view answer, std::string_view expected, AnswerLanguage language);

// The best over several expected answers; 0 if there are none.
double TokenF1(std::string_view answer, std::span<const std::string> expected,
               AnswerLanguage language);
bool SameWords(std::string_view answer, std::span<const std::string> expected,
               AnswerLanguage language);

}  // namespace lathe::metrics
