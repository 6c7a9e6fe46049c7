#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/platform/team.h"
#include "learn/quant/encode.h"
#include "learn/quant/plan.h"

namespace lathe::quant {

// How much an error in each input column of a matrix weighs, by the tensor's name.
using Importance = std::map<std::string, std::vector<float>, std::less<>>;

struct QuantizeOptions {
    const EncodeTable* table = nullptr;
    const Importance* importance = nullptr;  // null: none
    std::stop_token stop{};
    // Elements done, of how many; from one thread at a time.
    std::function<void(uint64_t done, uint64_t total)> progress{};
};

// Writes `source` with the types of `plan` to the GGUF file `path`, which appears when it is
// whole. A tensor that has its type already is copied. The team works on ranges of rows of
// kUnitElements, each read, encoded and written on its own, so that memory stays at a few
// megabytes a worker whatever the model's size; pages of the source are dropped behind.
//
// Errors: kCancelled when stopped; a value that cannot be encoded (tensor named); no room
// on the disk. Nothing is left at `path` then.
constexpr uint64_t kUnitElements = 1 << 18;
Status WriteQuantized(const Source& source, const Plan& plan, modelfile::GgufMetadata metadata,
                      const std::filesystem::path& path, platform::Team& team,
                      const QuantizeOptions& options);

}  // namespace lathe::quant
