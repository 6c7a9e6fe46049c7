// Every tensor type a GGUF file may name, also those Lathe cannot compute with, so
// that a file that uses one can still be checked and shown.
//
// Thread-safe: free functions only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lathe::modelfile {

struct GgmlType {
    uint32_t number;
    std::string_view name;
    uint32_t block_size;  // elements
    uint32_t block_bytes;
};

// nullptr for a number that no published version of the format assigns.
const GgmlType* FindGgmlType(uint32_t number);

// "IQ2_XS", or "#77".
std::string GgmlTypeName(uint32_t number);

// "F32, F16, Q4_0, ...": those with a tensor::DType.
std::string SupportedTypeNames();

}  // namespace lathe::modelfile
