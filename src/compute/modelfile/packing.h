#pragma once

#include <cstdint>
#include <optional>

#include "core/base/result.h"
#include "core/json/json.h"

namespace lathe::modelfile {

// How a checkpoint has packed its matrices into integers.
enum class PackingKind {
    kGptq,    // AutoGPTQ: eight inputs a word; zero points are stored one lower
    kGptqV2,  // the same with zero points as they are
    kAwq,     // AutoAWQ's "gemm": eight outputs a word, in the order 0 2 4 6 1 3 5 7
};

struct Packing {
    PackingKind kind = PackingKind::kGptq;
    uint64_t group_size = 0;  // inputs that share scale and zero point; 0: all of them
};

// What "quantization_config" of a config.json says; nullopt if there is none. Errors name the
// key, its value and what is supported: GPTQ and AWQ with 4 bits. Thread-safe.
Result<std::optional<Packing>> PackingOf(const Json& config);

}  // namespace lathe::modelfile
