// The web console's files, carried inside the binary.
#pragma once

#include <span>
#include <string_view>

namespace lathe::console {

// One file of the built console. All views point into the binary and live as long
// as the process.
struct Asset {
    std::string_view path;          // as the browser asks for it: "/index.html"
    std::string_view content_type;  // for the header of that name
    std::string_view bytes;
    std::string_view etag;       // hash of the bytes, in the quotes the header wants
    bool cache_forever = false;  // the path holds a hash: its bytes never change
};

// Every file, in order of path; "/index.html" is the page to serve at "/". Empty if
// the build was configured with LATHE_CONSOLE=OFF. Const-safe.
std::span<const Asset> ConsoleAssets();

// The file for the path of a request, without its query; "/" means "/index.html".
// Null if there is none.
const Asset* FindAsset(std::string_view path);

// Value of Cache-Control for an asset.
constexpr std::string_view CacheControl(const Asset& asset) {
    return asset.cache_forever ? "public, max-age=31536000, immutable" : "no-cache";
}

// Value of Content-Security-Policy to send with the console's files: they need
// nothing but themselves and the server they came from.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace lathe::console
