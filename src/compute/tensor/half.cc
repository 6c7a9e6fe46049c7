#include <bit>

#include "compute/tensor/dtype.h"

namespace lathe::tensor {

float F16ToF32(uint16_t value) {
    uint32_t sign = static_cast<uint32_t>(value & 0x8000u) << 16;
    uint32_t exponent = (value >> 10) & 0x1Fu;
    uint32_t mantissa = value & 0x3FFu;
    if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
    if (exponent != 0)
        return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
    // Zero or subnormal: mantissa * 2^-24, exact in binary32.
    float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

uint16_t F32ToF16(float value) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u)  // NaN: keep what fits of the payload, quiet
        return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x1FFu));
    if (magnitude >= 0x477FF000u)
        return static_cast<uint16_t>(sign | 0x7C00u);  // rounds past 65504
    if (magnitude < 0x38800000u) {
        // Below 2^-14: adding 0.5 makes the hardware round to a multiple of 2^-24.
        float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000u));
    }
    uint32_t odd = (magnitude >> 13) & 1u;
    uint32_t rounded = magnitude + 0xFFFu + odd;
    return static_cast<uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

float BF16ToF32(uint16_t value) {
    return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

uint16_t F32ToBF16(float value) {
    uint32_t bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
    uint32_t odd = (bits >> 16) & 1u;
    return static_cast<uint16_t>((bits + 0x7FFFu + odd) >> 16);
}

}  // namespace lathe::tensor
