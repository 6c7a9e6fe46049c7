#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace lathe::modelfile {

// The JSON header of a safetensors file as written, offsets not yet compared with
// anything.
struct SafetensorsHeader {
    struct Tensor {
        std::string name;
        std::string type_name;
        std::vector<uint64_t> shape;
        std::array<uint64_t, 2> offsets = {};
    };
    std::vector<Tensor> tensors;
    std::map<std::string, std::string> metadata;
};

// Stops at the first thing that the format does not allow, so memory is bounded by a
// small multiple of the text. Duplicate keys are errors.
Result<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json);

}  // namespace lathe::modelfile
