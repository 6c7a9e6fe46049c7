// The largest model that is accepted: beyond any published one, and small enough
// that products of two sizes fit 64 bits and a hostile file cannot ask for absurd
// amounts of work or memory.
#pragma once

#include <cstdint>

#include "compute/kernels/table.h"

namespace lathe::model {

constexpr uint32_t kLayersMax = 1024;
constexpr uint32_t kWidthMax = 1u << 17;  // residual stream, and all heads together
constexpr uint32_t kHeadsMax = 4096;
constexpr uint32_t kHeadDimMax = kernels::kHeadDimMax;
constexpr uint32_t kFeedForwardMax = 1u << 20;
constexpr uint32_t kVocabularyMax = 1u << 24;
constexpr uint32_t kContextMax = 1u << 30;  // tokens

}  // namespace lathe::model
