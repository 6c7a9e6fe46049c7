#include <cstdint>
#include <cstdlib>

#include "compute/modelfile/gguf.h"

namespace {

// Reads every value in every way, and the ends of every tensor: what the parser let
// through must lie inside the file.
void ReadAll(const lathe::modelfile::Gguf& file) {
    size_t sum = 0;
    for (const auto& [key, value] : file.metadata()) {
        sum += value.Describe(64).size() + value.ToUnsigned().value_or(0);
        sum += static_cast<size_t>(value.ToSigned().value_or(0));
        sum += value.ToReal().has_value() + value.ToBool().value_or(false);
        for (char letter : value.ToString().value_or("")) sum += static_cast<uint8_t>(letter);
        if (auto integers = value.ToIntegers()) sum += integers->size();
        if (auto floats = value.ToFloats()) sum += floats->size();
        if (auto strings = value.ToStrings())
            for (std::string_view text : *strings) sum += text.empty() ? 0 : text.back();
        if (file.Find(key) != &value) std::abort();
    }
    for (const lathe::tensor::TensorView& view : file.tensors()) {
        if (file.FindTensor(view.name) != &view) std::abort();
        if (view.data.size() != lathe::tensor::RowBytes(view.type, view.cols()) * view.rows())
            std::abort();
        sum += static_cast<size_t>(view.data.front()) + static_cast<size_t>(view.data.back());
    }
    volatile size_t keep = sum;
    static_cast<void>(keep);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto file = lathe::modelfile::Gguf::Parse(std::as_bytes(std::span(data, size)), "fuzz.gguf",
                                              lathe::modelfile::UnsupportedTypes::kKeep);
    if (file) {
        ReadAll(*file);
    } else if (!file.error().message.starts_with("fuzz.gguf: ")) {
        std::abort();
    }
    return 0;
}
