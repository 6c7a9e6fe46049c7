#include "compute/tokenizer/char_set.h"

#include <algorithm>

namespace lathe::tokenizer {

void CharSet::AddOtherCase() {
    auto given = ranges_;
    for (auto [first, last] : given) {
        for (char32_t lower = U'a'; lower <= U'z'; ++lower) {
            char32_t upper = lower - U'a' + U'A';
            bool has = (first <= lower && lower <= last) || (first <= upper && upper <= last);
            if (!has) continue;
            Add(lower, lower);
            Add(upper, upper);
            if (lower == U's') Add(U'\u017F', U'\u017F');
            if (lower == U'k') Add(U'\u212A', U'\u212A');
        }
    }
}

void CharSet::Finish() {
    std::sort(ranges_.begin(), ranges_.end());
    // Overlapping ranges are joined, so that LookUp needs one binary search.
    std::vector<std::pair<char32_t, char32_t>> joined;
    for (auto range : ranges_) {
        if (!joined.empty() && range.first <= joined.back().second)
            joined.back().second = std::max(joined.back().second, range.second);
        else
            joined.push_back(range);
    }
    ranges_ = std::move(joined);
    for (char32_t c = 0; c < ascii_.size(); ++c) ascii_[c] = LookUp(c);
}

bool CharSet::LookUp(char32_t value) const {
    auto after =
        std::upper_bound(ranges_.begin(), ranges_.end(), value,
                         [](char32_t wanted, const auto& range) { return wanted < range.first; });
    bool found = after != ranges_.begin() && value <= std::prev(after)->second;
    if (!found && classes_ != 0) found = (ClassOf(value) & classes_) != 0;
    return found != negated_;
}

}  // namespace lathe::tokenizer
