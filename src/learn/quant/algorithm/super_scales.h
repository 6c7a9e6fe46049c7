// Scales of blocks rounded to a few bits under a super-scale that a group of lanes
// shares, and the codes that then fit best (see search.h).
#pragma once

#include "learn/quant/algorithm/search.h"

namespace lathe::quant {
namespace {

constexpr int kSuperRefits = 2;
constexpr int kSuperTries = 2;

// x' = d * sub_step * code - d_least * sub_least. d and d_least are halves; sub_step and
// sub_least whole numbers 0 .. sub_max. kGroup lanes share d and d_least.
template <int kCount, int kGroup>
struct AffineSuper {
    F d, d_least;
    F sub_step, sub_least;

    AffineSuper(const F* values, const F* weights, const Affine& fit, float code_max, float sub_max)
        : values_(values), weights_(weights), code_max_(code_max), sub_max_(sub_max) {
        F least = Max(-fit.least, F(0.f));
        d = ToHalfAndBack(GroupMax<kGroup>(fit.step) * (1.f / sub_max));
        d_least = ToHalfAndBack(GroupMax<kGroup>(least) * (1.f / sub_max));
        sub_step = Min(Round(fit.step * Inverse(d)), F(sub_max));
        sub_least = Min(Round(least * Inverse(d_least)), F(sub_max));
        error_ = Error(d, d_least, sub_step, sub_least);
        TryNeighbours();
        for (int k = 0; k < kSuperRefits; ++k) {
            Refit();
            TryNeighbours();
        }
    }

    void Codes(F* codes) const {
        F least = d_least * sub_least;
        F inverse = Inverse(d * sub_step);
        for (int i = 0; i < kCount; ++i) codes[i] = Code(values_[i] + least, inverse);
    }

private:
    F Code(const F& raised, const F& inverse) const {
        return Min(Max(Round(raised * inverse), F(0.f)), F(code_max_));
    }

    F Error(const F& try_d, const F& try_d_least, const F& step_units, const F& least_units) const {
        F step = try_d * step_units;
        F least = try_d_least * least_units;
        F inverse = Inverse(step);
        F error{0.f};
        for (int i = 0; i < kCount; ++i) {
            F raised = values_[i] + least;
            F difference = step * Code(raised, inverse) - raised;
            error += weights_[i] * difference * difference;
        }
        return error;
    }

    void TryNeighbours() {
        F centre_step = sub_step, centre_least = sub_least;
        for (int i = -1; i <= 1; ++i)
            for (int j = -1; j <= 1; ++j) {
                if (i == 0 && j == 0) continue;
                F step_units = centre_step + static_cast<float>(i);
                F least_units = centre_least + static_cast<float>(j);
                I allowed = (step_units >= 0.f) & (step_units <= sub_max_) & (least_units >= 0.f) &
                            (least_units <= sub_max_);
                F error = Error(d, d_least, step_units, least_units);
                I better = allowed & (error < error_);
                error_ = Select(better, error, error_);
                sub_step = Select(better, step_units, sub_step);
                sub_least = Select(better, least_units, sub_least);
            }
    }

    // The least-squares d and d_least for the codes as they are, kept where the group's
    // error becomes smaller.
    void Refit() {
        F codes[kCount];
        Codes(codes);
        CodeSums sums;
        F w{0.f}, x{0.f};
        for (int i = 0; i < kCount; ++i) {
            sums.Add(weights_[i], values_[i], codes[i]);
            w += weights_[i];
            x += weights_[i] * values_[i];
        }
        // u = sub_step * code, v = sub_least, and t = -d_least.
        F uu = GroupSum<kGroup>(sums.ll * sub_step * sub_step);
        F ux = GroupSum<kGroup>(sums.xl * sub_step);
        TwoFactors fit(uu, GroupSum<kGroup>(sums.l * sub_step * sub_least),
                       GroupSum<kGroup>(w * sub_least * sub_least), ux,
                       GroupSum<kGroup>(x * sub_least));
        F scale = Inverse(fit.determinant);
        I both = (fit.determinant > 0.f) & (fit.t < 0.f);
        F new_d = Select(both, fit.s * scale, ux * Inverse(uu));
        F new_d_least = Select(both, -fit.t * scale, F(0.f));
        new_d = ToHalfAndBack(Max(new_d, F(0.f)));
        new_d_least = ToHalfAndBack(new_d_least);
        F error = Error(new_d, new_d_least, sub_step, sub_least);
        I better = GroupSum<kGroup>(error) < GroupSum<kGroup>(error_);
        d = Select(better, new_d, d);
        d_least = Select(better, new_d_least, d_least);
        error_ = Select(better, error, error_);
    }

    const F* values_;
    const F* weights_;
    float code_max_;
    float sub_max_;
    F error_;
};

// x' = d * sub * code, codes -code_max .. code_max - 1, sub a whole number -sub_max ..
// sub_max - 1, d a half that all lanes share.
template <int kCount>
struct SymmetricSuper {
    F d{0.f};
    F sub{0.f};

    SymmetricSuper(const F* values, const F* weights, const F& scale, float code_max, float sub_max)
        : values_(values), weights_(weights), code_max_(code_max), sub_max_(sub_max) {
        F highest = GroupMax<kLanes>(scale);
        F lowest = -GroupMax<kLanes>(-scale);
        F most = Select(highest >= -lowest, highest, lowest);
        error_ = F(kFloatMax);
        for (int k = -kSuperTries; k <= kSuperTries; ++k)
            TryScale(scale, ToHalfAndBack(most * (-1.f / (sub_max + static_cast<float>(k)))));
        TryNeighbours();
        for (int k = 0; k < kSuperRefits; ++k) {
            Refit();
            TryNeighbours();
        }
    }

    void Codes(F* codes) const {
        F inverse = Inverse(d * sub);
        for (int i = 0; i < kCount; ++i) codes[i] = Code(values_[i], inverse);
    }

private:
    F Code(const F& value, const F& inverse) const {
        return Min(Max(Round(value * inverse), F(-code_max_)), F(code_max_ - 1));
    }

    F Error(const F& try_d, const F& units) const {
        F scale = try_d * units;
        F inverse = Inverse(scale);
        F error{0.f};
        for (int i = 0; i < kCount; ++i) {
            F difference = scale * Code(values_[i], inverse) - values_[i];
            error += weights_[i] * difference * difference;
        }
        return error;
    }

    void TryScale(const F& scale, const F& new_d) {
        Try(new_d, Min(Max(Round(scale * Inverse(new_d)), F(-sub_max_)), F(sub_max_ - 1)));
    }

    // Kept where the error of all lanes becomes smaller.
    void Try(const F& new_d, const F& units) {
        F error = Error(new_d, units);
        I better = GroupSum<kLanes>(error) < GroupSum<kLanes>(error_);
        d = Select(better, new_d, d);
        sub = Select(better, units, sub);
        error_ = Select(better, error, error_);
    }

    void TryNeighbours() {
        F centre = sub;
        for (float shift : {-1.f, 1.f}) {
            F units = centre + shift;
            F error = Error(d, units);
            I better = (units >= -sub_max_) & (units <= sub_max_ - 1) & (error < error_);
            error_ = Select(better, error, error_);
            sub = Select(better, units, sub);
        }
    }

    // The least-squares d for the codes as they are.
    void Refit() {
        F codes[kCount];
        Codes(codes);
        CodeSums sums;
        for (int i = 0; i < kCount; ++i) sums.Add(weights_[i], values_[i], codes[i]);
        F above = GroupSum<kLanes>(sums.xl * sub);
        F below = GroupSum<kLanes>(sums.ll * sub * sub);
        Try(ToHalfAndBack(above * Inverse(below)), sub);
    }

    const F* values_;
    const F* weights_;
    float code_max_;
    float sub_max_;
    F error_;
};

}  // namespace
}  // namespace lathe::quant
