#pragma once

#include <array>
#include <utility>
#include <vector>

#include "compute/tokenizer/utf8.h"

namespace lathe::tokenizer {

// A set of code points: character classes and ranges, possibly all but those.
// Const-safe once Finish() has been called.
class CharSet {
public:
    void Add(char32_t first, char32_t last) { ranges_.emplace_back(first, last); }
    void Add(ClassMask classes) { classes_ |= classes; }
    // Also every character that differs from a member only in case. ASCII letters and
    // what folds to them (U+017F, U+212A), which is what published patterns ask for.
    void AddOtherCase();
    void Negate() { negated_ = !negated_; }
    // Sorts the ranges and fills the ASCII table. Nothing may be added afterwards.
    void Finish();

    bool Contains(char32_t value) const {
        return value < ascii_.size() ? ascii_[value] : LookUp(value);
    }

private:
    bool LookUp(char32_t value) const;

    ClassMask classes_ = 0;
    std::vector<std::pair<char32_t, char32_t>> ranges_;
    bool negated_ = false;
    std::array<bool, 128> ascii_{};
};

}  // namespace lathe::tokenizer
