#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/model/config.h"

namespace lathe::model {

// Cosines and sines of rotary embeddings, one row [dims / 2][2] per position, made in
// blocks when first asked for and kept.
//
// Extend() from one thread while nobody reads; Row() from any.
class RopeTable {
public:
    // `factors` divide the frequencies (Llama 3 GGUF files carry them), or are empty.
    RopeTable(const RopeConfig& config, std::span<const float> factors);

    // Makes rows up to and including `position`.
    void Extend(uint32_t position);

    // Requires: Extend() reached `position`.
    const float* Row(uint32_t position) const {
        return rows_.data() + size_t{position} * 2 * frequencies_.size();
    }
    std::span<const float> frequencies() const { return frequencies_; }
    uint32_t dims() const { return static_cast<uint32_t>(2 * frequencies_.size()); }

private:
    std::vector<float> frequencies_;  // [dims / 2], radians per position
    float amplitude_ = 1;
    std::vector<float> rows_;  // [positions][dims / 2][2]
};

}  // namespace lathe::model
