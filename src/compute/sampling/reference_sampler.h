// For tests: the definition of every sampling parameter, in double precision with
// full sorts, as plainly as it can be written.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include "compute/sampling/params.h"

namespace lathe::sampling::reference {

// A token that passed the filters, with its probability among those that did.
struct Outcome {
    TokenId token;
    double probability;
};

inline std::vector<double> Penalize(std::span<const float> logits, const SamplingParams& params,
                                    std::span<const TokenId> prompt, std::span<const TokenId> text,
                                    std::span<const TokenId> banned) {
    std::vector<double> z(logits.begin(), logits.end());
    for (TokenId token : banned) z[token] = -std::numeric_limits<double>::infinity();
    for (auto [token, bias] : params.logit_bias) z[token] += bias;
    std::map<TokenId, int> counts;
    for (TokenId token : text) ++counts[token];
    std::set<TokenId> seen(prompt.begin(), prompt.end());
    seen.insert(text.begin(), text.end());
    for (TokenId token : seen)
        z[token] = z[token] > 0 ? z[token] / params.repetition_penalty
                                : z[token] * params.repetition_penalty;
    for (auto [token, count] : counts)
        z[token] -= double{params.frequency_penalty} * count + params.presence_penalty;
    return z;
}

inline void Normalize(std::vector<Outcome>& outcomes) {
    double sum = 0;
    for (const Outcome& o : outcomes) sum += o.probability;
    for (Outcome& o : outcomes) o.probability /= sum;
}

// Drops everything after the probabilities have summed to `mass`.
inline void KeepMass(std::vector<Outcome>& outcomes, double mass) {
    double sum = 0;
    size_t count = 0;
    while (count < outcomes.size() && sum < mass) sum += outcomes[count++].probability;
    outcomes.resize(std::max<size_t>(count, 1));
}

// What may follow, by rising id, with probabilities that sum to 1.
inline std::vector<Outcome> Outcomes(std::span<const double> z, const SamplingParams& params) {
    double max = *std::max_element(z.begin(), z.end());
    std::vector<Outcome> kept;
    if (params.temperature == 0) {
        auto best = std::find(z.begin(), z.end(), max) - z.begin();
        return {{static_cast<TokenId>(best), 1}};
    }
    for (size_t i = 0; i < z.size(); ++i)
        kept.push_back({static_cast<TokenId>(i), std::exp((z[i] - max) / params.temperature)});
    // Sorted by logit: probabilities far from the best are equal to 0.
    std::sort(kept.begin(), kept.end(), [&](const Outcome& a, const Outcome& b) {
        return z[a.token] != z[b.token] ? z[a.token] > z[b.token] : a.token < b.token;
    });
    std::erase_if(kept, [&](const Outcome& o) { return std::isinf(z[o.token]); });
    if (params.top_k > 0 && kept.size() > static_cast<size_t>(params.top_k))
        kept.resize(static_cast<size_t>(params.top_k));
    Normalize(kept);
    if (params.top_p < 1) KeepMass(kept, params.top_p);
    double least = params.min_p * kept.front().probability;
    std::erase_if(kept, [&](const Outcome& o) { return o.probability < least; });
    Normalize(kept);
    if (params.typical_p < 1) {
        double entropy = 0;
        for (const Outcome& o : kept)
            if (o.probability > 0) entropy -= o.probability * std::log(o.probability);
        auto distance = [&](const Outcome& o) {
            return std::abs(-std::log(o.probability) - entropy);
        };
        std::sort(kept.begin(), kept.end(), [&](const Outcome& a, const Outcome& b) {
            return distance(a) != distance(b) ? distance(a) < distance(b) : a.token < b.token;
        });
        KeepMass(kept, params.typical_p);
        Normalize(kept);
    }
    std::sort(kept.begin(), kept.end(),
              [](const Outcome& a, const Outcome& b) { return a.token < b.token; });
    return kept;
}

// The tokens that a uniform draw may mean: one, or two if it falls on their border
// within the precision of the fast path.
inline std::vector<TokenId> Choices(const std::vector<Outcome>& outcomes, double uniform,
                                    double tolerance = 1e-5) {
    std::vector<TokenId> choices;
    double sum = 0;
    for (const Outcome& o : outcomes) {
        if (sum - tolerance <= uniform && uniform < sum + o.probability + tolerance)
            choices.push_back(o.token);
        sum += o.probability;
    }
    return choices;
}

}  // namespace lathe::sampling::reference
