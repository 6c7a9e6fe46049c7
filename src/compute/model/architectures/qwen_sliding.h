#pragma once

#include "compute/model/architectures/hf_keys.h"
#include "compute/model/architectures/limits.h"

namespace lathe::model {

// Qwen's optional sliding window: only with "use_sliding_window", and only in the
// layers from "max_window_layers" on. Thread-safe.
inline Status ReadQwenSliding(const HfKeys& keys, ModelConfig& config) {
    LATHE_TRY(bool slides, keys.BoolOr("use_sliding_window", false));
    if (!slides || !keys.Find("sliding_window")) return {};
    LATHE_TRY(config.sliding_window, keys.Count("sliding_window", kContextMax));
    LATHE_TRY(std::optional<std::vector<bool>> types, keys.LayerTypes(config.layer_count));
    if (types) {
        config.layer_slides = *types;
        return {};
    }
    LATHE_TRY(float first, keys.RealOr("max_window_layers", 28));
    for (uint32_t i = 0; i < config.layer_count; ++i)
        config.layer_slides[i] = static_cast<float>(i) >= first;
    return {};
}

}  // namespace lathe::model
