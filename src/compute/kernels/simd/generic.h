// Vectors of four floats in the compiler's own vector types: any machine.
//
// Every instruction set offers the same set of names as static functions of a struct,
// and the files of algorithm/ are written once against them. This one is the
// reference for what each name does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#define LATHE_INLINE static inline __attribute__((always_inline))
// Before a loop over registers, which must be unrolled wholly.
#if defined(__clang__)
#define LATHE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LATHE_UNROLL _Pragma("GCC unroll 32")
#endif

namespace lathe::kernels {

struct Generic {
    static constexpr std::string_view kName = "generic";

    // Register tiles, see the algorithms.
    static constexpr int kGemmI8Rows = 4;
    static constexpr int kGemmF32Rows = 3, kGemmF32Panels = 1, kGemmF32ThinPanels = 2;
    static constexpr int kScoreRows = 3, kScoreVectors = 4;
    static constexpr int kValueRows = 3, kValueVectors = 4;

    static constexpr size_t kLanes = 4;
    using F = float __attribute__((vector_size(16)));
    using I = int32_t __attribute__((vector_size(16)));
    using B = uint8_t __attribute__((vector_size(16)));  // four bytes per lane

    LATHE_INLINE F Zero() { return F{}; }
    LATHE_INLINE F Set(float x) { return F{x, x, x, x}; }
    LATHE_INLINE F Load(const float* p) {
        F v;
        std::memcpy(&v, p, sizeof v);
        return v;
    }
    LATHE_INLINE void Store(float* p, F v) { std::memcpy(p, &v, sizeof v); }
    // The first n lanes, n <= kLanes; the others load as zero.
    LATHE_INLINE F LoadPartial(const float* p, size_t n) {
        F v{};
        for (size_t i = 0; i < kLanes; ++i)
            if (i < n) v[i] = p[i];
        return v;
    }
    LATHE_INLINE void StorePartial(float* p, F v, size_t n) {
        for (size_t i = 0; i < kLanes; ++i)
            if (i < n) p[i] = v[i];
    }

    LATHE_INLINE F Add(F a, F b) { return a + b; }
    LATHE_INLINE F Sub(F a, F b) { return a - b; }
    LATHE_INLINE F Mul(F a, F b) { return a * b; }
    LATHE_INLINE F Div(F a, F b) { return a / b; }
    LATHE_INLINE F Max(F a, F b) { return a > b ? a : b; }  // b if either is NaN
    LATHE_INLINE F Min(F a, F b) { return a < b ? a : b; }  // b if either is NaN
    // a * b + c, fused where the machine can.
    LATHE_INLINE F MulAdd(F a, F b, F c) { return a * b + c; }
    LATHE_INLINE float ReduceAdd(F v) { return (v[0] + v[2]) + (v[1] + v[3]); }
    LATHE_INLINE float ReduceMax(F v) {
        float a = v[0] > v[2] ? v[0] : v[2];
        float b = v[1] > v[3] ? v[1] : v[3];
        return a > b ? a : b;
    }

    // Nearest even; for |x| < 2^22.
    LATHE_INLINE F Round(F x) {
        const F magic = Set(12582912.0f);  // 1.5 * 2^23
        return (x + magic) - magic;
    }
    // value, and 0 where x < limit.
    LATHE_INLINE F ZeroWhereLess(F value, F x, F limit) { return x < limit ? F{} : value; }
    // x * 2^n for an integer n in [-252, 254].
    LATHE_INLINE F ScaleByPower(F x, F n) {
        I whole = __builtin_convertvector(n, I);
        I half = whole >> 1;
        F a = (F)((half + 127) << 23);
        F b = (F)((whole - half + 127) << 23);
        return x * a * b;
    }

    // Lanes i and i ^ kStep, the lower first: their sum and their difference.
    template <int kStep>
    LATHE_INLINE F Butterfly(F x) {
        if constexpr (kStep == 1) {
            F swapped = __builtin_shufflevector(x, x, 1, 0, 3, 2);
            return x * F{1, -1, 1, -1} + swapped;
        } else {
            F swapped = __builtin_shufflevector(x, x, 2, 3, 0, 1);
            return x * F{1, 1, -1, -1} + swapped;
        }
    }

    // IEEE halves and bfloat16 as bits.
    LATHE_INLINE F LoadHalf(const uint16_t* p) {
        I bits = {p[0], p[1], p[2], p[3]};
        I sign = (bits & 0x8000) << 16;
        I magnitude = (bits & 0x7FFF) << 13;
        // The wrong exponent bias is mended by an exact product, subnormals included;
        // infinity and NaN keep their top exponent.
        F value = (F)magnitude * Set(0x1p112f);
        I special = (magnitude >= (0x7C00 << 13)) & 0x7F800000;
        return (F)((I)value | special | sign);
    }
    LATHE_INLINE F LoadHalfPartial(const uint16_t* p, size_t n) {
        uint16_t copy[kLanes] = {};
        for (size_t i = 0; i < kLanes; ++i)
            if (i < n) copy[i] = p[i];
        return LoadHalf(copy);
    }
    LATHE_INLINE void StoreHalfPartial(uint16_t* p, F v, size_t n) {
        for (size_t i = 0; i < kLanes; ++i)
            if (i < n) p[i] = ToHalf(v[i]);
    }
    LATHE_INLINE F LoadBf16(const uint16_t* p) {
        I bits = {p[0], p[1], p[2], p[3]};
        return (F)(bits << 16);
    }
    // Nearest even, as the machine instructions do.
    LATHE_INLINE uint16_t ToHalf(float value) {
        uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        uint32_t sign = (bits >> 16) & 0x8000u;
        uint32_t magnitude = bits & 0x7FFFFFFFu;
        if (magnitude > 0x7F800000u)
            return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x1FFu));
        if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);
        if (magnitude < 0x38800000u) {
            float shifted;
            std::memcpy(&shifted, &magnitude, sizeof shifted);
            shifted += 0.5f;  // the addition rounds to a multiple of 2^-24
            uint32_t rounded;
            std::memcpy(&rounded, &shifted, sizeof rounded);
            return static_cast<uint16_t>(sign | (rounded - 0x3F000000u));
        }
        uint32_t odd = (magnitude >> 13) & 1u;
        return static_cast<uint16_t>(sign | ((magnitude + 0xFFFu + odd - (112u << 23)) >> 13));
    }

    // Small integers as floats.
    LATHE_INLINE F LoadU8(const uint8_t* p) {
        return __builtin_convertvector(I{p[0], p[1], p[2], p[3]}, F);
    }
    LATHE_INLINE F LoadI8(const uint8_t* p) {
        return __builtin_convertvector(I{static_cast<int8_t>(p[0]), static_cast<int8_t>(p[1]),
                                         static_cast<int8_t>(p[2]), static_cast<int8_t>(p[3])},
                                       F);
    }

    LATHE_INLINE F LoadLowNibbles(const uint8_t* p) {
        return __builtin_convertvector(I{p[0] & 15, p[1] & 15, p[2] & 15, p[3] & 15}, F);
    }
    LATHE_INLINE F LoadHighNibbles(const uint8_t* p) {
        return __builtin_convertvector(I{p[0] >> 4, p[1] >> 4, p[2] >> 4, p[3] >> 4}, F);
    }

    LATHE_INLINE I ZeroI() { return I{}; }
    LATHE_INLINE F ToFloat(I v) { return __builtin_convertvector(v, F); }
    LATHE_INLINE I RoundToInt(F v) { return __builtin_convertvector(Round(v), I); }
    LATHE_INLINE I AbsBits(F v) { return (I)v & 0x7FFFFFFF; }  // orders magnitudes, NaN on top
    LATHE_INLINE I MaxI(I a, I b) { return a > b ? a : b; }
    LATHE_INLINE I AddI(I a, I b) { return a + b; }
    LATHE_INLINE int32_t ReduceMaxI(I v) {
        int32_t a = v[0] > v[1] ? v[0] : v[1];
        int32_t b = v[2] > v[3] ? v[2] : v[3];
        return a > b ? a : b;
    }
    LATHE_INLINE int32_t ReduceAddI(I v) { return v[0] + v[1] + v[2] + v[3]; }
    LATHE_INLINE void StoreI8(int8_t* p, I v) {  // lanes fit
        for (size_t i = 0; i < kLanes; ++i) p[i] = static_cast<int8_t>(v[i]);
    }

    // Sums of e in double, lane by lane.
    struct DoubleSum {
        double lanes[kLanes] = {};
    };
    LATHE_INLINE void AddTo(DoubleSum& sum, F v) {
        for (size_t i = 0; i < kLanes; ++i) sum.lanes[i] += static_cast<double>(v[i]);
    }
    LATHE_INLINE double Total(const DoubleSum& sum) {
        return (sum.lanes[0] + sum.lanes[2]) + (sum.lanes[1] + sum.lanes[3]);
    }

    LATHE_INLINE B LoadB(const uint8_t* p) {
        B v;
        std::memcpy(&v, p, sizeof v);
        return v;
    }
    LATHE_INLINE void StoreB(uint8_t* p, B v) { std::memcpy(p, &v, sizeof v); }
    // (v >> kShift) & kMask per byte; a negative kShift shifts left.
    template <int kShift, int kMask>
    LATHE_INLINE B Field(B v) {
        if constexpr (kShift >= 0)
            return (v >> kShift) & static_cast<uint8_t>(kMask);
        else
            return (v << -kShift) & static_cast<uint8_t>(kMask);
    }
    LATHE_INLINE B Or(B a, B b) { return a | b; }
    // Byte `kByte` of each lane as a float.
    template <int kByte>
    LATHE_INLINE F ByteToFloat(B v) {
        return __builtin_convertvector(((I)v >> (8 * kByte)) & 255, F);
    }

    // Integer dot products of unsigned codes below 2^kBits with signed activations
    // in [-127, 127]: each lane's four bytes with the same four of the activation.
    // A sum starts at, or ends by adding, a correction, -zero times the sum of the
    // activations, so that it is the dot with (code - zero).
    template <int kBits>
    struct Dot {
        I sum;
        LATHE_INLINE Dot Start(int32_t correction) {
            return {I{correction, correction, correction, correction}};
        }
        LATHE_INLINE void Step(Dot& dot, B w, const int8_t* x) {
            // Sixteen-bit products of the even and of the odd bytes, added in pairs: a
            // form that compilers turn into the multiply-add of words where there is one.
            using Words = int16_t __attribute__((vector_size(16)));
            int32_t four;
            std::memcpy(&four, x, sizeof four);
            Words activations = (Words)I{four, four, four, four};
            dot.sum += PairSums((Words)w & 255, (activations << 8) >> 8) +
                       PairSums(((Words)w >> 8) & 255, activations >> 8);
        }
        template <class Words>
        LATHE_INLINE I PairSums(Words a, Words b) {
            using Wide = int32_t __attribute__((vector_size(32)));
            Wide products = __builtin_convertvector(a, Wide) * __builtin_convertvector(b, Wide);
            return __builtin_shufflevector(products, products, 0, 2, 4, 6) +
                   __builtin_shufflevector(products, products, 1, 3, 5, 7);
        }
        LATHE_INLINE I Finish(const Dot& dot, int32_t) { return dot.sum; }
    };
};

}  // namespace lathe::kernels
