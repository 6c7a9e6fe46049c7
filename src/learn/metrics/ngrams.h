// Counts of n-grams, for metrics that compare them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lathe::metrics {

// Gives equal words equal numbers. One thread.
class WordNumbers {
public:
    // The words outlive this object.
    template <typename Words>
    std::vector<uint32_t> Of(const Words& words) {
        std::vector<uint32_t> numbers;
        numbers.reserve(words.size());
        for (std::string_view word : words)
            numbers.push_back(
                numbers_.try_emplace(word, static_cast<uint32_t>(numbers_.size())).first->second);
        return numbers;
    }

private:
    std::unordered_map<std::string_view, uint32_t> numbers_;
};

// How often each run of `n` neighbours occurs.
template <typename Item>
std::map<std::vector<Item>, uint64_t> CountNgrams(std::span<const Item> items, size_t n) {
    std::map<std::vector<Item>, uint64_t> counts;
    for (size_t i = 0; i + n <= items.size(); ++i)
        ++counts[std::vector<Item>(items.begin() + static_cast<ptrdiff_t>(i),
                                   items.begin() + static_cast<ptrdiff_t>(i + n))];
    return counts;
}

// How many n-grams two texts share, each counted as often as in the one that has fewer.
template <typename Ngram>
uint64_t SharedCount(const std::map<Ngram, uint64_t>& left,
                     const std::map<Ngram, uint64_t>& right) {
    uint64_t shared = 0;
    for (const auto& [ngram, count] : left)
        if (auto found = right.find(ngram); found != right.end())
            shared += std::min(count, found->second);
    return shared;
}

}  // namespace lathe::metrics
