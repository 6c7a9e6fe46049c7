#include "core/platform/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/platform/files.h"

namespace lathe::platform {
namespace {

std::filesystem::path FolderOf(const std::filesystem::path& path) {
    return path.parent_path().empty() ? "." : path.parent_path();
}

std::filesystem::path TemporaryName(const std::filesystem::path& path) {
    return fmt::format("{}.{}.tmp", path.string(), ::getpid());
}

}  // namespace

Result<AtomicFile> AtomicFile::Create(const std::filesystem::path& path, uint64_t bytes) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        return InvalidArgument("{} is a folder; name a file", path.string());
    AtomicFile file;
    file.path_ = path;
    file.fd_ = ::open(FolderOf(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (file.fd_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        std::filesystem::path temporary = TemporaryName(path);
        file.fd_ = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (file.fd_ >= 0) file.temporary_ = temporary;
    }
    if (file.fd_ < 0) return std::unexpected(ErrnoError(errno, "cannot create", path));
    LATHE_RETURN_IF_ERROR(file.Reserve(bytes));
    return file;
}

Status AtomicFile::Reserve(uint64_t bytes) {
    auto size = static_cast<off_t>(bytes);
    if (bytes == 0 || ::fallocate(fd_, 0, 0, size) == 0) return {};
    // Not every file system can reserve; then a full disk shows when it is written to.
    bool cannot = errno == EOPNOTSUPP || errno == ENOSYS;
    if (cannot && ::ftruncate(fd_, size) == 0) return {};
    return std::unexpected(
        ErrnoError(errno, fmt::format("cannot reserve {} MiB for", bytes >> 20), path_));
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(temporary_, other.temporary_);
    std::swap(fd_, other.fd_);
    return *this;
}

AtomicFile::~AtomicFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status AtomicFile::WriteAt(uint64_t offset, std::span<const std::byte> content) {
    auto begin = static_cast<off_t>(offset);
    auto bytes = static_cast<off_t>(content.size());
    while (!content.empty()) {
        ssize_t written = ::pwrite(fd_, content.data(), content.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(ErrnoError(errno, "cannot write", path_));
        content = content.subspan(static_cast<size_t>(written));
        offset += static_cast<uint64_t>(written);
    }
    // The disk works while the next part is computed, so that Commit() has little to wait for.
    ::sync_file_range(fd_, begin, bytes, SYNC_FILE_RANGE_WRITE);
    return {};
}

Status AtomicFile::Commit() {
    if (::fsync(fd_) != 0) return std::unexpected(ErrnoError(errno, "cannot write", path_));
    if (temporary_.empty()) {
        // A name can be given to nameless content only where there is none yet.
        std::filesystem::path temporary = TemporaryName(path_);
        std::string self = fmt::format("/proc/self/fd/{}", fd_);
        ::unlink(temporary.c_str());
        if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, temporary.c_str(), AT_SYMLINK_FOLLOW) != 0)
            return std::unexpected(ErrnoError(errno, "cannot write", path_));
        temporary_ = temporary;
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
        return std::unexpected(ErrnoError(errno, "cannot write", path_));
    temporary_.clear();
    int folder = ::open(FolderOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    return {};
}

}  // namespace lathe::platform
