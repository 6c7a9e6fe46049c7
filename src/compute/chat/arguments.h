#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compute/chat/value.h"

namespace lathe::chat {

// What a call hands over.
struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;

    // Null if absent.
    const Value* Named(std::string_view name) const;
    Value TakeNamed(std::string_view name);  // Missing if absent
};

// Arguments matched with the names of a function's parameters, as Python does it;
// fails with Python's message. Without names: positional arguments only.
class Bound {
public:
    enum class By : uint8_t { kPositionOrName, kPosition };

    Bound(std::string_view function, const Arguments& arguments,
          std::initializer_list<std::string_view> parameters, size_t required,
          By by = By::kPositionOrName);

    // Missing if it was not given.
    const Value& operator[](size_t index) const { return values_[index]; }
    bool Has(size_t index) const { return !values_[index].IsMissing(); }
    // Given and not None.
    bool Given(size_t index) const { return Has(index) && !values_[index].IsNone(); }

    Int IntOr(size_t index, Int otherwise) const;
    bool TruthOr(size_t index, bool otherwise) const;
    // Fails unless it is a string.
    const std::string& Text(size_t index) const;

private:
    std::string_view function_;
    std::vector<Value> values_;
};

}  // namespace lathe::chat
