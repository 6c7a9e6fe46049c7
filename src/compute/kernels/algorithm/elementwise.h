// Norms, activations, rotations, quantization and the softmax of logits.
#pragma once

#include <cmath>

#include "compute/kernels/algorithm/exp.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct Elementwise {
    using F = typename S::F;
    using I = typename S::I;
    static constexpr size_t kLanes = S::kLanes;

    // step(at, load, store) over [0, n): whole vectors, then the rest.
    template <class Step>
    LATHE_INLINE void ForEach(size_t n, Step step) {
        size_t i = 0;
        for (; i + kLanes <= n; i += kLanes)
            step(
                i, [](const float* p) __attribute__((always_inline)) { return S::Load(p); },
                [](float* p, F v) __attribute__((always_inline)) { S::Store(p, v); });
        if (i < n) {
            size_t left = n - i;
            step(
                i,
                [left](const float* p)
                    __attribute__((always_inline)) { return S::LoadPartial(p, left); },
                [left](float* p, F v)
                    __attribute__((always_inline)) { S::StorePartial(p, v, left); });
        }
    }

    static void QuantizeRow(const float* x, size_t cols, const QuantizedRows& out, size_t row) {
        int8_t* codes = out.codes + row * out.codes_stride;
        float* scales = out.scales + row * out.blocks_stride;
        int16_t* sums = out.sums + row * 2 * out.blocks_stride;
        for (size_t b = 0; b * 32 < cols; ++b) {
            size_t left = cols - b * 32;
            if (left >= 32) {
                QuantizeBlock(x + b * 32, codes + b * 32, scales + b, sums + 2 * b);
            } else {
                float padded[32] = {};
                std::memcpy(padded, x + b * 32, left * sizeof(float));
                QuantizeBlock(padded, codes + b * 32, scales + b, sums + 2 * b);
            }
        }
    }

    LATHE_INLINE void QuantizeBlock(const float* x, int8_t* codes, float* scale, int16_t* sums) {
        constexpr size_t kCount = 32 / kLanes;
        F v[kCount];
        I top = S::ZeroI();
        for (size_t i = 0; i < kCount; ++i) {
            v[i] = S::Load(x + i * kLanes);
            top = S::MaxI(top, S::AbsBits(v[i]));
        }
        int32_t bits = S::ReduceMaxI(top);
        float largest;
        std::memcpy(&largest, &bits, sizeof largest);
        bool finite = bits < 0x7F800000;
        if (!finite || largest < 1e-30f) {
            *scale = finite ? 0.0f : __builtin_nanf("");
            sums[0] = sums[1] = 0;
            std::memset(codes, 0, 32);
            return;
        }
        *scale = largest / 127.0f;
        F inverse = S::Set(127.0f / largest);
        I parts[2] = {S::ZeroI(), S::ZeroI()};
        for (size_t i = 0; i < kCount; ++i) {
            I code = S::RoundToInt(S::Mul(v[i], inverse));
            S::StoreI8(codes + i * kLanes, code);
            parts[i / (kCount / 2)] = S::AddI(parts[i / (kCount / 2)], code);
        }
        sums[0] = static_cast<int16_t>(S::ReduceAddI(parts[0]));
        sums[1] = static_cast<int16_t>(S::ReduceAddI(parts[1]));
    }

    static void RmsNorm(const float* x, const float* weight, float epsilon, size_t n, float* y) {
        constexpr size_t kChains = 4;
        F squares[kChains];
        for (size_t c = 0; c < kChains; ++c) squares[c] = S::Zero();
        size_t i = 0;
        for (; i + kChains * kLanes <= n; i += kChains * kLanes)
            for (size_t c = 0; c < kChains; ++c) {
                F v = S::Load(x + i + c * kLanes);
                squares[c] = S::MulAdd(v, v, squares[c]);
            }
        for (; i < n; i += kLanes) {
            F v = S::LoadPartial(x + i, n - i < kLanes ? n - i : kLanes);
            squares[0] = S::MulAdd(v, v, squares[0]);
        }
        float sum =
            S::ReduceAdd(S::Add(S::Add(squares[0], squares[1]), S::Add(squares[2], squares[3])));
        float mean = sum / static_cast<float>(n);
        F factor = S::Set(1.0f / __builtin_sqrtf(mean + epsilon));
        ForEach(n, [&](size_t j, auto load, auto store) __attribute__((always_inline)) {
            store(y + j, S::Mul(S::Mul(load(x + j), factor), load(weight + j)));
        });
    }

    static void Add(const float* x, size_t n, float* y) {
        ForEach(n, [&](size_t i, auto load, auto store) __attribute__((always_inline)) {
            store(y + i, S::Add(load(y + i), load(x + i)));
        });
    }

    // x / (1 + e^-x)
    LATHE_INLINE F Silu(F x) {
        F e = Exp<S>(S::Sub(S::Zero(), x));
        return S::Div(x, S::Add(S::Set(1.0f), e));
    }

    // x / 2 (1 + tanh(t)) = x / (1 + e^-2t), t = sqrt(2 / pi) (x + 0.044715 x^3)
    LATHE_INLINE F Gelu(F x) {
        F cubic = S::MulAdd(S::Mul(S::Set(0.044715f), S::Mul(x, x)), x, x);
        F e = Exp<S>(S::Mul(S::Set(-1.5957691216f), cubic));
        return S::Div(x, S::Add(S::Set(1.0f), e));
    }

    static void SiluMul(float* gate, const float* up, size_t n) {
        ForEach(n, [&](size_t i, auto load, auto store) __attribute__((always_inline)) {
            store(gate + i, S::Mul(Silu(load(gate + i)), load(up + i)));
        });
    }

    static void GeluMul(float* gate, const float* up, size_t n) {
        ForEach(n, [&](size_t i, auto load, auto store) __attribute__((always_inline)) {
            store(gate + i, S::Mul(Gelu(load(gate + i)), load(up + i)));
        });
    }

    static void RopeInterleaved(float* head, const float* cos_sin, size_t dims) {
        for (size_t i = 0; i + 1 < dims; i += 2) {
            float a = head[i], b = head[i + 1], c = cos_sin[i], s = cos_sin[i + 1];
            head[i] = a * c - b * s;
            head[i + 1] = a * s + b * c;
        }
    }

    static void RopeHalves(float* head, const float* cos_sin, size_t dims) {
        size_t half = dims / 2;
        for (size_t i = 0; i < half; ++i) {
            float a = head[i], b = head[i + half], c = cos_sin[2 * i], s = cos_sin[2 * i + 1];
            head[i] = a * c - b * s;
            head[i + half] = a * s + b * c;
        }
    }

    static void F32ToF16(const float* x, size_t n, uint16_t* y) {
        size_t i = 0;
        for (; i + kLanes <= n; i += kLanes) S::StoreHalfPartial(y + i, S::Load(x + i), kLanes);
        if (i < n) S::StoreHalfPartial(y + i, S::LoadPartial(x + i, n - i), n - i);
    }

    static void MaxAndSumExp(const float* x, size_t n, float* max, double* sum) {
        *max = -__builtin_inff();
        *sum = 0;
        if (n == 0) return;
        F top = S::Set(x[0]);
        size_t whole = n / kLanes * kLanes;
        for (size_t i = 0; i < whole; i += kLanes) top = S::Max(S::Load(x + i), top);
        *max = S::ReduceMax(top);
        for (size_t i = whole; i < n; ++i) *max = x[i] > *max ? x[i] : *max;
        F shift = S::Set(*max);
        typename S::DoubleSum total;
        for (size_t i = 0; i < whole; i += kLanes)
            S::AddTo(total, Exp<S>(S::Sub(S::Load(x + i), shift)));
        *sum = S::Total(total);
        float tail[kLanes];
        S::Store(tail, Exp<S>(S::Sub(S::LoadPartial(x + whole, n - whole), shift)));
        for (size_t i = 0; i < n - whole; ++i) *sum += static_cast<double>(tail[i]);
    }
};

}  // namespace lathe::kernels
