#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compute/modelfile/gguf_part.h"
#include "compute/modelfile/gguf_value.h"
#include "compute/tensor/tensor_view.h"
#include "core/base/result.h"
#include "core/platform/mapped_file.h"

namespace lathe::modelfile {

enum class UnsupportedTypes {
    kRefuse,  // the error names the tensor, its type and the supported ones
    kKeep,    // listed by unsupported_tensors(), to show the file
};

// A GGUF model file (version 2 or 3, little endian), mapped into memory, with all of
// its structure checked: every offset, length, type, alignment and string lies inside
// the file, names are unique, tensors do not overlap. Work and memory are bounded by
// the header that is really there, whatever the counts in it claim (GgufLimits).
//
// Opening any part of a split model (NAME-00001-of-00003.gguf) opens all of them.
//
// Strings, values and tensor bytes are views into the map: they live as long as the
// object, also when it is moved. Const-safe.
class Gguf {
public:
    // Errors name the file, what in it is wrong and what to do.
    static Result<Gguf> Open(const std::filesystem::path& path,
                             UnsupportedTypes unsupported = UnsupportedTypes::kRefuse);

    // A single file already in memory, which must outlive the object. `name` is for
    // messages.
    static Result<Gguf> Parse(std::span<const std::byte> bytes, const std::string& name,
                              UnsupportedTypes unsupported = UnsupportedTypes::kRefuse);

    const std::filesystem::path& path() const { return path_; }  // the one that was opened
    uint32_t version() const { return content_.version; }
    size_t part_count() const { return part_count_; }
    uint64_t file_bytes() const { return file_bytes_; }  // of all parts

    // In the order of the file; of a split model, the first part's.
    std::span<const GgufEntry> metadata() const { return content_.metadata; }
    const GgufValue* Find(std::string_view key) const { return content_.Find(key); }

    // Errors: kNotFound if the key is absent, kInvalidArgument if its value is of
    // another type; both name file and key.
    Result<uint64_t> GetUnsigned(std::string_view key) const;
    Result<double> GetReal(std::string_view key) const;
    Result<bool> GetBool(std::string_view key) const;
    Result<std::string_view> GetString(std::string_view key) const;
    Result<std::vector<int64_t>> GetIntegers(std::string_view key) const;
    Result<std::vector<float>> GetFloats(std::string_view key) const;
    Result<std::vector<std::string_view>> GetStrings(std::string_view key) const;

    // In the order of the file(s).
    std::span<const tensor::TensorView> tensors() const { return content_.tensors; }
    const tensor::TensorView* FindTensor(std::string_view name) const;  // nullptr if absent
    std::span<const GgufUnsupportedTensor> unsupported_tensors() const {
        return content_.unsupported;
    }

    // Lets the kernel drop the pages of a tensor that has been copied elsewhere.
    void DropPages(const tensor::TensorView& view) const;

private:
    Gguf() = default;
    // Parses every part; the metadata is the first's.
    Status ReadParts(std::span<const std::filesystem::path> paths);
    Status Finish(UnsupportedTypes unsupported);

    std::filesystem::path path_;
    size_t part_count_ = 1;
    uint64_t file_bytes_ = 0;
    std::vector<platform::MappedFile> files_;
    GgufPart content_;
    std::map<std::string_view, size_t> tensor_index_;  // into content_.tensors
};

}  // namespace lathe::modelfile
