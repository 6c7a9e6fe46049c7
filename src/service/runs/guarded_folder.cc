#include "service/runs/guarded_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/platform/files.h"

namespace lathe::runs {
namespace {

constexpr size_t kNameBytesMax = 200;
constexpr size_t kReadBytes = 1u << 16;

// Closes a descriptor.
struct Descriptor {
    int number;
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { ::close(number); }
};

Result<size_t> ReadSome(int descriptor, std::string& buffer, const std::filesystem::path& path) {
    for (;;) {
        ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        if (count >= 0) return static_cast<size_t>(count);
        if (errno != EINTR)
            return std::unexpected(platform::ErrnoError(errno, "cannot read", path));
    }
}

}  // namespace

bool IsPlainName(std::string_view name) {
    return !name.empty() && name.size() <= kNameBytesMax && name.front() != '.' &&
           std::ranges::none_of(
               name, [](unsigned char c) { return c < ' ' || c == 0x7f || c == '/' || c == '\\'; });
}

Result<GuardedFolder> GuardedFolder::Open(const std::filesystem::path& path) {
    int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return std::unexpected(platform::ErrnoError(errno, "cannot open the folder", path));
    return GuardedFolder(path, descriptor);
}

GuardedFolder::~GuardedFolder() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<int> GuardedFolder::OpenEntry(std::string_view name, int flags) const {
    if (!IsPlainName(name))
        return MakeError(Code::kNotFound, "there is no such entry: a name without '/' is wanted");
    // O_NONBLOCK: a pipe must not make us wait for its writer.
    int descriptor = ::openat(descriptor_, std::string(name).c_str(),
                              O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | flags);
    if (descriptor >= 0) return descriptor;
    if (errno == ELOOP || errno == ENOTDIR)
        return MakeError(Code::kNotFound, "{} is a symbolic link or not what it should be",
                         (path_ / name).string());
    return std::unexpected(platform::ErrnoError(errno, "cannot open", path_ / name));
}

Result<GuardedFolder> GuardedFolder::Enter(std::string_view name) const {
    LATHE_TRY(int descriptor, OpenEntry(name, O_DIRECTORY));
    return GuardedFolder(path_ / name, descriptor);
}

Result<std::string> GuardedFolder::Read(std::string_view name, uint64_t bytes_max) const {
    LATHE_TRY(int number, OpenEntry(name, 0));
    Descriptor file(number);
    struct stat facts{};
    if (::fstat(file.number, &facts) != 0 || !S_ISREG(facts.st_mode))
        return MakeError(Code::kNotFound, "{} is not a file", (path_ / name).string());
    std::string all, buffer(kReadBytes, '\0');
    for (;;) {
        LATHE_TRY(size_t count, ReadSome(file.number, buffer, path_ / name));
        if (count == 0) return all;
        if (all.size() + count > bytes_max)
            return InvalidArgument("{} is longer than {} bytes, which is too much to show",
                                   (path_ / name).string(), bytes_max);
        all.append(buffer, 0, count);
    }
}

Status GuardedFolder::ReadLines(std::string_view name, uint64_t line_bytes_max,
                                const std::function<bool(std::string_view)>& line) const {
    LATHE_TRY(int number, OpenEntry(name, 0));
    Descriptor file(number);
    struct stat facts{};
    if (::fstat(file.number, &facts) != 0 || !S_ISREG(facts.st_mode))
        return MakeError(Code::kNotFound, "{} is not a file", (path_ / name).string());
    std::string begun, buffer(kReadBytes, '\0');
    for (;;) {
        LATHE_TRY(size_t count, ReadSome(file.number, buffer, path_ / name));
        if (count == 0) return {};
        std::string_view rest(buffer.data(), count);
        while (!rest.empty()) {
            size_t end = std::min(rest.find('\n'), rest.size());
            begun += rest.substr(0, end);
            if (begun.size() > line_bytes_max)
                return InvalidArgument("{}: a line is longer than {} bytes",
                                       (path_ / name).string(), line_bytes_max);
            if (end == rest.size()) break;
            if (!line(begun)) return {};
            begun.clear();
            rest.remove_prefix(end + 1);
        }
    }
}

std::vector<std::string> GuardedFolder::Names(size_t count_max) const {
    std::vector<std::string> names;
    // A stream of its own, since reading moves a position.
    int descriptor = ::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return names;
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(descriptor), ::closedir);
    if (!stream) {
        ::close(descriptor);
        return names;
    }
    while (const dirent* entry = ::readdir(stream.get())) {
        if (names.size() == count_max) break;
        if (IsPlainName(entry->d_name)) names.emplace_back(entry->d_name);
    }
    std::ranges::sort(names);
    return names;
}

std::optional<GuardedFolder::Stamp> GuardedFolder::StampOf(std::string_view name) const {
    struct stat facts{};
    if (!IsPlainName(name) ||
        ::fstatat(descriptor_, std::string(name).c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(facts.st_mode))
        return std::nullopt;
    return Stamp{facts.st_ino,
                 static_cast<int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec,
                 static_cast<uint64_t>(facts.st_size)};
}

}  // namespace lathe::runs
