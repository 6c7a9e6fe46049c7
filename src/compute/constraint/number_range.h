// Numbers between bounds as expressions over their digits. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "compute/constraint/expression.h"

namespace lathe::constraint {

// Integers from `min` to `max`, both included, without bound where there is none.
// Nothing() if min > max.
Expression IntegerRange(std::optional<int64_t> min, std::optional<int64_t> max);

// A bound of a number. The decimal digits are those of the shortest text that gives the value.
struct NumberBound {
    double value = 0;
    bool exclusive = false;
};

// Numbers in plain decimal notation (no exponent) within bounds.
Expression NumberRange(std::optional<NumberBound> min, std::optional<NumberBound> max);

}  // namespace lathe::constraint
