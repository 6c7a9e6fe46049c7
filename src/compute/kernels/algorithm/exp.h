// e^x on vectors, and what is built on it.
#pragma once

#include "compute/kernels/simd/generic.h"

namespace lathe::kernels {

// e^x within 2 units in the last place for x in [-87, 88]; below it is zero, above 89
// infinity, between them and the range rounded once more. NaN stays NaN. No step gives a
// number too small to be normal, which would cost a hundred times the rest.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts; e^r by a polynomial whose
// coefficients minimise the largest relative error (5e-9).
template <class S>
LATHE_INLINE typename S::F Exp(typename S::F exponent) {
    const auto lowest = S::Set(-87.0f);
    auto x = S::Max(lowest, S::Min(S::Set(90.0f), exponent));
    auto n = S::Round(S::Mul(x, S::Set(1.44269504f)));
    auto r = S::MulAdd(n, S::Set(-0.693359375f), x);
    r = S::MulAdd(n, S::Set(2.12194440e-4f), r);
    auto p = S::Set(1.38144672e-3f);
    p = S::MulAdd(p, r, S::Set(8.36878084e-3f));
    p = S::MulAdd(p, r, S::Set(4.16683927e-2f));
    p = S::MulAdd(p, r, S::Set(0.166665196f));
    p = S::MulAdd(p, r, S::Set(0.49999994f));
    p = S::MulAdd(p, r, S::Set(1.0f));
    p = S::MulAdd(p, r, S::Set(1.0f));
    return S::ZeroWhereLess(S::ScaleByPower(p, n), exponent, lowest);
}

// tanh by e^2x; absolute error below 3e-7.
template <class S>
LATHE_INLINE typename S::F Tanh(typename S::F x) {
    auto e = Exp<S>(S::Add(x, x));
    return S::Sub(S::Set(1.0f), S::Div(S::Set(2.0f), S::Add(e, S::Set(1.0f))));
}

}  // namespace lathe::kernels
