#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/modelfile/gguf_value.h"
#include "core/base/result.h"
#include "core/platform/atomic_file.h"

namespace lathe::modelfile {

// The metadata of a GGUF file to be written, in order. Setting a key that is there
// replaces its value in its place. Const-safe.
class GgufMetadata {
public:
    void SetU32(std::string_view key, uint32_t value);
    void SetF32(std::string_view key, float value);
    void SetBool(std::string_view key, bool value);
    void SetString(std::string_view key, std::string_view value);
    void SetStrings(std::string_view key, std::span<const std::string> values);
    void SetI32s(std::string_view key, std::span<const int32_t> values);
    void SetF32s(std::string_view key, std::span<const float> values);
    void SetBools(std::string_view key, const std::vector<bool>& values);
    void Set(std::string_view key, const GgufValue& value);  // as another file has it
    void Remove(std::string_view key);                       // if it is there
    bool Has(std::string_view key) const;

    size_t size() const { return entries_.size(); }
    void AppendTo(std::string& bytes) const;  // in the file's form

private:
    struct Entry {
        std::string key;
        std::string bytes;  // type and value
    };
    void SetBytes(std::string_view key, std::string bytes);

    std::vector<Entry> entries_;
};

// What a tensor of the file is; its bytes come later.
struct GgufTensor {
    std::string name;
    uint32_t type = 0;            // a GgmlType number
    std::vector<uint64_t> shape;  // outermost first
};

// Writes a GGUF file (version 3, alignment 32): the header first, from then on any part of
// any tensor in any order. The file appears under its name with Finish() (AtomicFile).
//
// Write is thread-safe; the rest one thread at a time.
class GgufWriter {
public:
    static constexpr uint64_t kAlignment = 32;

    // Errors: kResourceExhausted if the disk has no room for the whole file; as
    // AtomicFile's. Requires: types of FindGgmlType, rows of whole blocks.
    static Result<GgufWriter> Create(const std::filesystem::path& path, GgufMetadata metadata,
                                     std::span<const GgufTensor> tensors);

    // Bytes [offset, ...) of a tensor. Requires: they lie inside it.
    Status Write(size_t tensor, uint64_t offset, std::span<const std::byte> bytes);

    // Requires: every byte of every tensor has been written.
    Status Finish();

    uint64_t file_bytes() const { return file_bytes_; }

    // Of the whole file, without writing it.
    static uint64_t FileBytes(const GgufMetadata& metadata, std::span<const GgufTensor> tensors);

private:
    struct Place {
        uint64_t begin = 0;  // in the file
        uint64_t bytes = 0;
    };
    explicit GgufWriter(platform::AtomicFile file) : file_(std::move(file)) {}

    platform::AtomicFile file_;
    std::vector<Place> places_;  // [tensor]
    uint64_t file_bytes_ = 0;
};

}  // namespace lathe::modelfile
