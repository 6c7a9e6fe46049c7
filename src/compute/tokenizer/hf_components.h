// The parts of a tokenizer.json besides model and added tokens. Each function takes the
// value of its key (nullptr: missing or null); an unknown type or setting is an error
// (kUnimplemented) that names it and lists what is supported.
#pragma once

#include <vector>

#include "compute/tokenizer/hf_json.h"
#include "compute/tokenizer/model.h"

namespace lathe::tokenizer {

Result<Normalizer> ReadNormalizer(const HfJson* json);

struct HfPreTokenizer {
    PreTokenizer steps;
    bool byte_level = false;  // what follows works on bytes
};
Result<HfPreTokenizer> ReadPreTokenizer(const HfJson* json);

Result<DecodeRules> ReadDecoder(const HfJson* json);

struct HfAffixes {  // what post-processing puts around one text
    std::vector<int64_t> prefix;
    std::vector<int64_t> suffix;
};
Result<HfAffixes> ReadPostProcessor(const HfJson* json);

}  // namespace lathe::tokenizer
