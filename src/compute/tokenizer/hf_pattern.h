#pragma once

#include "compute/tokenizer/hf_json.h"
#include "compute/tokenizer/split_pattern.h"

namespace lathe::tokenizer {

struct HfPattern {
    SplitPattern pattern;
    size_t bytes_min = 1;  // no match is shorter
};

// The `pattern` of a Replace or Split: {"String": ...} or {"Regex": ...}.
Result<HfPattern> ReadPattern(const HfObject& object);

}  // namespace lathe::tokenizer
