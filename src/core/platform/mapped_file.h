#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "core/base/result.h"

namespace lathe::platform {

// A whole file mapped read-only. The bytes stay valid as long as the object; a
// move keeps their address. An empty file maps to an empty span.
//
// Const-safe.
class MappedFile {
public:
    // Errors: kNotFound, kPermissionDenied, kInvalidArgument for what is no regular file.
    static Result<MappedFile> Open(const std::filesystem::path& path);

    MappedFile() = default;
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    std::span<const std::byte> bytes() const { return {data_, size_}; }

    // Tells the kernel that the pages of `range` are not needed any more; they are
    // read again from the file if touched. `range` lies inside bytes().
    void DropPages(std::span<const std::byte> range) const;

private:
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace lathe::platform
