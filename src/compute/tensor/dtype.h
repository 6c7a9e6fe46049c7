// Element types of weights and activations, and the layout of the quantized ones.
//
// Quantized types store blocks of consecutive elements of a row. The numbers are
// those of GGUF files (ggml_type), the layouts as in the GGUF specification.
//
// Thread-safe: free functions only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lathe::tensor {

enum class DType : uint8_t {
    kF32 = 0,
    kF16 = 1,
    kQ4_0 = 2,
    kQ4_1 = 3,
    kQ5_0 = 6,
    kQ5_1 = 7,
    kQ8_0 = 8,
    kQ2_K = 10,
    kQ3_K = 11,
    kQ4_K = 12,
    kQ5_K = 13,
    kQ6_K = 14,
    kIQ4_NL = 20,
    kBF16 = 30,
};

struct DTypeInfo {
    DType type;
    std::string_view name;  // "Q4_K"
    uint32_t block_size;    // elements of a block, 1 for plain types
    uint32_t block_bytes;
};

const DTypeInfo& Info(DType type);

// Every type above, in the order of their numbers.
std::span<const DTypeInfo> AllDTypes();

// nullopt for a number or a name that is not supported.
std::optional<DType> DTypeFromGgml(uint32_t number);
std::optional<DType> DTypeFromName(std::string_view name);

// Bytes of a row of `elements`. Requires: a multiple of the block size.
size_t RowBytes(DType type, size_t elements);

// Expands `out.size()` elements (a multiple of the block size) starting at `data`,
// to the bit as ggml's reference does. `data` needs no alignment.
void Dequantize(DType type, const std::byte* data, std::span<float> out);

// What the sixteen codes of IQ4_NL stand for, in units of a block's scale.
inline constexpr int8_t kIq4NlValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                            1,    13,   25,  38,  53,  69,  89,  113};

// IEEE binary16 and bfloat16, round to nearest even.
float F16ToF32(uint16_t value);
uint16_t F32ToF16(float value);
float BF16ToF32(uint16_t value);
uint16_t F32ToBF16(float value);

}  // namespace lathe::tensor
