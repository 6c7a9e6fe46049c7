#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compute/tensor/tensor_view.h"
#include "core/base/result.h"
#include "core/platform/mapped_file.h"

namespace lathe::modelfile {

// A tensor of any element type the format knows.
struct SafetensorsEntry {
    std::string name;
    std::string type_name;  // "F32", "I64", ...
    std::vector<uint64_t> shape;
    std::span<const std::byte> data;
    std::optional<tensor::DType> type;  // F32, F16 or BF16
};

// A safetensors file, mapped into memory and checked: the header is JSON of the one
// form the format allows, names are unique, every tensor has just the bytes its type
// and shape need, and the tensors fill the file without gaps or overlaps.
//
// Layout: u64 header length N, N bytes JSON {"name": {"dtype", "shape",
// "data_offsets": [begin, end]}, "__metadata__": {string: string}}, tensor data.
//
// Data are views into the map; they live as long as the object, also when it is moved.
// Const-safe.
class Safetensors {
public:
    static constexpr uint64_t kHeaderBytesMax = 100'000'000;
    static constexpr size_t kDimensionsMax = 16;

    // Errors name the file, what in it is wrong and what to do.
    static Result<Safetensors> Open(const std::filesystem::path& path);

    // A file already in memory, which must outlive the object. `name` is for messages.
    static Result<Safetensors> Parse(std::span<const std::byte> bytes, const std::string& name);

    std::span<const SafetensorsEntry> entries() const { return entries_; }  // in the header's order
    const SafetensorsEntry* Find(std::string_view name) const;              // nullptr if absent
    const std::map<std::string, std::string>& metadata() const { return metadata_; }
    uint64_t file_bytes() const { return file_bytes_; }

    // Lets the kernel drop the pages of `data` if it lies in this file; false if not.
    bool DropPages(std::span<const std::byte> data) const;

private:
    Safetensors() = default;

    platform::MappedFile file_;
    uint64_t file_bytes_ = 0;
    std::vector<SafetensorsEntry> entries_;
    std::map<std::string_view, size_t> index_;  // into entries_
    std::map<std::string, std::string> metadata_;
};

}  // namespace lathe::modelfile
