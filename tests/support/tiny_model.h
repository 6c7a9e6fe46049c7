#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/gguf_builder.h"

namespace lathe::testing_support {

// A complete model of two layers with pseudo-random F32 weights, small enough to be
// written and run in a moment: width 32, 4 query and 2 key heads of 8, MLP 64, 48
// tokens. Edit before Build(): metadata and tensors are kept apart by name, so a test
// can change or remove one. One thread.
struct TinyModel {
    struct Tensor {
        std::vector<uint64_t> shape;
        uint32_t type = 0;  // F32
        std::string data;
    };

    static constexpr uint32_t kVocabulary = 48;

    // llama, qwen2, qwen3, gemma2 or gemma3.
    explicit TinyModel(std::string_view architecture);

    std::string architecture;
    std::map<std::string, uint32_t> counts;  // without the prefix "llama."
    std::map<std::string, float> reals;
    std::map<std::string, std::string> strings;
    std::map<std::string, Tensor> tensors;

    void Add(const std::string& name, const std::vector<uint64_t>& shape);
    std::string Build() const;
};

}  // namespace lathe::testing_support
