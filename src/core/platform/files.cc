#include "core/platform/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace lathe::platform {
namespace {

Code CodeOfErrno(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR: return Code::kNotFound;
        case EACCES:
        case EPERM:
        case EROFS: return Code::kPermissionDenied;
        case EEXIST: return Code::kAlreadyExists;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
        case EMFILE:
        case ENFILE:
        case ENOMEM: return Code::kResourceExhausted;
        case EISDIR: return Code::kInvalidArgument;
        default: return Code::kInternal;
    }
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const { return fd_; }

private:
    int fd_;
};

// 0, or the errno of the first failure.
int WriteAll(int fd, std::string_view content) {
    while (!content.empty()) {
        ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        content.remove_prefix(static_cast<size_t>(written));
    }
    return ::fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

Error ErrnoError(int error_number, std::string_view what, const std::filesystem::path& path) {
    std::string message = fmt::format("{} {}: {}", what, path.string(),
                                      std::generic_category().message(error_number));
    if (error_number == ENOSPC || error_number == EDQUOT) {
        std::error_code ignored;
        auto space = std::filesystem::space(path.parent_path().empty() ? "." : path.parent_path(),
                                            ignored);
        if (!ignored)
            message += fmt::format(" ({} MiB free there; free some or set LATHE_HOME elsewhere)",
                                   space.available >> 20);
    }
    return Error{CodeOfErrno(error_number), std::move(message), ""};
}

Result<std::string> ReadFile(const std::filesystem::path& path, uint64_t bytes_max) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return std::unexpected(ErrnoError(errno, "cannot open", path));
    std::string content;
    char buffer[1 << 16];
    for (;;) {
        ssize_t count = ::read(file.get(), buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(ErrnoError(errno, "cannot read", path));
        if (count == 0) return content;
        if (content.size() + static_cast<size_t>(count) > bytes_max)
            return InvalidArgument("{} is longer than the limit of {} bytes", path.string(),
                                   bytes_max);
        content.append(buffer, static_cast<size_t>(count));
    }
}

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view content) {
    std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
    int error = 0;
    {
        Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (file.get() < 0) return std::unexpected(ErrnoError(errno, "cannot create", temporary));
        error = WriteAll(file.get(), content);
    }
    if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) {
        ::unlink(temporary.c_str());
        return std::unexpected(ErrnoError(error, "cannot write", path));
    }
    return {};
}

Result<std::filesystem::path> LatheHome() {
    auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::filesystem::path(value ? value : "");
    };
    if (auto home = variable("LATHE_HOME"); !home.empty()) return home;
    if (auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "lathe";
    if (auto user = variable("HOME"); !user.empty()) return user / ".cache" / "lathe";
    return MakeError(Code::kFailedPrecondition,
                     "neither LATHE_HOME nor HOME is set; set LATHE_HOME to a directory for models");
}

}  // namespace lathe::platform
