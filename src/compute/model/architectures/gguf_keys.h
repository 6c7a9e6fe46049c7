#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/model/config.h"
#include "core/base/result.h"

namespace lathe::modelfile {
class Gguf;
}

namespace lathe::model {

// The hyperparameters of a GGUF file: keys without the architecture's prefix
// ("block_count" is "llama.block_count"), each checked for its range. Errors name the
// file, the key, its value and the range. Const-safe; borrows the file.
class GgufKeys {
public:
    GgufKeys(const modelfile::Gguf& file, std::string_view architecture);

    bool Has(std::string_view key) const;
    bool HasTensor(std::string_view name) const;

    Result<uint32_t> Count(std::string_view key, uint32_t max) const;  // 1 to max
    Result<uint32_t> CountOr(std::string_view key, uint32_t fallback, uint32_t max) const;
    Result<float> RealOr(std::string_view key, float fallback) const;
    Result<std::string_view> StringOr(std::string_view key, std::string_view fallback) const;

    // Which layers slide: an array of bools, or a period whose last layer sees all.
    Result<std::vector<bool>> SlidingLayers(std::string_view key, uint32_t default_period,
                                            uint32_t layer_count) const;

private:
    std::string Full(std::string_view key) const;

    const modelfile::Gguf& file_;
    std::string prefix_;
};

// Sizes, vocabulary, norm, rotary embedding, and which optional tensors there are.
Result<ModelConfig> ReadGgufCommon(const modelfile::Gguf& file, const GgufKeys& keys);

}  // namespace lathe::model
