#include <algorithm>
#include <queue>

#include "learn/quant/search.h"

namespace lathe::quant {
namespace {

// What is gained for a byte by going from one choice to another.
double Slope(const TypeChoice& from, const TypeChoice& to) {
    return (from.divergence - to.divergence) / static_cast<double>(to.bytes - from.bytes);
}

}  // namespace

std::vector<TypeChoice> WorthTaking(std::vector<TypeChoice> choices) {
    std::ranges::sort(choices, [](const TypeChoice& a, const TypeChoice& b) {
        return a.bytes != b.bytes ? a.bytes < b.bytes : a.divergence < b.divergence;
    });
    std::vector<TypeChoice> hull;
    for (const TypeChoice& choice : choices) {
        if (!hull.empty() &&
            (choice.divergence >= hull.back().divergence || choice.bytes == hull.back().bytes))
            continue;
        while (hull.size() >= 2 &&
               Slope(hull[hull.size() - 2], hull.back()) <= Slope(hull.back(), choice))
            hull.pop_back();
        hull.push_back(choice);
    }
    return hull;
}

std::vector<size_t> Allocate(std::span<const std::vector<TypeChoice>> choices, uint64_t bytes_max,
                             double divergence_wanted) {
    std::vector<size_t> taken(choices.size(), 0);
    uint64_t bytes = 0;
    double divergence = 0;
    using Step = std::pair<double, size_t>;  // gain for a byte, matrix
    std::priority_queue<Step> steps;
    auto offer = [&](size_t matrix) {
        size_t at = taken[matrix];
        if (at + 1 < choices[matrix].size())
            steps.emplace(Slope(choices[matrix][at], choices[matrix][at + 1]), matrix);
    };
    for (size_t matrix = 0; matrix < choices.size(); ++matrix) {
        bytes += choices[matrix][0].bytes;
        divergence += choices[matrix][0].divergence;
        offer(matrix);
    }
    while (!steps.empty() && divergence > divergence_wanted) {
        size_t matrix = steps.top().second;
        steps.pop();
        const TypeChoice& now = choices[matrix][taken[matrix]];
        const TypeChoice& next = choices[matrix][taken[matrix] + 1];
        if (bytes + (next.bytes - now.bytes) > bytes_max) continue;
        bytes += next.bytes - now.bytes;
        divergence -= now.divergence - next.divergence;
        ++taken[matrix];
        offer(matrix);
    }
    return taken;
}

}  // namespace lathe::quant
