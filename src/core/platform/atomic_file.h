#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "core/base/result.h"

namespace lathe::platform {

// A large file that appears under its name only when it is whole. Until Commit() the
// content has no name at all where the file system can do that, so that nothing is left
// even by a process that is killed; elsewhere it lies beside `path` as PATH.PID.tmp and
// goes with the object.
//
//   Create -> WriteAt (any order, any threads) -> Commit
//
// WriteAt is thread-safe; the rest one thread at a time.
class AtomicFile {
public:
    // Reserves `bytes` on disk, so that a full one is noticed now. Errors: as ErrnoError.
    static Result<AtomicFile> Create(const std::filesystem::path& path, uint64_t bytes);

    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&& other) noexcept;
    ~AtomicFile();

    Status WriteAt(uint64_t offset, std::span<const std::byte> content);

    // Syncs the content, gives it its name (replacing what had it) and syncs the folder.
    Status Commit();

private:
    AtomicFile() = default;
    Status Reserve(uint64_t bytes);

    std::filesystem::path path_;
    std::filesystem::path temporary_;  // "" while the content has no name
    int fd_ = -1;
};

}  // namespace lathe::platform
