// What every accepted configuration promises; checked by the fuzz targets.
#pragma once

#include <cmath>
#include <cstdlib>

#include "compute/model/config.h"
#include "compute/model/tensor_plan.h"

namespace lathe::model {

inline void AbortUnlessSound(const ModelConfig& c) {
    auto require = [](bool condition) {
        if (!condition) std::abort();
    };
    require(c.layer_count > 0 && c.width > 0 && c.feed_forward_width > 0 && c.vocab_size > 0);
    require(c.context_length > 0 && c.kv_head_count > 0);
    require(c.head_count % c.kv_head_count == 0 && c.head_dim % 2 == 0);
    require(c.query_width() / c.head_dim == c.head_count);
    require(c.layer_slides.size() == c.layer_count);
    for (const RopeConfig* rope : {&c.rope, &c.rope_local})
        require(rope->dims > 0 && rope->dims <= c.head_dim && rope->dims % 2 == 0 &&
                std::isfinite(rope->base) && rope->base > 1 && rope->factor > 0);
    for (bool slides : c.layer_slides) require(!slides || c.sliding_window > 0);
    require(std::isfinite(c.attention_scale) && c.attention_scale > 0);
    uint64_t elements = 0;
    for (const PlannedTensor& tensor : TensorPlan(c)) {
        uint64_t product = 1;
        for (uint64_t size : tensor.shape)
            require(!__builtin_mul_overflow(product, size, &product));
        require(!__builtin_add_overflow(elements, product, &elements));
    }
}

}  // namespace lathe::model
