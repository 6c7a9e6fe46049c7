#include <cstdint>
#include <span>

#include "compute/model/config_invariants.h"
#include "compute/modelfile/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto file = lathe::modelfile::Gguf::Parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
    if (!file) return 0;
    if (auto config = lathe::model::ConfigFromGguf(*file)) lathe::model::AbortUnlessSound(*config);
    return 0;
}
