#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace lathe::chat {

// Stable, and safe under any comparison: one that contradicts itself (NaN) or throws
// leaves some order of the same items. std::sort promises neither.
template <typename T, typename Less>
void MergeSort(std::vector<T>& items, const Less& less) {
    std::vector<T> merged;
    for (size_t run = 1; run < items.size(); run *= 2) {
        merged.clear();
        merged.reserve(items.size());
        for (size_t start = 0; start < items.size(); start += 2 * run) {
            const size_t middle = std::min(start + run, items.size());
            const size_t end = std::min(middle + run, items.size());
            size_t left = start, right = middle;
            while (left < middle && right < end) {
                bool take_right = less(items[right], items[left]);
                merged.push_back(items[take_right ? right++ : left++]);
            }
            for (; left < middle; ++left) merged.push_back(items[left]);
            for (; right < end; ++right) merged.push_back(items[right]);
        }
        std::swap(items, merged);
    }
}

}  // namespace lathe::chat
