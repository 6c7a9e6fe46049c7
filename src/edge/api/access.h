// Who may call. Today keys from a file; roles and quotas plug in here later.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/server_message.h"
#include "edge/api/api_error.h"

namespace lathe::api {

// Who a request comes from, as far as it is known.
struct Caller {
    std::string id;  // "": anyone; else a name that may be logged (never the key itself)
};

// Asked once for every request of a route that is not public, before its body is looked at.
// Thread-safe.
class Access {
public:
    virtual ~Access() = default;
    virtual ApiResult<Caller> Admit(const net::ServerRequest& request) const = 0;
};

// Anyone who reaches the port (`--open`).
std::unique_ptr<Access> OpenAccess();

// Anyone on this machine, but no web page that a browser here happens to show: the
// Host header must name loopback, which stops DNS rebinding.
std::unique_ptr<Access> LoopbackAccess();

// "Authorization: Bearer KEY" with one of the keys of a file: one a line, blank lines and lines
// that begin with '#' left out. Keys are compared as SHA-256 in constant time.
class KeyFileAccess : public Access {
public:
    // Errors name the file and what is wrong with it, never a key.
    static Result<std::unique_ptr<Access>> Load(const std::filesystem::path& path);

    ApiResult<Caller> Admit(const net::ServerRequest& request) const override;

private:
    using Digest = std::array<unsigned char, 32>;
    std::vector<Digest> keys_;
};

}  // namespace lathe::api
