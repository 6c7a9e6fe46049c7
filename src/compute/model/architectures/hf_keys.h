#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/model/config.h"
#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::model {

// What transformers assumes where a config.json leaves a key out; 0: the key is
// required (or for kv_head_count and head_dim: derived).
struct HfDefaults {
    uint32_t vocab_size = 0;
    uint32_t context_length = 0;
    uint32_t width = 0;
    uint32_t layer_count = 0;
    uint32_t head_count = 0;
    uint32_t kv_head_count = 0;
    uint32_t head_dim = 0;
    uint32_t feed_forward_width = 0;
    float rope_base = 10000;
    bool tied_head = false;
    std::string_view activation = "silu";
};

// The keys of a config.json, each checked for type and range; null counts as absent.
// Errors name the key, its value and what is expected. Const-safe; borrows the JSON.
class HfKeys {
public:
    // Requires: `json` is an object.
    explicit HfKeys(const Json& json) : json_(json) {}

    // nullptr if absent or null.
    const Json* Find(std::string_view key) const;
    // Also true for a null.
    bool Stated(std::string_view key) const { return json_.contains(std::string(key)); }

    Result<uint32_t> Count(std::string_view key, uint32_t max) const;  // 1 to max
    Result<uint32_t> CountOr(std::string_view key, uint32_t fallback, uint32_t max) const;
    Result<float> RealOr(std::string_view key, float fallback) const;
    // A null means none (0), an absent key the default.
    Result<float> SoftcapOr(std::string_view key, float fallback) const;
    Result<bool> BoolOr(std::string_view key, bool fallback) const;
    Result<std::string> StringOr(std::string_view key, std::string_view fallback) const;

    // Which layers slide by "layer_types", if the config has them.
    Result<std::optional<std::vector<bool>>> LayerTypes(uint32_t layer_count) const;

    // An error if `key` is present and not false, 0, empty or absent.
    Status Refuse(std::string_view key, std::string_view why) const;

private:
    const Json& json_;
};

// The rotary embedding of `layer_type` ("full_attention", "sliding_attention"), from
// "rope_parameters" (transformers 5) or "rope_theta" and "rope_scaling".
Result<RopeConfig> ReadHfRope(const HfKeys& keys, const ModelConfig& config,
                              std::string_view layer_type, float default_base);

// Sizes, vocabulary, norm, activation, rotary embedding.
Result<ModelConfig> ReadHfCommon(const HfKeys& keys, const HfDefaults& defaults);

}  // namespace lathe::model
