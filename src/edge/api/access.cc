#include "edge/api/access.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

#include "core/platform/files.h"

namespace lathe::api {
namespace {

constexpr uint64_t kKeyFileBytesMax = 1 << 20;

class Open : public Access {
public:
    ApiResult<Caller> Admit(const net::ServerRequest&) const override { return Caller{}; }
};

// "localhost:8080" -> "localhost", "[::1]:80" -> "::1"
std::string_view HostWithoutPort(std::string_view host) {
    if (host.starts_with('[')) {
        auto end = host.find(']');
        return end == host.npos ? host : host.substr(1, end - 1);
    }
    return host.substr(0, host.find(':'));
}

class Loopback : public Access {
public:
    ApiResult<Caller> Admit(const net::ServerRequest& request) const override {
        auto host = HostWithoutPort(request.Get("host"));
        bool local =
            net::EqualsIgnoringCase(host, "localhost") || host == "::1" ||
            (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos) ||
            (host.empty() && request.Get("host").empty());  // HTTP/1.0
        if (local) return Caller{};
        return std::unexpected(ApiError(Error{
            Code::kPermissionDenied,
            fmt::format("this server answers only to localhost, not to the name \"{}\"; to be "
                        "reached by other names start it with --api-key-file or --open",
                        host),
            {}}));
    }
};

std::string_view Trimmed(std::string_view text) {
    auto begin = text.find_first_not_of(" \t\r");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

std::unique_ptr<Access> OpenAccess() {
    return std::make_unique<Open>();
}
std::unique_ptr<Access> LoopbackAccess() {
    return std::make_unique<Loopback>();
}

Result<std::unique_ptr<Access>> KeyFileAccess::Load(const std::filesystem::path& path) {
    LATHE_TRY(auto text, platform::ReadFile(path, kKeyFileBytesMax));
    auto access = std::make_unique<KeyFileAccess>();
    std::string_view rest = text;
    for (int line_number = 1; !rest.empty(); ++line_number) {
        auto end = std::min(rest.find('\n'), rest.size());
        auto key = Trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (key.empty() || key.front() == '#') continue;
        if (std::ranges::any_of(key, [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
            return InvalidArgument("{}, line {}: a key is one word of printable ASCII",
                                   path.string(), line_number);
        Digest digest;
        SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
        access->keys_.push_back(digest);
    }
    if (access->keys_.empty())
        return InvalidArgument("{} holds no key; write one a line", path.string());
    return access;
}

ApiResult<Caller> KeyFileAccess::Admit(const net::ServerRequest& request) const {
    auto header = request.Get("authorization");
    auto space = header.find(' ');
    if (header.empty() || space == header.npos ||
        !net::EqualsIgnoringCase(header.substr(0, space), "bearer"))
        return std::unexpected(
            ApiError(Error{Code::kUnauthenticated,
                           "no API key given; send the header \"Authorization: Bearer KEY\"",
                           {}}));
    auto key = Trimmed(header.substr(space + 1));
    Digest digest;
    SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
    size_t found = 0;  // 1 + index; every key is compared, whichever matches
    for (size_t i = 0; i < keys_.size(); ++i)
        if (CRYPTO_memcmp(keys_[i].data(), digest.data(), digest.size()) == 0) found = i + 1;
    if (found == 0)
        return std::unexpected(
            ApiError(Error{Code::kUnauthenticated, "the API key is not one of this server's", {}}));
    return Caller{fmt::format("key-{}", found)};
}

}  // namespace lathe::api
