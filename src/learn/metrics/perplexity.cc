#include "learn/metrics/perplexity.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "learn/metrics/text.h"

namespace lathe::metrics {
namespace {

double LossPer(double log_likelihood, uint64_t units) {
    if (units == 0) return std::numeric_limits<double>::infinity();
    return -log_likelihood / static_cast<double>(units);
}

}  // namespace

TextLikelihood& TextLikelihood::operator+=(const TextLikelihood& other) {
    log_likelihood += other.log_likelihood;
    words += other.words;
    bytes += other.bytes;
    return *this;
}

TextLikelihood LikelihoodOf(std::string_view text, double log_likelihood) {
    return {.log_likelihood = log_likelihood, .words = CountWords(text), .bytes = text.size()};
}

uint64_t CountWords(std::string_view text) {
    uint64_t separators = 0;
    bool in_space = false;
    for (char32_t character : CodePoints(text)) {
        bool space = IsSpace(character);
        if (space && !in_space) ++separators;
        in_space = space;
    }
    return separators + 1;
}

double WordPerplexity(const TextLikelihood& likelihood) {
    return std::exp(LossPer(likelihood.log_likelihood, likelihood.words));
}

double BytePerplexity(const TextLikelihood& likelihood) {
    return std::exp(LossPer(likelihood.log_likelihood, likelihood.bytes));
}

double BitsPerByte(const TextLikelihood& likelihood) {
    return LossPer(likelihood.log_likelihood, likelihood.bytes) / std::numbers::ln2;
}

}  // namespace lathe::metrics
