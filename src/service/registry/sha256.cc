#include "service/registry/sha256.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/base/check.h"
#include "core/platform/files.h"

namespace lathe::registry {
namespace {
constexpr size_t kBufferBytes = 1u << 20;

std::filesystem::path StampOf(const std::filesystem::path& path) {
    return path.parent_path() / ("." + path.filename().string() + ".verified");
}

// What a stamp for this file must say now.
std::string StampText(const struct stat& status, std::string_view sha256) {
    return fmt::format("{} {} {}\n", status.st_size,
                       status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec, sha256);
}
}  // namespace

struct Sha256::Context {
    EVP_MD_CTX* evp = ::EVP_MD_CTX_new();
    ~Context() { ::EVP_MD_CTX_free(evp); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
    LATHE_CHECK(::EVP_DigestInit_ex(context_->evp, ::EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::span<const char> bytes) {
    LATHE_CHECK(::EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    LATHE_CHECK(::EVP_DigestFinal_ex(context_->evp, digest, &size) == 1);
    LATHE_CHECK(::EVP_DigestInit_ex(context_->evp, ::EVP_sha256(), nullptr) == 1);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
}

bool IsSha256(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

Result<Sha256> HashFile(const std::filesystem::path& path, uint64_t bytes_max,
                        std::stop_token stop) {
    int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::unexpected(platform::ErrnoError(errno, "cannot open", path));
    Sha256 hash;
    std::vector<char> buffer(kBufferBytes);
    uint64_t left = bytes_max;
    int error = 0;
    while (left > 0 && !stop.stop_requested()) {
        ssize_t count = ::read(file, buffer.data(), std::min<uint64_t>(buffer.size(), left));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) error = errno;
        if (count <= 0) break;
        hash.Update({buffer.data(), static_cast<size_t>(count)});
        left -= static_cast<uint64_t>(count);
    }
    ::close(file);
    if (error != 0) return std::unexpected(platform::ErrnoError(error, "cannot read", path));
    if (stop.stop_requested()) return MakeError(Code::kCancelled, "stopped");
    return hash;
}

void StampSha256(const std::filesystem::path& path, std::string_view sha256) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return;
    [[maybe_unused]] Status ignored =
        platform::WriteFileAtomically(StampOf(path), StampText(status, sha256));
}

Result<bool> FileHasSha256(const std::filesystem::path& path, uint64_t bytes,
                           std::string_view sha256, std::stop_token stop) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    if (bytes > 0 && static_cast<uint64_t>(status.st_size) != bytes) return false;
    auto stamp = platform::ReadFile(StampOf(path), 4096);
    if (stamp && *stamp == StampText(status, sha256)) return true;
    LATHE_TRY(Sha256 hash, HashFile(path, UINT64_MAX, stop));
    if (hash.Finish() != sha256) return false;
    StampSha256(path, sha256);
    return true;
}

}  // namespace lathe::registry
