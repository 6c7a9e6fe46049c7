#include <cstdint>

#include "compute/model/config_invariants.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto json = lathe::ParseJson({reinterpret_cast<const char*>(data), size});
    if (!json) return 0;
    if (auto config = lathe::model::ConfigFromHuggingFace(*json))
        lathe::model::AbortUnlessSound(*config);
    return 0;
}
