// Loops that do nothing but what a kernel does most, to learn the machine's limits.
#pragma once

#include "compute/kernels/algorithm/codes.h"
#include "compute/kernels/table.h"

namespace lathe::kernels {

template <class S>
struct Probe {
    using F = typename S::F;

    // Keeps the compiler from computing the loops in advance.
    LATHE_INLINE void Touch(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

    // A tile of int8 dots out of the first-level cache, without scales.
    static double Dots(size_t rounds) {
        using Dot = typename S::template Dot<4>;
        constexpr size_t kR = S::kGemmI8Rows, kV = kPanelVectors<S>;
        alignas(64) uint8_t weights[kGroups][kV][kVectorBytes<S>] = {};
        alignas(64) int8_t activations[kR][32] = {};
        alignas(64) float sink[S::kLanes];
        Touch(weights);
        Touch(activations);
        typename S::I total[kR][kV];
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) total[r][v] = S::ZeroI();
        for (size_t round = 0; round < rounds; ++round) {
            Dot dot[kR][kV];
            LATHE_UNROLL
            for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
            for (size_t v = 0; v < kV; ++v) dot[r][v] = Dot::Start(0);
            Unrolled<kGroups>([&]<int kGroup>() __attribute__((always_inline)) {
                LATHE_UNROLL
                for (size_t v = 0; v < kV; ++v) {
                    auto w = S::LoadB(weights[kGroup][v]);
                    LATHE_UNROLL
                    for (size_t r = 0; r < kR; ++r)
                        Dot::Step(dot[r][v], w, activations[r] + 4 * kGroup);
                }
            });
            LATHE_UNROLL
            for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
            for (size_t v = 0; v < kV; ++v)
                total[r][v] = S::AddI(total[r][v], Dot::Finish(dot[r][v], 0));
            Touch(weights);
            Touch(activations);
        }
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) {
            S::Store(sink, S::ToFloat(total[r][v]));
            Touch(sink);
        }
        return 2.0 * kGroups * 4 * kR * kV * S::kLanes * static_cast<double>(rounds);
    }

    // A tile of float multiply-adds out of the first-level cache.
    static double MultiplyAdds(size_t rounds) {
        constexpr size_t kR = S::kGemmF32Rows, kV = S::kGemmF32Panels * kPanelVectors<S>;
        constexpr size_t kDepth = 16;
        alignas(64) float weights[kDepth][kV][S::kLanes] = {};
        alignas(64) float activations[kR][kDepth] = {};
        alignas(64) float sink[S::kLanes];
        Touch(weights);
        Touch(activations);
        F acc[kR][kV];
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) acc[r][v] = S::Zero();
        for (size_t round = 0; round < rounds; ++round) {
            Unrolled<kDepth>([&]<int kDepthIndex>() __attribute__((always_inline)) {
                F w[kV];
                LATHE_UNROLL
                for (size_t v = 0; v < kV; ++v) w[v] = S::Load(weights[kDepthIndex][v]);
                LATHE_UNROLL
                for (size_t r = 0; r < kR; ++r) {
                    F x = S::Set(activations[r][kDepthIndex]);
                    LATHE_UNROLL
                    for (size_t v = 0; v < kV; ++v) acc[r][v] = S::MulAdd(w[v], x, acc[r][v]);
                }
            });
            Touch(weights);
            Touch(activations);
        }
        LATHE_UNROLL
        for (size_t r = 0; r < kR; ++r) LATHE_UNROLL
        for (size_t v = 0; v < kV; ++v) {
            S::Store(sink, acc[r][v]);
            Touch(sink);
        }
        return 2.0 * kDepth * kR * kV * S::kLanes * static_cast<double>(rounds);
    }

    static void Read(const std::byte* data, size_t bytes) {
        constexpr size_t kChains = 4, kStep = kChains * kVectorBytes<S>;
        const auto* at = reinterpret_cast<const uint8_t*>(data);
        typename S::B seen[kChains];
        LATHE_UNROLL
        for (size_t c = 0; c < kChains; ++c) seen[c] = S::LoadB(at + c * kVectorBytes<S>);
        for (size_t i = kStep; i + kStep <= bytes; i += kStep) LATHE_UNROLL
        for (size_t c = 0; c < kChains; ++c)
            seen[c] = S::Or(seen[c], S::LoadB(at + i + c * kVectorBytes<S>));
        uint8_t sink[kVectorBytes<S>];
        LATHE_UNROLL
        for (size_t c = 0; c < kChains; ++c) {
            S::StoreB(sink, seen[c]);
            Touch(sink);
        }
    }
};

}  // namespace lathe::kernels
