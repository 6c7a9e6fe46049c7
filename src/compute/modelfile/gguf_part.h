#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compute/modelfile/gguf_value.h"
#include "compute/tensor/tensor_view.h"
#include "core/base/result.h"

namespace lathe::modelfile {

struct GgufEntry {
    std::string_view key;
    GgufValue value;
};

// A tensor whose type Lathe cannot compute with.
struct GgufUnsupportedTensor {
    std::string name;
    std::string type_name;        // "IQ2_XS"
    std::vector<uint64_t> shape;  // outermost first
    uint64_t bytes = 0;           // 0 if the type is not known at all
};

struct GgufLimits {
    static constexpr uint64_t kTensorsMax = 1'000'000;
    static constexpr uint64_t kMetadataMax = 1'000'000;
    static constexpr size_t kNameBytesMax = 1024;  // of a tensor
    static constexpr size_t kKeyBytesMax = 65535;  // of a metadata key
    static constexpr uint32_t kDimensionsMax = 4;
    static constexpr uint32_t kAlignmentMax = 1u << 20;
    static constexpr uint32_t kPartsMax = 1024;  // files of a split model
};

// What one GGUF file holds. Views borrow the file's bytes.
struct GgufPart {
    uint32_t version = 0;
    std::vector<GgufEntry> metadata;                              // in the file's order
    std::unordered_map<std::string_view, size_t> metadata_index;  // into metadata
    std::vector<tensor::TensorView> tensors;                      // in the file's order
    std::vector<GgufUnsupportedTensor> unsupported;

    const GgufValue* Find(std::string_view key) const;  // nullptr if absent
};

// Reads and checks the structure of one file; `name` is for messages. Memory stays
// proportional to the header entries that are really present.
// Layout: "GGUF" u32 version, u64 tensor count, u64 metadata count; metadata as
// key, u32 type, value; per tensor name, u32 rank, u64 dimensions (innermost first),
// u32 type, u64 offset; padding; tensor data.
Result<GgufPart> ParseGgufPart(std::span<const std::byte> bytes, std::string_view name);

}  // namespace lathe::modelfile
