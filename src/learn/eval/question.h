// What a task asks a model, and what the model answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json/json.h"
#include "learn/eval/task_config.h"

namespace lathe::eval {

// One request to the model.
struct ModelRequest {
    enum class Kind : uint8_t {
        kLoglikelihood,  // of `continuation` after `context`
        kRolling,        // of all of `context`
        kGenerate,       // what follows `context`
    };
    Kind kind = Kind::kLoglikelihood;
    std::string context{};
    std::string continuation{};
    std::vector<std::string> images{};  // URLs (image_part.h), for servers that see
};

struct ModelAnswer {
    double loglikelihood = 0;  // natural logarithm
    bool is_greedy = false;    // every token of the continuation was the likeliest
    std::string text;          // of kGenerate
    bool operator==(const ModelAnswer&) const = default;
};

// All requests of one document. `answers` of it: for each request `repeats` of them, one
// after the other.
struct Question {
    size_t document = 0;  // its number in the split
    std::vector<ModelRequest> requests{};
    int64_t repeats = 1;
    const GenerationConfig* generation = nullptr;  // for kGenerate; the task's own
    uint64_t seed = 0;                             // of what is drawn
};

}  // namespace lathe::eval
