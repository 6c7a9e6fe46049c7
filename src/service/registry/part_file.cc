#include "service/registry/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/json/json.h"
#include "core/platform/files.h"
#include "core/telemetry/progress.h"

namespace lathe::registry {
namespace {

namespace fs = std::filesystem;
using platform::ErrnoError;
using telemetry::FormatCount;

constexpr uint64_t kOriginBytesMax = 64u << 10;

PartOrigin ParseOrigin(std::string_view text) {
    PartOrigin origin;
    auto json = ParseJson(text);
    if (!json || !json->is_object()) return origin;
    auto string = [&](const char* key) {
        auto it = json->find(key);
        return it != json->end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    origin.url = string("url");
    origin.validator = string("validator");
    origin.sha256 = string("sha256");
    if (auto it = json->find("bytes"); it != json->end() && it->is_number_unsigned())
        origin.bytes = it->get<uint64_t>();
    return origin;
}

void SyncFolder(const fs::path& folder) {
    int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

}  // namespace

PartFile::PartFile(PartFile&& other) noexcept
    : target_(std::move(other.target_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_),
      origin_(std::move(other.origin_)),
      hash_(std::move(other.hash_)) {}

PartFile::~PartFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

fs::path PartFile::PartPath() const {
    return fs::path(target_.string() + ".part");
}
fs::path PartFile::OriginPath() const {
    return fs::path(target_.string() + ".part.json");
}

Result<PartFile> PartFile::Open(const fs::path& target, std::stop_token stop) {
    PartFile part(target);
    std::error_code error;
    fs::create_directories(target.parent_path(), error);
    if (error)
        return std::unexpected(ErrnoError(error.value(), "cannot make", target.parent_path()));
    part.descriptor_ = ::open(part.PartPath().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (part.descriptor_ < 0)
        return std::unexpected(ErrnoError(errno, "cannot open", part.PartPath()));
    struct stat status{};
    if (::fstat(part.descriptor_, &status) != 0)
        return std::unexpected(ErrnoError(errno, "cannot look at", part.PartPath()));
    if (status.st_size > 0) {
        LATHE_TRY(part.hash_, HashFile(part.PartPath(), UINT64_MAX, stop));
        part.bytes_ = static_cast<uint64_t>(status.st_size);
        if (auto text = platform::ReadFile(part.OriginPath(), kOriginBytesMax))
            part.origin_ = ParseOrigin(*text);
    }
    return part;
}

Status PartFile::SetOrigin(const PartOrigin& origin) {
    origin_ = origin;
    Json json = {{"url", origin.url},
                 {"validator", origin.validator},
                 {"bytes", origin.bytes},
                 {"sha256", origin.sha256}};
    return platform::WriteFileAtomically(OriginPath(), DumpJson(json) + "\n");
}

Status PartFile::Restart() {
    if (::ftruncate(descriptor_, 0) != 0)
        return std::unexpected(ErrnoError(errno, "cannot empty", PartPath()));
    bytes_ = 0;
    hash_ = Sha256();
    return {};
}

Status PartFile::Append(std::span<const char> bytes) {
    std::span<const char> rest = bytes;
    while (!rest.empty()) {
        ssize_t written =
            ::pwrite(descriptor_, rest.data(), rest.size(), static_cast<off_t>(bytes_));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
            uint64_t missing = origin_.bytes > bytes_ ? origin_.bytes - bytes_ : rest.size();
            return std::unexpected(DiskFull(missing, std::generic_category().message(errno)));
        }
        if (written < 0) return std::unexpected(ErrnoError(errno, "cannot write", PartPath()));
        auto count = static_cast<size_t>(written);
        hash_.Update(rest.first(count));
        bytes_ += count;
        rest = rest.subspan(count);
    }
    return {};
}

Error PartFile::DiskFull(uint64_t needed_bytes, std::string_view reason) const {
    std::error_code error;
    auto space = fs::space(target_.parent_path(), error);
    std::string free =
        error ? "" : fmt::format(", {} free", FormatCount(double(space.available), "B"));
    return Error{Code::kResourceExhausted,
                 fmt::format("{}: {} more needed for {}{} in {}; free some, or set LATHE_HOME to a "
                             "folder elsewhere",
                             reason, FormatCount(double(needed_bytes), "B"),
                             target_.filename().string(), free, target_.parent_path().string()),
                 ""};
}

Status PartFile::CheckSpace(uint64_t bytes) const {
    std::error_code error;
    auto space = fs::space(target_.parent_path(), error);
    if (error || space.available >= bytes) return {};  // not to be known: the write will tell
    return std::unexpected(DiskFull(bytes, "not enough space"));
}

Status PartFile::Commit() {
    if (::fsync(descriptor_) != 0)
        return std::unexpected(ErrnoError(errno, "cannot write", PartPath()));
    if (::rename(PartPath().c_str(), target_.c_str()) != 0)
        return std::unexpected(ErrnoError(errno, "cannot rename", PartPath()));
    ::unlink(OriginPath().c_str());
    SyncFolder(target_.parent_path());
    return {};
}

void PartFile::Discard() {
    ::unlink(PartPath().c_str());
    ::unlink(OriginPath().c_str());
}

}  // namespace lathe::registry
