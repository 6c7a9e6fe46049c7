// Small formulas that several architectures share. Thread-safe: free functions only.
#pragma once

#include <cmath>
#include <limits>

namespace lathe::model {

inline float InverseSquareRoot(double value) {
    return static_cast<float>(1 / std::sqrt(value));
}

// By how much YaRN raises cos and sin (Peng et al. 2023, section 3.4).
inline float YarnAttentionFactor(float factor) {
    return factor > 1 ? 0.1f * std::log(factor) + 1 : 1;
}

// Infinity for what a float cannot hold, to be refused by the range checks.
inline float ToFloat(double value) {
    constexpr double kMax = std::numeric_limits<float>::max();
    if (std::isfinite(value) && std::fabs(value) > kMax)
        return std::numeric_limits<float>::infinity();
    return static_cast<float>(value);
}

}  // namespace lathe::model
