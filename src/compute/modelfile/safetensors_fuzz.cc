#include <cstdint>
#include <cstdlib>

#include "compute/modelfile/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto file = lathe::modelfile::Safetensors::Parse(std::as_bytes(std::span(data, size)),
                                                     "fuzz.safetensors");
    if (!file) {
        if (!file.error().message.starts_with("fuzz.safetensors: ")) std::abort();
        return 0;
    }
    size_t total = 0;
    for (const lathe::modelfile::SafetensorsEntry& entry : file->entries()) {
        total += entry.data.size();
        if (file->Find(entry.name) != &entry) std::abort();
        if (entry.data.empty()) continue;
        volatile std::byte ends = entry.data.front() | entry.data.back();
        static_cast<void>(ends);
    }
    if (total > size) std::abort();  // tensors would overlap
    return 0;
}
