// Perplexities of texts from their log-likelihoods, by lm-evaluation-harness's definitions.
//
// Thread-safe: free functions only. Log-likelihoods are natural logarithms.
#pragma once

#include <cstdint>
#include <string_view>

namespace lathe::metrics {

// What a model gave a text, or, added up, a corpus.
struct TextLikelihood {
    double log_likelihood = 0;
    uint64_t words = 0;
    uint64_t bytes = 0;  // of the UTF-8

    TextLikelihood& operator+=(const TextLikelihood& other);
};

TextLikelihood LikelihoodOf(std::string_view text, double log_likelihood);

// The pieces that re.split(r"\s+", text) gives: white space at an end counts for one more.
uint64_t CountWords(std::string_view text);

// exp(-log-likelihood per word), per byte; bits per byte. Infinite without a word or byte.
double WordPerplexity(const TextLikelihood& likelihood);
double BytePerplexity(const TextLikelihood& likelihood);
double BitsPerByte(const TextLikelihood& likelihood);

}  // namespace lathe::metrics
