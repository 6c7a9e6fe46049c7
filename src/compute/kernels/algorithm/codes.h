// Reads codes and scales of packed panels (layout.h) into vectors.
#pragma once

#include <utility>

#include "compute/kernels/layout.h"
#include "compute/kernels/simd/generic.h"

namespace lathe::kernels {

using Codes = PackedMatrix::Codes;
using Scales = PackedMatrix::Scales;

// Vectors of S in the 16 rows of a panel, and their bytes in a plane.
template <class S>
constexpr size_t kPanelVectors = PackedMatrix::kPanelRows / S::kLanes;
template <class S>
constexpr size_t kVectorBytes = 4 * S::kLanes;

// The first whole cache line of a kernel's scratch.
LATHE_INLINE std::byte* AlignedScratch(float* scratch) {
    return reinterpret_cast<std::byte*>((reinterpret_cast<uintptr_t>(scratch) + 63) / 64 * 64);
}

// The codes of group kGroup, rows [kVector * kLanes, ...), of the block at `planes`.
template <class S, int kBits, int kGroup>
LATHE_INLINE typename S::B LoadCodes(const uint8_t* planes, size_t vector) {
    const uint8_t* at = planes + vector * kVectorBytes<S>;
    auto plane = [&](size_t index) { return S::LoadB(at + index * kPlaneBytes); };
    constexpr int kPair = 2 * (kGroup % 4);  // shift of a two-bit field
    if constexpr (kBits == 8) {
        return plane(kGroup);
    } else if constexpr (kBits == 2) {
        return S::template Field<kPair, 3>(plane(kGroup / 4));
    } else if constexpr (kBits == 3) {
        return S::Or(S::template Field<kPair, 3>(plane(kGroup / 4)),
                     S::template Field<kGroup - 2, 4>(plane(2)));
    } else {
        auto low = S::template Field<kGroup / 4 * 4, 15>(plane(kGroup % 4));
        if constexpr (kBits == 4)
            return low;
        else if constexpr (kBits == 5)
            return S::Or(low, S::template Field<kGroup - 4, 16>(plane(4)));
        else
            return S::Or(low, S::template Field<kPair - 4, 48>(plane(4 + kGroup / 4)));
    }
}

template <class S>
struct StepOffset {
    typename S::F step;
    typename S::F offset;  // only where HasOffset()
};

// Of rows [vector * kLanes, ...) in half `half` (16 columns) of block `block`.
template <class S, Scales kScales>
LATHE_INLINE StepOffset<S> LoadScale(const std::byte* scales, size_t block, size_t half,
                                     size_t vector) {
    size_t lane = vector * S::kLanes;
    auto halves = [&](const std::byte* at) {
        return S::LoadHalf(reinterpret_cast<const uint16_t*>(at) + lane);
    };
    if constexpr (kScales == Scales::kHalf) {
        return {halves(scales + block * 32), S::Zero()};
    } else if constexpr (kScales == Scales::kHalfOffset) {
        return {halves(scales + block * 64), halves(scales + block * 64 + 32)};
    } else {
        constexpr bool kOffset = HasOffset(kScales);
        const std::byte* super =
            scales + block / kSuperBlocks * (kOffset ? kSuperOffsetBytes : kSuperBytes);
        const auto* subs = reinterpret_cast<const uint8_t*>(super) + (kOffset ? 64 : 32) +
                           block % kSuperBlocks * 32 + lane;
        auto step = halves(super);
        if constexpr (kScales == Scales::kSuper16) {
            return {S::Mul(step, S::LoadI8(subs + half * 16)), S::Zero()};
        } else if constexpr (kScales == Scales::kSuperOffset32) {
            return {S::Mul(step, S::LoadU8(subs)),
                    S::Mul(halves(super + 32), S::LoadU8(subs + 16))};
        } else {
            return {S::Mul(step, S::LoadLowNibbles(subs + half * 16)),
                    S::Mul(halves(super + 32), S::LoadHighNibbles(subs + half * 16))};
        }
    }
}

// A packed format as a type, to choose kernels by.
template <int kBitsValue, Scales kScalesValue>
struct FormatTag {
    static constexpr int kBits = kBitsValue;
    static constexpr Scales kScales = kScalesValue;
    static constexpr bool kOffset = HasOffset(kScales);
    static constexpr int kHalves = static_cast<int>(StepsPerBlock(kScales));
    // What is subtracted from a code where there is no offset: half the range.
    static constexpr int kZero = kOffset ? 0 : 1 << (kBits - 1);
};

// Calls `visit` with the FormatTag of a quantized format.
template <class Visit>
LATHE_INLINE void VisitFormat(const PackedMatrix::Format& format, Visit visit) {
    switch (format.codes) {
        case Codes::kU2:
            return visit(FormatTag<2, Scales::kSuperOffset16>{});
        case Codes::kU3:
            return visit(FormatTag<3, Scales::kSuper16>{});
        case Codes::kU4:
            if (format.scales == Scales::kHalf) return visit(FormatTag<4, Scales::kHalf>{});
            if (format.scales == Scales::kHalfOffset)
                return visit(FormatTag<4, Scales::kHalfOffset>{});
            return visit(FormatTag<4, Scales::kSuperOffset32>{});
        case Codes::kU5:
            if (format.scales == Scales::kHalf) return visit(FormatTag<5, Scales::kHalf>{});
            if (format.scales == Scales::kHalfOffset)
                return visit(FormatTag<5, Scales::kHalfOffset>{});
            return visit(FormatTag<5, Scales::kSuperOffset32>{});
        case Codes::kU6:
            return visit(FormatTag<6, Scales::kSuper16>{});
        case Codes::kU8:
            return visit(FormatTag<8, Scales::kHalf>{});
        default:
            return;
    }
}

// Calls step.operator()<0>() ... step.operator()<kCount - 1>(), unrolled.
template <int kCount, class Step>
LATHE_INLINE void Unrolled(Step step) {
    [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) __attribute__((always_inline)) {
        (step.template operator()<kIndex>(), ...);
    }(std::make_integer_sequence<int, kCount>{});
}

// Calls call.operator()<count>() for a count in [1, kMax].
template <int kMax, class Call>
LATHE_INLINE void WithCount(size_t count, Call call) {
    [&]<int... kIndex>(std::integer_sequence<int, kIndex...>) __attribute__((always_inline)) {
        ((count == kIndex + 1 ? call.template operator()<kIndex + 1>() : void()), ...);
    }(std::make_integer_sequence<int, kMax>{});
}

}  // namespace lathe::kernels
