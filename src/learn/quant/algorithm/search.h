// Searches of the scales of blocks, a block in each lane. All minimise the weighted
// squared error sum(w (x' - x)^2) of the block.
//
// The candidates are those the format's reference tries: a grid of scales around the one
// that just covers the range, each with the least-squares scale (and minimum) for the
// codes it gives. The best is then improved by turns of coding with the fitted scale and
// fitting again, and, where scales share a super-scale, by trying the neighbours of the
// rounded scales and fitting the super-scale to the codes: none of these steps can make
// the error worse.
#pragma once

#include "learn/quant/algorithm/lanes.h"

namespace lathe::quant {
namespace {

// Scales tried: (code_max + first + step * k) codes over the range, k = 0 .. count - 1.
struct Grid {
    float first;
    float step;
    int count;
};

constexpr int kRefits = 2;

// x' = step * code + least, codes 0 .. code_max.
struct Affine {
    F step;
    F least;
};

// Weighted sums over a block's codes l and values x.
struct CodeSums {
    F l{0.f}, ll{0.f}, xl{0.f};

    void Add(const F& weight, const F& value, const F& code) {
        F weighted = weight * code;
        l += weighted;
        ll += weighted * code;
        xl += weighted * value;
    }
};

// The s and t of the least sum(w (s u + t v - x)^2), by its normal equations.
struct TwoFactors {
    F determinant;
    F s, t;  // each times the determinant

    // uu = sum(w u u) and so on.
    TwoFactors(const F& uu, const F& uv, const F& vv, const F& ux, const F& vx)
        : determinant(uu * vv - uv * uv), s(ux * vv - uv * vx), t(uu * vx - uv * ux) {}
};

template <int kCount>
class AffineSearch {
public:
    AffineSearch(const F* values, const F* weights, float code_max, bool least_at_most_zero)
        : weights_(weights), code_max_(code_max), capped_(least_at_most_zero) {
        F low = values[0], high = values[0];
        for (int i = 1; i < kCount; ++i) {
            low = Min(low, values[i]);
            high = Max(high, values[i]);
        }
        if (capped_) low = Min(low, F(0.f));
        low_ = low;
        range_ = high - low;
        for (int i = 0; i < kCount; ++i) {
            centred_[i] = values[i] - low;
            weighted_[i] = weights[i] * centred_[i];
            sum_w_ += weights[i];
            sum_wx_ += weighted_[i];
            sum_wxx_ += weighted_[i] * centred_[i];
        }
    }

    Affine Run(const Grid& grid) {
        F inverse_range = Inverse(range_);
        best_step_ = range_ * (1.f / code_max_);
        best_rest_ = F(0.f);
        best_error_ = F(kFloatMax);
        for (int k = 0; k < grid.count; ++k) {
            float codes = code_max_ + grid.first + grid.step * static_cast<float>(k);
            Try(inverse_range * codes, F(0.f));
        }
        for (int k = 0; k < kRefits; ++k) Try(Inverse(best_step_), best_rest_);
        return {best_step_, low_ + best_rest_};
    }

private:
    // Codes by (x - rest) * inverse, then the best step and rest for these codes.
    void Try(const F& inverse, const F& rest) {
        CodeSums sums;
        for (int i = 0; i < kCount; ++i) {
            F code = Min(Max(Round((centred_[i] - rest) * inverse), F(0.f)), F(code_max_));
            F weighted_code = weights_[i] * code;
            sums.l += weighted_code;
            sums.ll += weighted_code * code;
            sums.xl += weighted_[i] * code;
        }
        TwoFactors fit(sums.ll, sums.l, sum_w_, sums.xl, sum_wx_);
        F scale = Inverse(fit.determinant);
        F step = fit.s * scale;
        F fitted = fit.t * scale;
        if (capped_) {
            I above = low_ + fitted > 0.f;
            fitted = Select(above, -low_, fitted);
            step = Select(above, (sums.xl + low_ * sums.l) * Inverse(sums.ll), step);
        }
        F error = sum_wxx_ + step * (step * sums.ll + 2.f * (fitted * sums.l - sums.xl)) +
                  fitted * (fitted * sum_w_ - 2.f * sum_wx_);
        I better = (fit.determinant > 0.f) & (step > 0.f) & (error < best_error_);
        best_error_ = Select(better, error, best_error_);
        best_step_ = Select(better, step, best_step_);
        best_rest_ = Select(better, fitted, best_rest_);
    }

    const F* weights_;
    float code_max_;
    bool capped_;
    F low_, range_;
    F centred_[kCount];   // x - low
    F weighted_[kCount];  // w (x - low)
    F sum_w_{0.f}, sum_wx_{0.f}, sum_wxx_{0.f};
    F best_step_, best_rest_, best_error_;
};

// The scale of x' = scale * code, codes -code_max .. code_max - 1; it may be negative.
template <int kCount>
F SearchSymmetric(const F* values, const F* weights, float code_max, const Grid& grid) {
    F pivot = values[0];
    for (int i = 1; i < kCount; ++i) pivot = Select(Abs(values[i]) > Abs(pivot), values[i], pivot);
    F inverse_pivot = Inverse(pivot);
    F best_scale = pivot * (-1.f / code_max);
    F best_gain{0.f};
    auto try_inverse = [&](const F& inverse) {
        CodeSums sums;
        for (int i = 0; i < kCount; ++i)
            sums.Add(weights[i], values[i],
                     Min(Max(Round(values[i] * inverse), F(-code_max)), F(code_max - 1)));
        F scale = sums.xl * Inverse(sums.ll);
        F gain = sums.xl * scale;  // how much smaller the error is than that of zeros
        I better = gain > best_gain;
        best_gain = Select(better, gain, best_gain);
        best_scale = Select(better, scale, best_scale);
    };
    for (int k = 0; k < grid.count; ++k)
        try_inverse(inverse_pivot * -(code_max + grid.first + grid.step * static_cast<float>(k)));
    for (int k = 0; k < kRefits; ++k) try_inverse(Inverse(best_scale));
    return best_scale;
}

// The value of IQ4_NL's sixteen that is nearest to x.
inline F NearestIq4Nl(const F& x) {
    F value = F(static_cast<float>(tensor::kIq4NlValues[0]));
    for (int k = 1; k < 16; ++k) {
        auto low = static_cast<float>(tensor::kIq4NlValues[k - 1]);
        auto high = static_cast<float>(tensor::kIq4NlValues[k]);
        value = Select(x > (low + high) / 2, F(high), value);
    }
    return value;
}

inline F Iq4NlIndex(const F& x) {
    F index{0.f};
    for (int k = 1; k < 16; ++k) {
        auto low = static_cast<float>(tensor::kIq4NlValues[k - 1]);
        auto high = static_cast<float>(tensor::kIq4NlValues[k]);
        index = Select(x > (low + high) / 2, F(static_cast<float>(k)), index);
    }
    return index;
}

template <int kCount>
F SearchIq4Nl(const F* values, const F* weights) {
    constexpr float kLow = tensor::kIq4NlValues[0];
    constexpr int kTries = 7;
    F pivot = values[0];
    for (int i = 1; i < kCount; ++i) pivot = Select(Abs(values[i]) > Abs(pivot), values[i], pivot);
    F inverse_pivot = Inverse(pivot);
    F best_scale = pivot * (1.f / kLow);
    F best_gain{0.f};
    auto try_inverse = [&](const F& inverse) {
        CodeSums sums;
        for (int i = 0; i < kCount; ++i)
            sums.Add(weights[i], values[i], NearestIq4Nl(values[i] * inverse));
        F scale = sums.xl * Inverse(sums.ll);
        F gain = sums.xl * scale;
        I better = gain > best_gain;
        best_gain = Select(better, gain, best_gain);
        best_scale = Select(better, scale, best_scale);
    };
    for (int k = -kTries; k <= kTries; ++k) {
        try_inverse(inverse_pivot * (static_cast<float>(k) + kLow));
        try_inverse(inverse_pivot * (static_cast<float>(k) - kLow));
    }
    for (int k = 0; k < kRefits; ++k) try_inverse(Inverse(best_scale));
    return best_scale;
}

}  // namespace
}  // namespace lathe::quant
