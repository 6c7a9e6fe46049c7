// ROUGE-N and ROUGE-L (Lin 2004) of one text, as the Python package rouge_score computes
// them: words are runs of a-z and 0-9 after lower-casing, all else separates. Texts in
// Chinese therefore have no words; RougeWords::kCharacters is for them.
//
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lathe::metrics {

enum class RougeWords {
    kPlain,
    kStemmed,     // words of more than three letters by their Porter stem
    kCharacters,  // as AnswerLanguage::kChinese of token_f1.h; not of rouge_score
};

struct Rouge {
    double precision = 0;  // 0..1
    double recall = 0;
    double f1 = 0;
};

struct RougeOptions {
    uint32_t order = 1;  // of n-grams; 0 is the longest common subsequence, ROUGE-L
    RougeWords words = RougeWords::kPlain;
};

inline constexpr uint32_t kLongestSubsequence = 0;

// ROUGE-L takes time in the product of both lengths.
Rouge ScoreRouge(std::string_view generated, std::string_view reference,
                 const RougeOptions& options = {});
// Against the reference with the best F1; zeros if there are none.
Rouge ScoreRouge(std::string_view generated, std::span<const std::string> references,
                 const RougeOptions& options = {});

}  // namespace lathe::metrics
