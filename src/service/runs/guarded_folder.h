#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace lathe::runs {

// May it be the name of an entry? One part of a path without control characters, not hidden, of at
// most 200 bytes: no "..", no '/', nothing that a terminal or a log would obey.
bool IsPlainName(std::string_view name);

// A folder held open, whose entries are reached through it alone: only plain names, no
// symbolic links, only regular files and folders. What a name was when it was looked at
// is what is read, whoever renames it meanwhile.
//
// Const-safe. Errors: kNotFound for what is not there or not plain, kInvalidArgument for
// what is too long, else as platform::ErrnoError.
class GuardedFolder {
public:
    // Follows links: the path is the user's own choice.
    static Result<GuardedFolder> Open(const std::filesystem::path& path);
    GuardedFolder(GuardedFolder&& other) noexcept
        : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
    GuardedFolder& operator=(GuardedFolder&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~GuardedFolder();

    Result<GuardedFolder> Enter(std::string_view name) const;
    Result<std::string> Read(std::string_view name, uint64_t bytes_max) const;
    // Calls `line` with each line in order, without its end, until it returns false. A last
    // line without an end is being written, and left out. Error: a line is too long.
    Status ReadLines(std::string_view name, uint64_t line_bytes_max,
                     const std::function<bool(std::string_view)>& line) const;
    // Plain names in order, at most so many.
    std::vector<std::string> Names(size_t count_max) const;

    // Changes whenever the file is replaced. Nothing if there is no such regular file.
    struct Stamp {
        uint64_t inode = 0;
        int64_t modified_ns = 0;
        uint64_t bytes = 0;
        bool operator==(const Stamp&) const = default;
    };
    std::optional<Stamp> StampOf(std::string_view name) const;
    bool Has(std::string_view name) const { return StampOf(name).has_value(); }

    const std::filesystem::path& path() const { return path_; }

private:
    GuardedFolder(std::filesystem::path path, int descriptor)
        : path_(std::move(path)), descriptor_(descriptor) {}
    Result<int> OpenEntry(std::string_view name, int flags) const;

    std::filesystem::path path_;
    int descriptor_ = -1;
};

}  // namespace lathe::runs
